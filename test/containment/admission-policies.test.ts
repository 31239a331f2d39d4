import { describe, expect, it } from '@jest/globals'

import { actions, createContainment, entriesFromAnnotation } from '../../src/containment/index.js'
import { standingBeside } from '../../src/containment/standing-beside.js'
import type { QuarantineOptions } from '../../src/containment/options.js'
import type { ActionOutcome, WantedAction } from '../../src/model/containment.js'
import type { HoldStatus } from '../../src/model/hold-status.js'
import { faultsAt, quarantineWith, releaseWith, surviving } from './faulty-runs.js'
import type { Fault, MemoryApi } from './memory-api.js'
import { complaints } from './schemas.js'
import { actionNamed, MARK, OPTIONS, shop, SUSPECT, suspect, target, UID } from './shop.js'

const POLICIES = 'validatingadmissionpolicies'
const BINDINGS = 'validatingadmissionpolicybindings'

function wanting(...wanted: readonly WantedAction[]): QuarantineOptions {
  return { ...OPTIONS, wanted: new Set(wanted) }
}

function names(api: MemoryApi): readonly string[] {
  return [...api.objects.keys()].filter((key) => key.startsWith('validatingadmission')).sort()
}

describe.each(['deny-access', 'block-token'] as const)('--%s', (flag) => {
  const name = `impound-${flag}-${MARK}`
  const both = [`${POLICIES}//${name}`, `${BINDINGS}//${name}`].sort()

  it('makes a policy and its binding before the cut, and release takes both away', async () => {
    const api = shop()
    const containment = createContainment(wanting(flag))
    const plan = await containment.plan(api.context, target(api))
    expect(complaints('quarantine-plan', plan)).toEqual([])
    expect(actionNamed(plan, flag)?.changes).toEqual([
      expect.stringContaining(`+ ValidatingAdmissionPolicy ${name}: refuse`),
      `+ ValidatingAdmissionPolicyBinding ${name}`,
      `~ annotation impound.dev/${flag}`,
    ])
    await containment.apply(api.context, plan)
    expect(names(api)).toEqual(both)
    const steps = api.journal.map(({ intent }) => intent.step)
    expect(steps.indexOf('create ValidatingAdmissionPolicyBinding')).toBeLessThan(steps.indexOf('label'))
    expect((await containment.verify(api.context, plan)).tried).toEqual(
      expect.arrayContaining([`read back: ValidatingAdmissionPolicy ${name} stands`]),
    )
    expect((await createContainment(OPTIONS).undo(api.context, api.journal)).left).toEqual([])
    expect(names(api)).toEqual([])
    expect(suspect(api).metadata?.annotations).toBeUndefined()
  })

  it.each(faultsAt(9))(
    'write %i, %s: the next run does what is left',
    async (write, _title, fault: Fault) => {
      const api = shop()
      api.faults.set(write, fault)
      await surviving(() => quarantineWith(api, wanting(flag)))
      await quarantineWith(api, wanting(flag))
      expect(names(api)).toEqual(both)
      const writes = api.writes.length
      await quarantineWith(api, wanting(flag))
      expect(api.writes).toHaveLength(writes)
      await releaseWith(api, OPTIONS, fault)
      expect(names(api)).toEqual([])
    },
  )

  it.each(faultsAt(9))('write %i, %s: a release leaves nothing', async (write, _title, fault: Fault) => {
    const api = shop()
    api.faults.set(write, fault)
    await surviving(() => quarantineWith(api, wanting(flag)))
    await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(names(api)).toEqual([])
    expect(suspect(api).metadata?.annotations).toBeUndefined()
  })

  it('is taken back by the annotation of the pod alone, and by the journal where the pod is gone', async () => {
    const marked = shop()
    await quarantineWith(marked, wanting(flag))
    await createContainment(OPTIONS).undo(marked.context, entriesFromAnnotation(suspect(marked)))
    expect(names(marked)).toEqual([])
    const gone = shop()
    await quarantineWith(gone, wanting(flag))
    gone.remove('pods', SUSPECT)
    await createContainment(OPTIONS).undo(gone.context, gone.journal)
    expect(names(gone)).toEqual([])
  })

  it('is not available, and said so, where the cluster serves none or does not say who one is', async () => {
    const old = shop()
    old.served = old.served.filter(({ resource }) => resource !== BINDINGS)
    const dumb = shop()
    dumb.whoAmI = () => Promise.resolve(undefined as never)
    for (const api of [old, dumb]) {
      const plan = await createContainment(wanting(flag)).plan(api.context, target(api))
      expect(actionNamed(plan, flag)).toMatchObject({ changes: [], refusals: [], missingAccess: [] })
      expect(actionNamed(plan, flag)?.warnings.join()).toContain(`--${flag} is not available: `)
      const outcomes: ActionOutcome[] = []
      await createContainment(wanting(flag)).apply(api.context, plan, (outcome) => outcomes.push(outcome))
      expect(outcomes).toMatchObject(
        expect.arrayContaining([{ action: flag, error: expect.objectContaining({ code: 'unsupported' }) }]),
      )
      expect(names(api)).toEqual([])
    }
  })

  it('names missing rights, and refuses where the server refuses the policy', async () => {
    const api = shop()
    api.denied = ({ resource, verb }) => resource === POLICIES && verb === 'create'
    expect((await createContainment(wanting(flag)).plan(api.context, target(api))).missingAccess).toEqual([
      { verb: 'create', group: 'admissionregistration.k8s.io', resource: POLICIES },
    ])
    const strict = shop()
    strict.admission = (_method, body) =>
      JSON.stringify(body).includes('matchConditions') ? 'expression does not compile' : undefined
    const plan = await createContainment(wanting(flag)).plan(strict.context, target(strict))
    expect(plan.refusals).toMatchObject([{ code: 'admission' }])
  })

  it('is told by status and release where somebody changed or deleted it', async () => {
    const api = shop()
    await quarantineWith(api, wanting(flag))
    const hold: HoldStatus = {
      ...{ namespace: 'shop', name: SUSPECT, uid: UID, case: 'INC-42', knownFrom: ['state'] },
      ...{ state: 'holds', stands: [], faults: [], notSeen: [] },
    }
    const look = (): Promise<HoldStatus> => standingBeside(api.context, hold, api.journal, actions(OPTIONS))
    expect((await look()).faults).toEqual([])
    api.edit(POLICIES, name, (object) => (object['spec'] = { failurePolicy: 'Ignore' }), '')
    api.objects.delete(`${BINDINGS}//${name}`)
    const said = [
      `ValidatingAdmissionPolicyBinding ${name} is gone: somebody deleted it`,
      `ValidatingAdmissionPolicy ${name} was changed by somebody else`,
    ]
    expect((await look()).faults.map(({ message }) => message)).toEqual(said.map((one) => `${flag}: ${one}`))
    expect((await createContainment(OPTIONS).undo(api.context, api.journal)).left).toEqual(said)
  })
})

