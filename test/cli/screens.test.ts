import { describe, expect, it } from '@jest/globals'

import { endScreen } from '../../src/cli/end-screen.js'
import { planScreen } from '../../src/cli/plan-screen.js'
import type { RunPlan } from '../../src/engine/plan.js'
import type { RunResult } from '../../src/engine/result.js'
import { samplePlan } from './sample-plan.js'

function manyPods(
  count: number,
  warnings = (index: number): readonly string[] => (index % 2 === 0 ? ['it warns'] : []),
): RunPlan {
  const targets = Array.from({ length: count }, (_, index) => {
    const target = samplePlan(`web-${index}`).targets[0]!
    const refusals = index === 3 ? [{ code: 'host-network', message: 'on the host network' } as const] : []
    return { ...target, quarantine: { ...target.quarantine!, warnings: warnings(index), refusals } }
  })
  return { ...samplePlan(), targets }
}

const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

describe('the plan screen', () => {
  it('says what changes, who is touched, what stays open, what will be missing and how to undo it', () => {
    const screen = planScreen(samplePlan())
    expect(screen.split('\n')[0]).toMatch(/^PLAN {2}INC-42 {2}seize shop\/web-1 {2}uid 1f3a9c02 +03:00:33Z$/)
    for (const part of [
      'you ana@corp  local time +01:00',
      'up 6 d',
      '+ NetworkPolicy shop/impound-1f3a9c02 (deny all)',
      '~ labels: remove app; add impound.dev/quarantine=1f3a9c02',
      'Service web keeps 1 of 2 ready endpoints',
      'STAYS OPEN NetworkPolicy allow-all still selects it and allows ingress from anywhere',
      'filesystem: --allow exec is not given   [needs e]',
      'logs: no right to get pods/log in shop',
      '11 GB free, not signed, not encrypted',
      'undo      impound release web-1 -n shop',
    ]) {
      expect(screen).toContain(part)
    }
  })

  it('says of labels that are there already that nothing is added', () => {
    const plan = samplePlan()
    const [target] = plan.targets
    const quarantine = target!.quarantine!
    const labels = { ...quarantine.labels, add: {}, remove: [] }
    const resumed = { ...plan, targets: [{ ...target!, quarantine: { ...quarantine, labels } }] }
    expect(planScreen(resumed)).toContain('~ labels: remove none; add nothing, already there\n')
  })

  it('says of many pods each on a line, and what they share once', () => {
    const screen = planScreen(manyPods(60))
    const lines = screen.split('\n')
    expect(lines.length).toBeLessThan(60 + 40)
    expect(lines.filter((line) => /shop\/web-\d+ {2}1f3a9c02 /.test(line))).toHaveLength(60)
    expect(screen).toContain('shop/web-7  1f3a9c02  ReplicaSet web-6dd6 of Deployment web  node-1\n')
    expect(screen).toContain('node-1  REFUSED: on the host network\n')
    for (const once of [
      '+ 60 NetworkPolicies (deny all), one a pod',
      '~ labels: remove app\n',
      '~ labels: add impound.dev/quarantine\n',
      'Service shop/web loses 60 pods of these',
      'STAYS OPEN NetworkPolicy allow-all still selects it and allows ingress from anywhere\n',
      'it warns  [30 pods]\n',
      'logs: no right to get pods/log in shop\n',
      'filesystem: --allow exec is not given   [needs e]\n',
      'undo      impound release web-0 -n shop\n',
      'and 57 more\n',
    ]) {
      expect([once, screen.split(once).length - 1]).toEqual([once, 1])
    }
  })

  it('keeps its size where each of many pods has something of its own to say', () => {
    const screen = planScreen(manyPods(60, (index) => [`warning ${index}`]))
    expect(screen).toContain('and 49 more\n')
    expect(screen.split('\n').length).toBeLessThan(60 + 50)
  })

  it('lets no name from the cluster act on the terminal', () => {
    expect(planScreen(samplePlan('x\u001b[2J\u202e\nPLAN fake'))).not.toMatch(CONTROL)
    expect(
      planScreen(samplePlan('x\nPLAN  fake'))
        .split('\n')
        .filter((line) => line.startsWith('PLAN')),
    ).toHaveLength(1)
  })
})

