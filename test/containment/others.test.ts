import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { EVERYTHING, LabHold, type Edited, type Kind } from './lab-hold.js'

const BO = { ...EVERYTHING, case: 'INC-99', who: 'bo@corp' }
const WRITES = 17
/** Between them, scripts run on the node. */
const REQUESTS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15]

let ana: LabHold
let free: ReturnType<LabHold['snapshot']>
let held: ReturnType<LabHold['snapshot']>
let stateFree = ''

beforeAll(async () => {
  ana = await LabHold.open()
  free = ana.snapshot()
  stateFree = ana.state()
  expect(await ana.quarantine()).toEqual({ failed: [] })
  expect(ana.steps).toHaveLength(WRITES)
  held = ana.snapshot()
})

afterAll(() => ana.close())

describe('two responders', () => {
  it.each([...REQUESTS, WRITES])(
    'before write %i of the first one: one of them holds the pod, the other is told who, and takes nothing back',
    async (at) => {
      ana.restore(free)
      const bo = ana.colleague()
      // planned while nobody held it
      const plan = await bo.plan(BO)
      const second = { stopped: undefined as unknown }
      const go = async (): Promise<void> => {
        second.stopped = (await bo.quarantine(BO, plan)).stopped
      }
      ana.meanwhile = async (write) => {
        if (write === at) await go()
      }
      const { stopped: first } = await ana.quarantine()
      ana.meanwhile = undefined
      if (at === WRITES) await go()
      const [winner, loser] = at === 0 ? [bo, ana] : [ana, bo]
      expect([first, second.stopped].filter((stopped) => stopped !== undefined)).toHaveLength(1)
      expect(first ?? second.stopped).toMatchObject({
        message: expect.stringContaining(
          at === 0
            ? 'case INC-99 holds the pod: quarantined by bo@corp'
            : 'case INC-42 holds the pod: quarantined by ana@corp',
        ),
      })
      const now = winner.state()
      expect(await loser.release()).toEqual({ done: [], left: [] })
      expect(winner.state()).toBe(now)
      expect(await winner.release()).toMatchObject({ left: [] })
      expect(winner.state()).toBe(stateFree)
    },
  )

  it('of one case do not hinder each other', async () => {
    ana.restore(free)
    const bo = ana.colleague()
    const both = await Promise.all([ana.quarantine(), bo.quarantine({ ...EVERYTHING, who: 'bo@corp' })])
    expect(both).toEqual([{ failed: [] }, { failed: [] }])
    expect(ana.open()).toEqual([])
    // each has a journal of what it did itself
    await bo.release()
    await ana.release()
    expect(ana.state()).toBe(stateFree)
  })
})

type Edit = (hold: LabHold) => void
const NAME = 'impound-11111111'
const pods = (change: (object: Edited) => void): Edit => {
  return (hold) => hold.edit('pods', 'web-1', change)
}
const policy = (name: string, change: (object: Edited) => void): Edit => {
  return (hold) => hold.edit('networkpolicies.networking.k8s.io', name, change)
}