describe('what the policies say', () => {
  async function specOf(flag: WantedAction, resource: string, api = shop()): Promise<unknown> {
    await quarantineWith(api, wanting(flag))
    return api.find(resource, `impound-${flag}-${MARK}`, '')?.['spec']
  }

  it('is about this pod alone, in its namespace alone, and passes the responder and the kubelet', async () => {
    const selector = { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } }
    expect(await specOf('deny-access', POLICIES)).toMatchObject({
      failurePolicy: 'Fail',
      matchConstraints: { namespaceSelector: selector },
      matchConditions: [
        {
          expression: `request.namespace == "shop" && (oldObject == null ? request.name == "${SUSPECT}" : oldObject.metadata.uid == "${UID}")`,
        },
      ],
      validations: [{ expression: 'request.userInfo.username in ["ana@corp", "system:node:node-a"]' }],
    })
    expect(await specOf('deny-access', BINDINGS)).toMatchObject({
      validationActions: ['Deny'],
      matchResources: { namespaceSelector: selector },
    })
  })

  it('quotes whoever the responder is', async () => {
    const api = shop()
    api.whoAmI = () => Promise.resolve({ user: 'an"a\\\n', groups: [] })
    expect(JSON.stringify(await specOf('deny-access', POLICIES, api))).toContain(
      JSON.stringify('["an\\"a\\\\\\n", "system:node:node-a"]').slice(1, -1),
    )
  })

  it('lets all writes pass that it can not judge, since it is asked of all in the cluster', async () => {
    expect(await specOf('block-token', POLICIES)).toMatchObject({ failurePolicy: 'Ignore' })
  })
})
