import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { ReleaseResult, RunResult } from '../../src/engine/result.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import { at } from '../../src/model/json.js'
import { CommandLine, hears, type Ran } from './command-line.js'

let lab: Lab
let winner: CommandLine
let loser: CommandLine
let lost: RunResult

function quarantineArgv(name: string): readonly string[] {
  const { namespace, name: pod } = lab.suspect
  return ['quarantine', pod, '-n', namespace, '--case', name, '--yes', '--json']
}

/**
 * Runs the loser's quarantine up to where its plan is made, the winner's to its end, then the loser's on: the key of the loser's
 * case is a pipe, from which it can't read before somebody writes.
 */
async function race(): Promise<Ran> {
  const keys = join(loser.home, 'state', 'impound', 'case-keys')
  mkdirSync(keys, { recursive: true })
  execFileSync('mkfifo', [join(keys, 'R2.key')])
  const late = loser.start(...quarantineArgv('R2'))
  await hears(late.child, 'PLAN  R2')
  await winner.run(...quarantineArgv('R1'))
  writeFileSync(join(keys, 'R2.key'), 'ab'.repeat(32))
  return late.ended
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
  winner = new CommandLine(lab)
  loser = new CommandLine(lab)
  lost = JSON.parse((await race()).stdout.toString('utf8')) as RunResult
})

afterAll(async () => {
  await lab.close()
  for (const cli of [winner, loser]) rmSync(cli.home, { recursive: true, force: true })
})

describe('impound release, on the lab', () => {
  it('needs a pod, a selector or an archive', async () => {
    const ran = await winner.run('release', '--yes')
    expect(ran.status).toBe(2)
    expect(ran.stderr).toContain('no pod is named')
  })

  it('is not offered by a run that changed nothing', () => {
    expect(lost.exitStatus).toBe(9)
    expect(JSON.stringify(lost)).not.toMatch(/impound release|take it back/)
  })

  it('refuses to release what another case holds, and names it', async () => {
    const ran = await release(loser)
    expect(ran.stderr).toMatch(/holds nothing on .*; case R1 holds it \(.*, since 2/)
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
