import { describe, expect, it } from '@jest/globals'

import { createContainment, entriesFromAnnotation } from '../../src/containment/index.js'
import { ImpoundError, type ErrorCode } from '../../src/model/errors.js'
import type { Pod } from '../../src/model/kubernetes.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import { Crash, type Fault, type MemoryApi } from './memory-api.js'
import { LABELS, MARK, OPTIONS, policy, shop, SUSPECT, suspect, target } from './shop.js'

const POLICY = `impound-${MARK}`

async function run(api: MemoryApi, options = OPTIONS): Promise<QuarantinePlan> {
  const action = createContainment(options)
  const plan = await action.plan(api.context, target(api))
  await action.apply(api.context, plan)
  return plan
}

function expectQuarantined(api: MemoryApi): void {
  const { metadata } = suspect(api)
  expect(metadata?.labels).toEqual({ 'impound.dev/quarantine': MARK })
  expect(metadata?.ownerReferences).toBeUndefined()
  expect(JSON.parse(metadata?.annotations?.['impound.dev/quarantine'] ?? '')).toMatchObject({
    case: 'INC-42',
    who: 'ana@corp',
    labels: LABELS,
    owner: { kind: 'ReplicaSet', name: 'web-6dd6' },
    tool: '0.1.0',
  })
  expect(api.find('networkpolicies', POLICY)?.['spec']).toEqual({
    podSelector: { matchLabels: { 'impound.dev/quarantine': MARK } },
    policyTypes: ['Ingress', 'Egress'],
  })
}

/** What release has to bring back to the byte. */
function face({ metadata, spec }: Pod): string {
  return JSON.stringify([metadata?.labels, metadata?.annotations, spec].map(sortedKeys))
}

function sortedKeys(value: unknown): unknown {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
    : value
}

