import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import type { LogLine } from '../../src/model/acquisition.js'
import { at } from '../../src/model/json.js'
import { CommandLine } from './command-line.js'

jest.setTimeout(240_000)

let lab: Lab
let cli: CommandLine

beforeEach(async () => {
  lab = await startLab()
  cli = new CommandLine(lab)
})

afterEach(async () => {
  await lab.close()
  rmSync(cli.home, { recursive: true, force: true })
})

async function seize(
  ...more: readonly string[]
): Promise<{ readonly result: RunResult; readonly log: readonly LogLine[]; readonly stderr: string }> {
  const target = [lab.suspect.name, '-n', lab.suspect.namespace, '--case', 'V-1']
  const rest = ['--registry', 'never', '--skip', 'filesystem', '--allow', 'exec', '--yes', '--json']
  const { stdout, stderr } = await cli.run('seize', ...target, ...rest, ...more)
  const result = JSON.parse(stdout.toString('utf8')) as RunResult
  const text = execFileSync('tar', ['xzOf', result.archive!.path, '--wildcards', '*/acquisition.jsonl'], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  const log = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LogLine)
  return { result, log, stderr }
}

/** When something last came to the log, in ms; fails where it never did. */
function timeOf(log: readonly LogLine[], is: (line: LogLine) => boolean): number {
  const line = log.findLast(is)
  expect(line).toBeDefined()
  return Date.parse(line!.at)
}

const isCut = (line: LogLine): boolean => line.type === 'intent' && line.intent.step === 'policy'
const endOf =
  (collector: string) =>
  (line: LogLine): boolean =>
    (line.type === 'outcome' && line.row.collector === collector) ||
    (line.type === 'artefact' && line.artefact.collector === collector)

describe('the volatile budget', () => {
  it('lets no suspect that stalls every exec hold up its containment', async () => {
    lab.faults.add({ match: { path: /\/exec\?/ }, effect: { kind: 'stall', bytes: 0 }, times: Infinity })
    const { result, log, stderr } = await seize('--volatile-budget', '1s', '--stall-timeout', '4s')
    expect(stderr).toContain('volatile evidence is late; it is contained without')
    expect(result.targets[0]?.containment?.error).toBeUndefined()
    expect(timeOf(log, isCut)).toBeLessThan(timeOf(log, endOf('processes')))
    expect(result.evidence.missing).toContainEqual(
      expect.objectContaining({ collector: 'processes', reason: expect.stringMatching(/stalled|timeout/) }),
    )
    const policies = lab.objects.list('networkpolicies.networking.k8s.io', lab.suspect.namespace)
    expect(policies.map((policy) => at(policy, 'metadata', 'name'))).toContain(
      `impound-${lab.suspect.uid.slice(0, 8)}`,
    )
  })

  it('keeps what arrives late, and says that it is late', async () => {
    // so slow that they are late also where the containment itself takes two seconds
    const match = { path: /\/exec\?.*tcp6/ }
    lab.faults.add({ match, effect: { kind: 'slow', bytesPerSecond: 3_000 }, times: 1 })
    const { log } = await seize('--volatile-budget', '500ms')
    const late = log.flatMap((line) =>
      line.type === 'artefact' && ['processes', 'sockets'].includes(line.artefact.collector)
        ? (line.artefact.detail ?? '')
        : [],
    )
    expect(late.join('\n')).toMatch(/arrived \d+\.\d s after the containment/)
  })

  it('is not used up where nothing stalls: evidence comes first, and carries no mark', async () => {
    const { log } = await seize('--volatile-budget', '60s')
    expect(timeOf(log, endOf('processes'))).toBeLessThan(timeOf(log, isCut))
    expect(JSON.stringify(log)).not.toContain('after the containment')
  })

  it('is for nothing with --contain-first: the pod is cut off before anything is asked of it', async () => {
    const { log } = await seize('--contain-first')
    expect(timeOf(log, isCut)).toBeLessThan(timeOf(log, endOf('processes')))
    expect(JSON.stringify(log)).toMatch(/arrived \d+\.\d s after the containment/)
  })
})