const RESULT: RunResult = {
  schema: 'impound/result/v1',
  command: 'seize',
  case: 'INC-42',
  exitStatus: 7,
  because: ['containment of web-1 is unverified'],
  nodePods: [],
  startedAt: '2026-11-22T03:00:33.000Z',
  endedAt: '2026-11-22T03:04:10.000Z',
  targets: [
    {
      namespace: 'shop',
      name: 'web-1',
      uid: 'u',
      containment: {
        actions: [],
        verdict: {
          schema: 'impound/verdict/v1',
          kind: 'unverified',
          means: 'api',
          why: 'nothing was tried',
          tried: [],
          open: ['allow-all: ingress'],
        },
        afterMs: 1300,
        undo: 'impound release web-1 -n shop',
      },
      changedFiles: [
        {
          container: 'app',
          counts: { added: 2, modified: 0, deleted: 0, 'type-changed': 0, 'metadata-only': 0, opaque: 0 },
          complete: false,
          notable: [{ path: '/tmp/\u001b[31mx', change: 'added', flags: ['exec-new'] }],
        },
      ],
      account: {
        account: 'shop/web',
        can: ['read all Secrets in namespace \u001b[31mshop'],
        complete: false,
      },
      after: {
        schema: 'impound/aftermath/v1',
        derivedFrom: [],
        suspect: 'alive',
        restarts: 0,
        replacements: [{ name: 'web-2', ready: true }],
        unknown: [],
      },
    },
  ],
  evidence: {
    counts: { collected: 41, partial: 1, failed: 0, skipped: 0 },
    missing: [
      {
        collector: 'logs',
        subject: 'logs app current',
        status: 'partial',
        reason: 'cut',
        detail: 'the \u001b[31mstream',
      },
    ],
  },
  archive: {
    path: '/c/a.tar.gz',
    bytes: 412e6,
    sha256: 'ab',
    logHead: 'cd',
    incomplete: false,
    verified: true,
    signed: false,
    besides: [],
  },
  footprint: { requests: 9, changes: 4 },
}

describe('the end screen', () => {
  it('claims no more than the verdict', () => {
    const screen = endScreen(RESULT)
    expect(screen.split('\n')[0]).toContain(
      'CONTAINMENT APPLIED, NOT VERIFIED, EVIDENCE SEALED   INC-42   shop/web-1',
    )
    expect(screen).toContain('9 requests, 4 changes')
    expect(screen).toContain('account   shop/web can, and maybe more than was seen\n')
    expect(screen).toContain('read all Secrets in namespace ␛[31mshop')
    expect(screen).toContain('STILL OPEN allow-all: ingress')
    expect(screen).toContain('replacement web-2 Ready')
    expect(screen).toContain('web-1 app: 2 added, AND THE CAPTURE IS NOT COMPLETE')
    expect(screen).toContain('added /tmp/␛[31mx (exec-new)')
    expect(screen).not.toMatch(CONTROL)
  })

  it.each([
    [{ archive: undefined, spool: '/c/a.partial' }, 'EVIDENCE NOT SEALED'],
    [{ archive: { ...RESULT.archive!, incomplete: true } }, 'EVIDENCE SEALED, INCOMPLETE'],
    [{ archive: { ...RESULT.archive!, verified: false } }, 'EVIDENCE SEALED, NOT VERIFIED'],
  ])('says %j as %s', (change, words) => {
    const { archive, ...rest } = { ...RESULT, ...change }
    expect(endScreen(archive === undefined ? rest : { ...rest, archive })).toContain(words)
  })

  it('never calls contained what no target says', () => {
    expect(endScreen({ ...RESULT, targets: [] })).toContain('NOT CONTAINED')
  })

  it('calls a containment that stopped not contained, and says how to go on', () => {
    const error = { code: 'forbidden', message: 'no', hints: ['go on: impound quarantine web-1'] }
    const screen = endScreen({
      ...RESULT,
      targets: [
        { ...RESULT.targets[0]!, containment: { error, actions: [], undo: 'impound release web-1' } },
      ],
    })
    expect(screen).toContain('NOT CONTAINED')
    expect(screen).toContain('go on: impound quarantine web-1')
  })

  it('says what is deleted in the end, and which evidence that makes unobtainable', () => {
    const plan = samplePlan()
    const kill = { graceSeconds: 5, losses: ['memory is gone with it'], missingAccess: [] }
    const text = planScreen({ ...plan, targets: [{ ...plan.targets[0]!, kill }] })
    expect(text).toContain(
      'KILL      - pod shop/web-1, once the archive is sealed and verified; its processes have 5 s to end',
    )
    expect(text).toContain('NOT TAKEN by this plan, and lost for good: filesystem')
    expect(text).toMatch(/5 KILL/)
    expect(planScreen(plan)).not.toContain('KILL')
  })
})
