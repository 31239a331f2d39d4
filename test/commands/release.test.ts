import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { ReleaseResult, RunResult } from '../../src/engine/result.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import { at } from '../../src/model/json.js'
import { CommandLine, type Ran } from './command-line.js'

let lab: Lab
let one: CommandLine
let two: CommandLine
let runs: readonly Ran[]
let loser: CommandLine
let winner: CommandLine
let lost: RunResult
let lostCase: string

function quarantine(cli: CommandLine, name: string): Promise<Ran> {
  const { namespace, name: pod } = lab.suspect
  return cli.run('quarantine', pod, '-n', namespace, '--case', name, '--yes', '--json')
}

function release(cli: CommandLine, ...argv: readonly string[]): Promise<Ran> {
  const { namespace, name } = lab.suspect
  return cli.run('release', name, '-n', namespace, '--yes', ...argv)
}

function stateFiles(cli: CommandLine): readonly string[] {
  return readdirSync(join(cli.home, 'state'), { recursive: true })
    .map(String)
    .filter((name) => name.includes(lab.suspect.uid))
}

beforeAll(async () => {
  lab = await startLab()
  one = new CommandLine(lab)
  two = new CommandLine(lab)
  runs = await Promise.all([quarantine(one, 'R1'), quarantine(two, 'R2')])
  const pod = lab.objects.get('pods', lab.suspect.namespace, lab.suspect.name)
  const holder = String(at(pod, 'metadata', 'annotations', 'impound.dev/quarantine'))
  const first = holder.includes('"case":"R1"')
  lostCase = first ? 'R2' : 'R1'
  ;[winner, loser] = first ? [one, two] : [two, one]
  lost = JSON.parse(runs[first ? 1 : 0]!.stdout.toString('utf8')) as RunResult
}, 60_000)

afterAll(async () => {
  await lab.close()
  for (const cli of [one, two]) rmSync(cli.home, { recursive: true, force: true })
})

describe('impound release, on the lab', () => {
  it('needs a pod, a selector or an archive', async () => {
    const ran = await one.run('release', '--yes')
    expect(ran.status).toBe(2)
    expect(ran.stderr).toContain('no pod is named')
  })

  it('is not offered by a run that changed nothing', () => {
    expect(lost.exitStatus).toBe(9)
    expect(JSON.stringify(lost)).not.toMatch(/impound release|take it back/)
  })

  it('refuses to release what another case holds, and names it', async () => {
    const ran = await release(loser)
    expect(ran.stderr).toMatch(
      new RegExp(`holds nothing on .*; case ${lostCase === 'R1' ? 'R2' : 'R1'} holds it \\(.*, since 2`),
    )
    expect(ran.stdout.toString()).not.toContain('RELEASED')
    expect(ran.status).toBe(9)
  })

  it('goes on with the others where one fails, tells of each, and keeps the state file of the failed', async () => {
    const { namespace, name: first } = lab.suspect
    const other = lab.objects
      .list('pods', namespace)
      .map((pod) => String(at(pod, 'metadata', 'name')))
      .find((name) => name !== first && !name.startsWith('web'))!
    const done = await loser.run(
      'quarantine',
      other,
      '-n',
      namespace,
      '--case',
      'R3',
      '--allow-outage',
      '--yes',
    )
    expect([0, 7]).toContain(done.status)
    const ran = await loser.run('release', first, other, '-n', namespace, '--yes', '--json')
    const { targets, exitStatus } = JSON.parse(ran.stdout.toString('utf8')) as ReleaseResult
    expect(targets.map(({ name, error, report }) => [name, error?.code, report.done.length > 0])).toEqual([
      [first, 'refused', false],
      [other, undefined, true],
    ])
    expect(exitStatus).toBe(9)
    expect(ran.status).toBe(9)
    expect(stateFiles(loser)).toEqual([expect.stringMatching(/\.jsonl$/)])
  })

  it('releases the one that holds, and puts its state file away', async () => {
    const ran = await release(winner, '--json')
    expect(ran.status).toBe(0)
    const { targets } = JSON.parse(ran.stdout.toString('utf8')) as ReleaseResult
    expect(targets[0]?.report.done).not.toEqual([])
    expect(stateFiles(winner).every((name) => name.includes('.released-'))).toBe(true)
  })
})
