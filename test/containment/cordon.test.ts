import { describe, expect, it } from '@jest/globals'

import { actions, createContainment, entriesFromAnnotation } from '../../src/containment/index.js'
import { standingBeside } from '../../src/containment/standing-beside.js'
import type { QuarantineOptions } from '../../src/containment/options.js'
import type { HoldStatus } from '../../src/model/hold-status.js'
import type { JsonObject } from '../../src/model/json.js'
import type { Target } from '../../src/model/target.js'
import { faultsAt, quarantineWith, releaseWith, surviving } from './faulty-runs.js'
import type { Fault, MemoryApi } from './memory-api.js'
import { complaints } from './schemas.js'
import { actionNamed, OPTIONS, shop, SUSPECT, suspect, target, UID } from './shop.js'

const WANTED: QuarantineOptions = { ...OPTIONS, wanted: new Set(['cordon']) }
const NODE = 'node-a'

function withNode(spec: JsonObject = {}): MemoryApi {
  const api = shop()
  api.put('nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: NODE, uid: 'node-1', annotations: { 'example.com/rack': 'r1' } },
    spec: { providerID: 'x', ...spec },
  })
  return api
}

/** The node without what no release can give back. */
function node(api: MemoryApi): JsonObject {
  const { metadata, ...rest } = api.find('nodes', NODE, '')!
  return { ...rest, metadata: { ...metadata, resourceVersion: '' } }
}

function isCordoned(api: MemoryApi): boolean {
  return (node(api)['spec'] as JsonObject)['unschedulable'] === true
}

const SIBLING = 'web-6dd6-b7b'

function sibling(api: MemoryApi): Target {
  const pod = api.find('pods', SIBLING) as unknown as Target['pod']
  return { namespace: 'shop', name: SIBLING, uid: 'sibling-1', pod }
}