const EDITS: readonly (readonly [what: string, edit: Edit, left: readonly RegExp[], ours?: Kind])[] = [
  ['a label of theirs', pods(({ metadata }) => void (metadata.labels['theirs'] = 'x')), []],
  [
    'a label that was taken off, with another value',
    pods(({ metadata }) => void (metadata.labels['app'] = 'other')),
    [/^label app is "other" now, set by somebody else; it was "web"$/],
  ],
  [
    'the quarantine label',
    pods(({ metadata }) => void (metadata.labels['impound.dev/quarantine'] = 'theirs')),
    [/^label impound.dev\/quarantine is "theirs" now, set by somebody else$/],
  ],
  ['an annotation of theirs', pods(({ metadata }) => void (metadata.annotations['theirs'] = 'x')), []],
  [
    'an annotation that protects the pod',
    pods(({ metadata }) => void (metadata.annotations['karpenter.sh/do-not-disrupt'] = 'theirs')),
    [/^annotation karpenter.sh\/do-not-disrupt was changed by somebody else$/],
  ],
  [
    'an annotation that protects the pod, which is gone',
    pods(({ metadata }) => Reflect.deleteProperty(metadata.annotations, 'karpenter.sh/do-not-disrupt')),
    [/^annotation karpenter.sh\/do-not-disrupt is as it was before: somebody else took ours off$/],
  ],
  [
    'the mark of what stands on the node, which is gone',
    pods(({ metadata }) => Reflect.deleteProperty(metadata.annotations, 'impound.dev/drop-connections')),
    [/^annotation impound.dev\/drop-connections was taken off by somebody else/],
  ],
  [
    'the node, which is no longer cordoned',
    (hold) => hold.edit('nodes', 'node-a', ({ spec }) => Reflect.deleteProperty(spec, 'unschedulable')),
    [/^node node-a was uncordoned by somebody else$/],
  ],
  [
    'a binding that is gone',
    (hold) => hold.delete('rolebindings.rbac.authorization.k8s.io', 'web'),
    [/^RoleBinding shop\/web is gone/],
  ],
  [
    'the lock',
    pods(({ metadata }) => void (metadata.annotations['impound.dev/quarantine'] = '{"case":"theirs"}')),
    [/^annotation impound.dev\/quarantine was changed by somebody else$/],
  ],
  [
    'the deny-all',
    policy(NAME, ({ spec }) => void (spec['ingress'] = [{}])),
    [/^NetworkPolicy impound-11111111 was changed by somebody else$/],
    'networkpolicies.networking.k8s.io',
  ],
  ['rules of a policy that was patched', policy('all', ({ spec }) => void (spec['egress'] = [])), []],
  [
    'the exclusion in a policy that was patched',
    policy('all', ({ spec }) => void (spec['podSelector'] = { matchLabels: { theirs: 'x' } })),
    [/^NetworkPolicy all no longer excludes the pod: somebody changed or deleted it$/],
  ],
  [
    'the PodDisruptionBudget',
    (hold) => hold.edit('poddisruptionbudgets.policy', NAME, ({ spec }) => void (spec['minAvailable'] = 0)),
    [/^PodDisruptionBudget shop\/impound-11111111 was changed by somebody else$/],
    'poddisruptionbudgets.policy',
  ],
  [
    'a policy that was patched, which is gone',
    (hold) => hold.delete('networkpolicies.networking.k8s.io', 'others'),
    [/^NetworkPolicy others no longer excludes the pod: somebody changed or deleted it$/],
  ],
  [
    'the PodDisruptionBudget, which is gone',
    (hold) => hold.delete('poddisruptionbudgets.policy', NAME),
    [/^PodDisruptionBudget shop\/impound-11111111 is gone: somebody deleted it$/],
  ],
]

describe('what others changed meanwhile is kept, and said', () => {
  it.each(EDITS.map(([what, edit, left, ours]) => ({ what, edit, left, ours })))(
    '$what',
    async ({ edit, left, ours }) => {
      ana.restore(held)
      edit(ana)
      const stays = ours === undefined ? undefined : ana.find(ours, NAME)
      expect(await ana.release()).toMatchObject({ left: left.map((line) => expect.stringMatching(line)) })
      const released = ana.state()
      // as if nobody had quarantined the pod, but for what of ours was said to stay
      ana.restore(free)
      edit(ana)
      if (stays !== undefined) ana.put(stays)
      expect(released).toBe(ana.state())
    },
  )
})

describe('status', () => {
  it('says what stands, and what nobody but a pod on the node could see', async () => {
    ana.restore(held)
    const { state, faults, stands, notSeen } = await ana.status()
    expect({ state, faults }).toEqual({ state: 'holds', faults: [] })
    expect(stands).toContain(
      'as it was left: protect, cordon, patch-residuals, detach-owner, detach-bindings',
    )
    expect(notSeen).toEqual([
      'whether what drop-connections did stands: only a pod on the node could look',
      'whether what freeze did stands: only a pod on the node could look',
    ])
  })

  const beside = EDITS.flatMap(([what, edit, [line]]) =>
    line === undefined ||
    !/karpenter|drop-connections|Policy (?:all|others)|Budget|node-a|RoleBinding/.test(line.source)
      ? []
      : [{ what, edit, line: line.source.replace('^', '^[a-z-]+: ') }],
  )

  it.each(beside)('tells of $what', async ({ edit, line }) => {
    ana.restore(held)
    edit(ana)
    const { state, faults } = await ana.status()
    expect(state).toBe('does-not-hold')
    expect(faults).toEqual([{ code: 'action-undone', message: expect.stringMatching(line) }])
  })

  it.each<[string, Edit, string]>([
    [
      'a label that came back',
      pods(({ metadata }) => void (metadata.labels['app'] = 'web')),
      'labels that were taken off are on the pod again: app',
    ],
    [
      'a deny-all that is gone',
      (hold) => hold.delete('networkpolicies.networking.k8s.io', NAME),
      `NetworkPolicy ${NAME} does not exist`,
    ],
    [
      'a policy that lets the pod through',
      (hold) =>
        hold.put({
          kind: 'NetworkPolicy',
          apiVersion: 'networking.k8s.io/v1',
          metadata: { name: 'new', namespace: 'shop' },
          spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{}] },
        }),
      'NetworkPolicy new selects the pod and lets through: egress to anywhere',
    ],
  ])('tells of %s', async (_what, edit, said) => {
    ana.restore(held)
    edit(ana)
    const { state, faults } = await ana.status()
    expect(state).toBe('does-not-hold')
    expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining(said)])
  })
})
