import { describe, expect, it } from '@jest/globals'

import { COUNTED_REASONS, HARMLESS_REASONS, type LedgerRow } from '../../src/model/evidence.js'
import { absence } from '../../src/report/absence.js'
import { buildReport, type ReportInput, type ReportTargetInput } from '../../src/report/index.js'
import type { ReportModel, Sentence } from '../../src/report/model.js'
import { listed, sentence } from '../../src/report/sentence.js'
import { DIRECTORY, SHOP_CASE, TARGET } from './shop-case.js'

function wordsOf({ parts }: Sentence): string {
  return parts.map(({ say, value }) => say + value).join('')
}

function reportOf(target: Partial<ReportTargetInput>, input: Partial<ReportInput> = {}): ReportModel {
  return buildReport({ ...SHOP_CASE, ...input, targets: [{ ...TARGET, ...target }] })
}

const BARE: ReportTargetInput = {
  directory: DIRECTORY,
  target: TARGET.target,
  images: [],
  filesystems: [],
  writes: [],
}
const [CREATED] = TARGET.writes
const REFUSED = { ...CREATED!, outcome: { id: 'w1', status: 403, error: 'forbidden' } }

describe('what is left to revoke', () => {
  it('is what outlives the pod, with its command, and a comment that no shell can run', () => {
    const credential = {
      credential: 'AWS role $(touch x)\nrm -rf',
      outlives: 'yes',
      why: 'sessions last',
      command: 'aws iam put-role-policy --role-name shop-web',
      also: 'for all',
    } as const
    const ending = {
      ...credential,
      credential: 'bound token',
      outlives: 'no',
      command: 'kubectl delete pod x',
    } as const
    const plan = { ...TARGET.plan!, credentials: [credential, ending] }
    const step = reportOf({ plan }).nextSteps.find(({ title }) => title.startsWith('Revoke'))
    const lines = (step?.commands ?? '').split('\n')
    expect(lines).toContain(credential.command)
    expect(lines).toContain("# 'AWS role $(touch x)␊rm -rf: for all'")
    expect(lines.join()).not.toContain('kubectl delete pod x')
  })
})

describe('gaps', () => {
  it.each([...COUNTED_REASONS, ...HARMLESS_REASONS])('tells the reason %s in words', (reason) => {
    const row: LedgerRow = { collector: 'logs', subject: 'logs app', status: 'failed', reason }
    const { counted, harmless } = reportOf({}, { ledger: [row] }).gaps
    const [gap] = [...counted.items, ...harmless.items]
    expect(gap!.why).toMatch(/^[A-Z].*\.$/)
    expect(counted.total).toBe((HARMLESS_REASONS as readonly string[]).includes(reason) ? 0 : 1)
  })

  it('names what failed before what is partial or skipped, and counts what does not fit', () => {
    const rows = Array.from({ length: 300 }, (_, index): LedgerRow => ({
      collector: 'logs',
      subject: `logs ${index}`,
      status: index === 299 ? 'failed' : 'partial',
      reason: 'cut',
    }))
    const { counted } = reportOf({}, { ledger: rows }).gaps
    expect(counted.items[0]!.subject).toBe('logs 299')
    expect([counted.items.length, counted.total, counted.more]).toEqual([200, 300, 100])
  })
})

describe('absence', () => {
  const row = (subject: string, facts: Partial<LedgerRow>): LedgerRow => ({
    collector: 'pod',
    target: DIRECTORY,
    subject,
    status: 'failed',
    ...facts,
  })

  it('gives the reason of the row that is meant', () => {
    const rows = [row('node', { reason: 'forbidden' }), row('owners', { reason: 'timeout' })]
    expect(wordsOf(absence(rows, DIRECTORY, 'pod', 'owners'))).toMatch(
      /^owners was not collected \(timeout\)/,
    )
  })

  it('never takes another pod’s reason', () => {
    const rows = [row('owners', { reason: 'timeout', target: 'other' })]
    expect(wordsOf(absence(rows, DIRECTORY, 'pod', 'owners'))).toMatch(/no row that says why/)
  })

  it('does not call missing what is in the archive', () => {
    expect(wordsOf(absence([row('owners', { status: 'collected' })], DIRECTORY, 'pod'))).toMatch(/^Collected/)
  })
})