describe('applying a quarantine', () => {
  it('locks, creates the policy, marks, relabels, in this order, and the owner lets go', async () => {
    const api = shop()
    await run(api)
    expectQuarantined(api)
    expect(api.writes).toEqual([
      `PATCH pods/${SUSPECT}`,
      'POST networkpolicies',
      `PATCH pods/${SUSPECT}`,
      'POST poddisruptionbudgets',
      `PATCH pods/${SUSPECT}`,
      `PATCH pods/${SUSPECT}`,
    ])
    expect(api.journal.map(({ intent }) => intent.step)).toEqual([
      'lock',
      'policy',
      'annotate',
      'create PodDisruptionBudget',
      'label',
      'relabel',
    ])
    expect(api.journal.at(-1)?.intent.prior).toEqual({ case: 'INC-42', labels: LABELS })
  })

  it('writes nothing the second time', async () => {
    const api = shop()
    await run(api)
    const plan = await run(api)
    expect(plan).toMatchObject({ resumes: true, policy: { state: 'ours' }, labels: { remove: [], add: {} } })
    expect(plan.refusals).toEqual([])
    expect(api.writes).toHaveLength(6)
  })

  it('refuses a plan that carries a refusal', async () => {
    const api = shop()
    const action = createContainment(OPTIONS)
    const plan = await action.plan(api.context, target(api))
    const refused = { ...plan, refusals: [{ code: 'host-network' as const, message: 'no' }] }
    await expect(action.apply(api.context, refused)).rejects.toMatchObject({ code: 'refused' })
    expect(api.writes).toEqual([])
  })

  it('stops before the first write where another responder locked the pod after the plan', async () => {
    const api = shop()
    const action = createContainment(OPTIONS)
    const plan = await action.plan(api.context, target(api))
    await run(api, { ...OPTIONS, case: 'INC-41', who: 'bo@corp' })
    const writes = api.writes.length
    await expect(action.apply(api.context, plan)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/step lock: case INC-41 holds the pod: quarantined by bo@corp/),
    })
    expect(api.writes).toHaveLength(writes)
  })

  it('lets only one of two responders who lock at the same moment go on', async () => {
    const api = shop()
    const lock = JSON.stringify({ case: 'INC-41', who: 'bo', when: 'now', labels: {}, tool: '0' })
    api.meanwhile = (_api, write) => {
      if (write !== 1) return
      api.edit(
        'pods',
        SUSPECT,
        ({ metadata }) => (metadata['annotations'] = { 'impound.dev/quarantine': lock }),
      )
    }
    await expect(run(api)).rejects.toMatchObject({ code: 'refused' })
    expect(suspect(api).metadata?.annotations?.['impound.dev/quarantine']).toBe(lock)
    expect(api.find('networkpolicies', POLICY)).toBeUndefined()
  })

  it('stops where somebody made a policy of that name meanwhile', async () => {
    const api = shop()
    api.meanwhile = (_api, write) => {
      if (write === 2) api.put('networkpolicies', policy(POLICY, { podSelector: {}, ingress: [{}] }))
    }
    await expect(run(api)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('step policy'),
      hints: expect.arrayContaining(['nothing has touched the traffic of the pod']),
    })
    expect(suspect(api).metadata?.labels).toEqual(LABELS)
  })

  it('reads again where labels change under its hands, and takes off what is there then', async () => {
    const api = shop()
    api.meanwhile = (_api, write) => {
      if (write === 6)
        api.edit(
          'pods',
          SUSPECT,
          ({ metadata }) =>
            (metadata['labels'] = { ...(metadata['labels'] as object), tier: 'back', added: 'x' }),
        )
    }
    await run(api)
    expect(suspect(api).metadata?.labels).toEqual({ 'impound.dev/quarantine': MARK, added: 'x' })
    expect(api.journal.at(-1)?.intent.prior).toMatchObject({ labels: { tier: 'back' } })
  })

  it('gives up after five tries against somebody who changes the labels each time', async () => {
    const api = shop()
    api.meanwhile = (_api, write) => {
      if (write >= 6)
        api.edit(
          'pods',
          SUSPECT,
          ({ metadata }) => (metadata['labels'] = { ...(metadata['labels'] as object), tier: `t${write}` }),
        )
    }
    await expect(run(api)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('step relabel'),
    })
    expect(api.writes).toHaveLength(10)
    expect(suspect(api).metadata?.labels).toMatchObject({ 'impound.dev/quarantine': MARK, app: 'web' })
  })

  it('keeps a label for a policy that came after the plan', async () => {
    const api = shop()
    const action = createContainment(OPTIONS)
    const plan = await action.plan(api.context, target(api))
    const untiered = { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }
    api.put('networkpolicies', policy('late', { podSelector: untiered, ingress: [{}] }))
    await action.apply(api.context, plan)
    expect(suspect(api).metadata?.labels).toEqual({ 'impound.dev/quarantine': MARK, tier: 'front' })
  })

  it('takes no label off once somebody has taken the mark off', async () => {
    const api = shop()
    api.meanwhile = (_api, write) => {
      if (write === 6) api.edit('pods', SUSPECT, ({ metadata }) => (metadata['labels'] = { ...LABELS }))
    }
    await expect(run(api)).rejects.toMatchObject({ code: 'conflict' })
    expect(suspect(api).metadata?.labels).toEqual(LABELS)
  })

  it('stops where the pod is replaced by one of the same name', async () => {
    const api = shop()
    api.meanwhile = (_api, write) => {
      if (write === 5) api.edit('pods', SUSPECT, ({ metadata }) => (metadata.uid = 'another'))
    }
    await expect(run(api)).rejects.toMatchObject({ code: 'target-changed' })
    expect(suspect(api).metadata?.labels).toEqual(LABELS)
  })

  it('waits at most ten seconds for an owner that does not let go, and the verdict says so', async () => {
    const api = shop()
    api.controllers = () => undefined
    const started = api.now
    const action = createContainment(OPTIONS)
    const plan = await action.plan(api.context, target(api))
    await action.apply(api.context, plan)
    expect(api.now - started).toBeGreaterThanOrEqual(10_000)
    expect(api.now - started).toBeLessThan(11_000)
    expect((await action.verify(api.context, plan)).open.join('\n')).toContain(
      'ReplicaSet web-6dd6 has not let the pod go',
    )
  })

  it('marks a pod without any label, and gives it back without any', async () => {
    const api = shop()
    api.edit('pods', SUSPECT, ({ metadata }) => {
      delete metadata['labels']
      delete metadata['ownerReferences']
    })
    const before = face(suspect(api))
    await run(api)
    expect(suspect(api).metadata?.labels).toEqual({ 'impound.dev/quarantine': MARK })
    await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(face(suspect(api))).toBe(before)
  })

  const FAULTS: readonly Fault[] = [
    { kind: 'crash-before' },
    { kind: 'crash-after' },
    ...(['unreachable', 'timeout', 'cut', 'server'] as const satisfies readonly ErrorCode[]).flatMap(
      (code): Fault[] => [
        { kind: 'lost-before', code },
        { kind: 'lost-after', code },
      ],
    ),
    { kind: 'refused', code: 'conflict', status: 409 },
    { kind: 'refused', code: 'conflict', status: 422 },
    { kind: 'refused', code: 'throttled', status: 429 },
    { kind: 'refused', code: 'forbidden', status: 403 },
    { kind: 'refused', code: 'invalid', status: 422 },
  ]
  const CASES = [1, 2, 3, 4, 5, 6].flatMap((write) =>
    FAULTS.map(
      (fault) => [write, 'code' in fault ? `${fault.kind} ${fault.code}` : fault.kind, fault] as const,
    ),
  )

  async function firstRun(
    write: number,
    fault: Fault,
  ): Promise<{ readonly api: MemoryApi; readonly stopped: boolean }> {
    const api = shop()
    api.put('networkpolicies', policy('everything', { podSelector: {}, ingress: [{}] }))
    api.edit('pods', SUSPECT, ({ metadata }) => (metadata['annotations'] = { note: 'a/b~c', zeta: '1' }))
    api.faults.set(write, fault)
    try {
      await run(api)
      return { api, stopped: false }
    } catch (error) {
      expect(error instanceof Crash || error instanceof ImpoundError).toBe(true)
      return { api, stopped: true }
    }
  }

  it.each(CASES)(
    'write %i, %s: goes on by itself or stops on the closed side, and the next run finishes',
    async (write, _title, fault) => {
      const { api, stopped } = await firstRun(write, fault)
      // what protects the pod does not hold up what cuts it off
      const beside = fault.kind === 'refused' && (write === 3 || write === 4)
      const ridesOut =
        beside ||
        fault.kind.startsWith('lost') ||
        (fault.kind === 'refused' && ['conflict', 'throttled'].includes(fault.code))
      expect(stopped).toBe(!ridesOut)
      const policyStands = api.find('networkpolicies', POLICY) !== undefined
      const marked = suspect(api).metadata?.labels?.['impound.dev/quarantine'] === MARK
      const relabelled = suspect(api).metadata?.labels?.['app'] === undefined
      expect({ marked: marked && !policyStands, relabelled: relabelled && !marked }).toEqual({
        marked: false,
        relabelled: false,
      })
      await run(api)
      expectQuarantined(api)
    },
  )

  it.each(CASES)('write %i, %s: a release gives the pod back to the byte', async (write, _title, fault) => {
    const untouched = shop()
    untouched.edit(
      'pods',
      SUSPECT,
      ({ metadata }) => (metadata['annotations'] = { note: 'a/b~c', zeta: '1' }),
    )
    const { api } = await firstRun(write, fault)
    const report = await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(face(suspect(api))).toBe(face(suspect(untouched)))
    expect(api.find('networkpolicies', POLICY)).toBeUndefined()
    expect(report.left).toEqual([])
  })

  it.each(CASES)(
    'write %i, %s: a run from another machine finishes and its journal alone gives the pod back',
    async (write, _title, fault) => {
      const untouched = shop()
      untouched.edit(
        'pods',
        SUSPECT,
        ({ metadata }) => (metadata['annotations'] = { note: 'a/b~c', zeta: '1' }),
      )
      const { api } = await firstRun(write, fault)
      const elsewhere = api.journal.length
      await run(api)
      expectQuarantined(api)
      const own = api.journal.slice(elsewhere)
      const journal = own.length > 0 ? own : entriesFromAnnotation(suspect(api))
      await createContainment(OPTIONS).undo(api.context, journal)
      expect(face(suspect(api))).toBe(face(suspect(untouched)))
      expect(api.find('networkpolicies', POLICY)).toBeUndefined()
    },
  )

  it('never leaves the pod with a policy selecting it that did not before, whatever the fault', async () => {
    for (const [write, , fault] of CASES) {
      const { api } = await firstRun(write, fault)
      const { policies } = await createContainment(OPTIONS).plan(api.context, target(api))
      expect(policies.filter(({ name }) => name !== 'everything')).toEqual([])
    }
  })
})