describe('--cordon', () => {
  it('cordons the node before any label goes, and gives it back as it was', async () => {
    const api = withNode()
    const before = node(api)
    const containment = createContainment(WANTED)
    const plan = await containment.plan(api.context, target(api))
    expect(complaints('quarantine-plan', plan)).toEqual([])
    expect(actionNamed(plan, 'cordon')?.changes).toEqual([
      `~ node ${NODE}: cordon, nothing new is scheduled to it`,
      '~ annotation impound.dev/cordon',
    ])
    expect(api.dryRuns).toContain(`PATCH nodes/${NODE}`)
    await containment.apply(api.context, plan)
    expect(api.writes.indexOf(`PATCH nodes/${NODE}`)).toBeLessThan(api.writes.length - 2)
    expect(isCordoned(api)).toBe(true)
    expect((await containment.verify(api.context, plan)).tried).toContain(
      `read back: node ${NODE} is cordoned`,
    )
    const { done, left } = await createContainment(OPTIONS).undo(api.context, api.journal)
    expect([done.includes(`~ node ${NODE}: uncordoned`), left]).toEqual([true, []])
    expect(node(api)).toEqual(before)
    expect(suspect(api).metadata?.annotations).toBeUndefined()
  })

  it.each(faultsAt(8))(
    'write %i, %s: the next run does what is left',
    async (write, _title, fault: Fault) => {
      const api = withNode()
      const before = node(api)
      api.faults.set(write, fault)
      await surviving(() => quarantineWith(api, WANTED))
      await quarantineWith(api, WANTED)
      expect(isCordoned(api)).toBe(true)
      const writes = api.writes.length
      await quarantineWith(api, WANTED)
      expect(api.writes).toHaveLength(writes)
      await releaseWith(api, OPTIONS, fault)
      expect(node(api)).toEqual(before)
    },
  )

  it.each(faultsAt(8))('write %i, %s: a release gives the node back', async (write, _title, fault: Fault) => {
    const api = withNode()
    const before = node(api)
    api.faults.set(write, fault)
    await surviving(() => quarantineWith(api, WANTED))
    await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(node(api)).toEqual(before)
  })

  it('leaves a node cordoned that somebody else had cordoned', async () => {
    const api = withNode({ unschedulable: true })
    const before = node(api)
    const plan = await createContainment(WANTED).plan(api.context, target(api))
    expect(actionNamed(plan, 'cordon')).toMatchObject({
      changes: [],
      warnings: [`node ${NODE} is cordoned already: it is left so at release`],
    })
    await quarantineWith(api, WANTED)
    await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(node(api)).toEqual(before)
  })

  it('opens a node of two suspects with the last of them', async () => {
    const api = withNode()
    const before = node(api)
    const other = createContainment({ ...WANTED, case: 'INC-43', allowOutage: true })
    const [first, second] = [api.journal, [] as typeof api.journal]
    await quarantineWith(api, WANTED)
    const ofFirst = first.length
    await other.apply(api.context, await other.plan(api.context, sibling(api)))
    second.push(...api.journal.slice(ofFirst))
    const { done } = await createContainment(OPTIONS).undo(api.context, api.journal.slice(0, ofFirst))
    expect(done).toContain(`= node ${NODE} stays cordoned: 1 more of its pods are held`)
    expect(isCordoned(api)).toBe(true)
    await createContainment(OPTIONS).undo(api.context, second)
    expect(node(api)).toEqual(before)
  })

  it('is taken back by the annotation of the pod alone, and by the journal where the pod is gone', async () => {
    const marked = withNode()
    await quarantineWith(marked, WANTED)
    await createContainment(OPTIONS).undo(marked.context, entriesFromAnnotation(suspect(marked)))
    expect(isCordoned(marked)).toBe(false)
    const gone = withNode()
    await quarantineWith(gone, WANTED)
    gone.remove('pods', SUSPECT)
    await createContainment(OPTIONS).undo(gone.context, gone.journal)
    expect(isCordoned(gone)).toBe(false)
  })

  it('asks nothing of nodes at a release where none was cordoned', async () => {
    const api = withNode()
    await quarantineWith(api, OPTIONS)
    api.unreadable.set('nodes', 'forbidden')
    expect((await createContainment(OPTIONS).undo(api.context, api.journal)).left).toEqual([])
  })

  it('names a missing right, and refuses where admission does', async () => {
    const api = withNode()
    api.denied = ({ verb, resource }) => verb === 'patch' && resource === 'nodes'
    const plan = await createContainment(WANTED).plan(api.context, target(api))
    expect(plan.missingAccess).toEqual([{ verb: 'patch', group: '', resource: 'nodes', name: NODE }])
    const strict = withNode()
    strict.admission = (_method, body) =>
      JSON.stringify(body).includes('unschedulable') ? 'nodes are frozen' : undefined
    expect((await createContainment(WANTED).plan(strict.context, target(strict))).refusals).toEqual([
      { code: 'admission', message: `node ${NODE}: nodes are frozen` },
    ])
  })

  it('is told by status and release where somebody uncordoned the node', async () => {
    const api = withNode()
    await quarantineWith(api, WANTED)
    const hold: HoldStatus = {
      namespace: 'shop',
      name: SUSPECT,
      uid: UID,
      case: 'INC-42',
      knownFrom: ['state'],
      state: 'holds',
      stands: [],
      faults: [],
      notSeen: [],
    }
    const look = (of = hold): Promise<HoldStatus> =>
      standingBeside(api.context, of, api.journal, actions(OPTIONS))
    expect(await look()).toMatchObject({ state: 'holds', stands: ['as it was left: protect, cordon'] })
    const writes = api.writes.length
    api.edit('nodes', NODE, (object) => (object['spec'] = { providerID: 'x' }), '')
    const said = `node ${NODE} was uncordoned by somebody else`
    for (const knownFrom of [['state'], ['annotation']] as const) {
      expect(await look({ ...hold, knownFrom })).toMatchObject({
        state: 'does-not-hold',
        faults: [{ code: 'action-undone', message: `cordon: ${said}` }],
      })
    }
    api.unreadable.set('nodes', 'forbidden')
    expect((await look()).notSeen).toEqual(['whether cordon stands: nodes is forbidden'])
    api.unreadable.clear()
    expect(api.writes).toHaveLength(writes)
    expect((await createContainment(OPTIONS).undo(api.context, api.journal)).left).toEqual([said])
  })
})