describe('changes to the cluster', () => {
  it.each([
    [200, 'confirmed', [1, 0, 0]],
    [403, 'refused', [0, 1, 0]],
    [504, 'server error', [0, 0, 1]],
    [undefined, 'no answer', [0, 0, 1]],
  ])('with status %s are %s', (status, outcome, counts) => {
    const write = { ...CREATED!, outcome: { id: 'w1', ...(status === undefined ? {} : { status }) } }
    const { changes } = reportOf({ writes: [write] })
    expect(changes.writes.items[0]!.outcome).toBe(outcome)
    expect([changes.confirmed, changes.refused, changes.unknown]).toEqual(counts)
  })

  it('are not known where the log has no result', () => {
    expect(reportOf({ writes: [{ intent: CREATED!.intent }] }).changes.unknown).toBe(1)
  })

  it('need no undo where every one was refused', () => {
    const { changes, nextSteps } = reportOf({ writes: [REFUSED] })
    expect(changes.undo).toBeNull()
    expect(nextSteps.map(({ title }) => title).join()).not.toMatch(/Release/)
  })
})

describe('containment', () => {
  it('is not claimed where nothing was changed', () => {
    const report = buildReport({ ...SHOP_CASE, targets: [BARE] })
    expect(report.targets.items[0]!.containment.verdict).toBe('not contained')
    expect(wordsOf(report.summary[1]!)).toMatch(/changed nothing/)
  })

  it('is not known where changes were made and no verdict came', () => {
    const report = buildReport({ ...SHOP_CASE, targets: [{ ...BARE, writes: TARGET.writes }] })
    expect(report.targets.items[0]!.containment.verdict).toBe('not known')
  })

  it('is counted by verdict for several pods', () => {
    const enforced = { ...TARGET.verdict!, kind: 'enforced' as const }
    const report = buildReport({
      ...SHOP_CASE,
      targets: [TARGET, { ...TARGET, directory: 'b', verdict: enforced }, { ...TARGET, directory: 'c' }],
    })
    expect(wordsOf(report.summary[1]!)).toBe('Containment of 3 pods: 1 enforced, 2 unverified.')
  })
})

describe('files', () => {
  const [filesystem] = TARGET.filesystems

  it('that were compared with nothing are not called unchanged', () => {
    const summary = {
      ...filesystem!.summary,
      baseline: { source: 'none' as const, verified: false, entries: 0 },
    }
    const report = reportOf({ filesystems: [{ summary, entries: [] }] })
    expect(report.targets.items[0]!.filesystems.containers.items[0]!.compared).toBe(false)
    expect(wordsOf(report.summary[3]!)).toMatch(/^No container's files were compared/)
  })

  it('that were not read whole are said to be', () => {
    const summary = {
      ...filesystem!.summary,
      capture: { entries: 1, bytes: 1, complete: false, why: 'no exit status' },
    }
    const report = reportOf({ filesystems: [{ summary, entries: [] }] })
    expect(wordsOf(report.summary[3]!)).toMatch(/not proven complete/)
    const container = report.targets.items[0]!.filesystems.containers.items[0]!
    expect(wordsOf(container.capture)).toMatch(/no exit status\. Files may be missing/)
    expect(container.entries.more).toBe(6)
  })
})

describe('next steps', () => {
  it('start with what is open and end with release', () => {
    const titles = reportOf({}).nextSteps.map(({ title }) => title)
    expect(titles[0]).toMatch(/^Close what is still open/)
    expect(titles.at(-1)).toMatch(/^Release/)
  })

  it('are numbered from one without a gap', () => {
    const { nextSteps } = reportOf({})
    expect(nextSteps.map(({ number }) => number)).toEqual(nextSteps.map((_step, index) => index + 1))
  })

  it('ask for exec only where it was not allowed', () => {
    const commands = (report: ReportModel): string => report.nextSteps.map((step) => step.commands).join()
    const skipped: LedgerRow = {
      collector: 'filesystem',
      subject: 'filesystem app',
      status: 'skipped',
      reason: 'not-allowed',
    }
    expect(commands(reportOf({}))).not.toMatch(/--allow exec/)
    expect(commands(reportOf({}, { ledger: [skipped] }))).toMatch(/--allow exec/)
  })

  it('quote what a cluster may have named to be run', () => {
    const target = { namespace: 'shop', name: "x'; reboot #", uid: 'u' }
    for (const { commands } of reportOf({ target }).nextSteps) {
      expect(commands ?? '').not.toMatch(/^[^']*; reboot/m)
    }
  })
})

describe('sentences', () => {
  it('keep words and quotations apart', () => {
    expect(sentence`Pod ${'a'} has ${3} of ${''}.`.parts).toEqual([
      { say: 'Pod ', value: '' },
      { say: '', value: 'a' },
      { say: ' has ', value: '' },
      { say: '3', value: '' },
      { say: ' of ', value: '' },
      { say: '(empty)', value: '' },
      { say: '.', value: '' },
    ])
  })

  it.each([
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c'], 'a, b and c'],
    [['a', 'b', 'c', 'd', 'e'], 'a, b, c and 2 more'],
  ])('list %j as %s', (items, words) => {
    expect(wordsOf(listed(items, 3))).toBe(words)
  })
})
