import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import { at } from '../../src/model/json.js'
import { until } from '../lab/client.js'
import { CommandLine, hears } from './command-line.js'

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

function changesSeen(): readonly string[] {
  return lab.requests
    .filter(({ method, dryRun, path }) => method !== 'GET' && !dryRun && !path.includes('selfsubject'))
    .map(({ method, path }) => `${method} ${path}`)
}

/** What a run left where it was started; not compiled code and keys of cases, which have places of their own. */
function evidenceFolders(): readonly string[] {
  return readdirSync(cli.home).filter((name) => name !== '.cache' && name !== 'state')
}

const SHOP = ['-n', 'shop'] as const

describe('impound says what it will do, and asks', () => {
  it('changes nothing and takes nothing under --dry-run, and gives the plan as data', async () => {
    const ran = await cli.run('seize', lab.suspect.name, ...SHOP, '--dry-run', '--json')
    expect(ran.status).toBe(0)
    const plan: unknown = JSON.parse(ran.stdout.toString('utf8'))
    expect(at(plan, 'schema')).toBe('impound/plan/v1')
    expect(at(plan, 'targets', 0, 'quarantine', 'labels', 'remove')).toEqual([
      'app',
      'pod-template-hash',
      'tier',
    ])
    expect(changesSeen()).toEqual([])
    expect(evidenceFolders()).toEqual([])
  })

  it('refuses to change a cluster without a terminal or --yes, before it asks the cluster anything', async () => {
    const ran = await cli.run('seize', lab.suspect.name, ...SHOP)
    expect(ran.status).toBe(2)
    expect(ran.stderr).toContain('--yes')
    expect(lab.requests).toEqual([])
  })

  it('takes a snapshot without asking, and changes nothing', async () => {
    const ran = await cli.run('snapshot', lab.suspect.name, ...SHOP, '--registry', cli.registry, '--json')
    expect(ran.status).toBe(3) // the filesystem needs --allow exec
    const { evidence, targets, archive } = JSON.parse(ran.stdout.toString('utf8')) as RunResult
    expect(archive?.verified).toBe(true)
    expect(targets[0]).not.toHaveProperty('containment')
    expect(
      evidence.missing.filter(({ reason }) => reason === 'not-allowed').map(({ collector }) => collector),
    ).toContain('filesystem')
    expect(changesSeen()).toEqual([])
  })
})

describe('impound refuses', () => {
  it.each([
    [['seize', 'no-such-pod', ...SHOP, '--yes'], 8, 'there is no pod no-such-pod in shop'],
    [['seize', '-l', 'app=nothing', ...SHOP, '--yes'], 8, 'no pod matches'],
    [['seize', '..', ...SHOP, '--yes'], 2, 'no name'],
    [['seize', ...SHOP, '--yes'], 2, 'no pod is named'],
    [['seize', 'x', ...SHOP, '--yes', '--case', '../x'], 2, "can't be a case's name"],
    [['seize', 'x', ...SHOP, '--yes', '--allow', 'root'], 2, 'allow'],
    [['seize', 'x', ...SHOP, '--yes', '--skip', 'nothing'], 2, 'there is no collector'],
    [['seize', 'x', ...SHOP, '--yes', '--context', 'other'], 2, 'other'],
    [['seize', '-l', 'app=web', ...SHOP, '--yes'], 9, '--max-pods 2'],
    [['seize', 'deploy/db', ...SHOP, '--yes'], 9, '--allow-outage'],
    [['verify', 'no-such-file.tar.gz'], 2, 'no-such-file'],
    [['release', 'web-6dd6bfc4b-q8w5z', ...SHOP, '--yes'], 8, 'is not held'],
  ])('%j with %i and says what to do', async (argv, status, words) => {
    const ran = await cli.run(...argv)
    expect(`${ran.status} ${ran.stderr}`).toContain(`${status} `)
    expect(ran.stderr).toContain(words)
    expect(ran.stdout.toString('utf8')).toBe('')
    expect(changesSeen()).toEqual([])
  })

  it('with 4 where rights are missing, naming each', async () => {
    const kubeconfig = await lab.kubeconfigFor('nobody', [])
    const ran = await new CommandLine(lab, kubeconfig).run(
      'seize',
      lab.suspect.name,
      ...SHOP,
      '--yes',
      '--json',
    )
    expect(ran.status).toBe(4)
    const hints = at(JSON.parse(ran.stdout.toString('utf8')), 'error', 'hints')
    expect(hints).toEqual(
      expect.arrayContaining(['missing: get pods in shop', 'missing: patch pods in shop']),
    )
  })

  it('with 5 where the cluster is not there', async () => {
    const kubeconfig = join(cli.home, 'kubeconfig')
    copyFileSync(lab.kubeconfig, kubeconfig)
    await lab.close()
    const ran = await new CommandLine(lab, kubeconfig).run('snapshot', lab.suspect.name, ...SHOP)
    expect(ran.status).toBe(5)
    expect(ran.stderr).toContain(lab.url)
  })
})

describe('what was collected is kept', () => {
  it('when the user interrupts: sealed, labelled incomplete, whole', async () => {
    lab.faults.add({ match: { path: /\/log\?/ }, effect: { kind: 'stall', bytes: 10 } })
    const run = cli.start('snapshot', lab.suspect.name, ...SHOP, '--case', 'T-2', '--json')
    await hears(run.child, 'taking slow evidence')
    await until(() => lab.faults.fired.length > 0)
    run.child.kill('SIGINT')
    const ran = await run.ended
    expect(ran.status).toBe(130)
    const { archive, evidence } = JSON.parse(ran.stdout.toString('utf8')) as RunResult
    expect(archive).toMatchObject({ incomplete: true, verified: true })
    expect(evidence.missing.map(({ reason }) => reason)).toContain('interrupted')
    const checked = await cli.run('verify', archive!.path, '--json')
    expect(checked.status).toBe(0)
    expect(at(JSON.parse(checked.stdout.toString('utf8')), 'verdict')).toBe('incomplete')
  })

  it('when the user interrupts twice: sealed only where an archive is named, else in the spool', async () => {
    lab.faults.add({ match: { path: /\/log\?/ }, effect: { kind: 'stall', bytes: 10 } })
    const run = cli.start('snapshot', lab.suspect.name, ...SHOP, '--case', 'T-5', '--json')
    await hears(run.child, 'taking slow evidence')
    await until(() => lab.faults.fired.length > 0)
    const sealing = hears(run.child, 'once more to stop at once')
    run.child.kill('SIGINT')
    await sealing
    run.child.kill('SIGINT')
    const ran = await run.ended
    expect(ran.status).toBe(130)
    const { archive, spool, because } = JSON.parse(ran.stdout.toString('utf8')) as RunResult
    expect(existsSync(archive?.path ?? spool!)).toBe(true)
    expect(because).toContain(
      `interrupted; what was collected by then ${archive === undefined ? 'lies in the spool, not sealed' : 'is sealed'}`,
    )
  })

  it('by the run alone while it lives: impound seal keeps its hands off', async () => {
    lab.faults.add({ match: { path: /\/log\?/ }, effect: { kind: 'stall', bytes: 10 } })
    const run = cli.start('snapshot', lab.suspect.name, ...SHOP, '--case', 'T-4')
    await hears(run.child, 'taking slow evidence')
    const spool = readdirSync(join(cli.home, 'T-4')).find((name) => name.endsWith('.partial'))
    const refused = await cli.run('seal', join(cli.home, 'T-4', spool!))
    expect(refused.status).toBe(9)
    expect(refused.stderr).toContain('still being written')
    run.child.kill('SIGINT')
    expect((await run.ended).status).toBe(130)
  })

  it('when the process is killed: impound seal makes the archive', async () => {
    lab.faults.add({ match: { path: /\/log\?/ }, effect: { kind: 'stall', bytes: 10 } })
    const run = cli.start('snapshot', lab.suspect.name, ...SHOP, '--case', 'T-3')
    await hears(run.child, 'taking slow evidence')
    await until(() => lab.faults.fired.length > 0)
    run.child.kill('SIGKILL')
    await run.ended
    const spool = readdirSync(join(cli.home, 'T-3')).find((name) => name.endsWith('.partial'))
    const sealed = await cli.run('seal', join(cli.home, 'T-3', spool!), '--json')
    const archive = String(at(JSON.parse(sealed.stdout.toString('utf8')), 'archive', 'path'))
    expect((await cli.run('verify', archive)).status).toBe(0)
    expect(existsSync(join(cli.home, 'T-3', spool!))).toBe(false)
  })

  it('on stdout alone under -o -', async () => {
    const ran = await cli.run('snapshot', lab.suspect.name, ...SHOP, '-o', '-')
    expect(ran.stdout.subarray(0, 2).toString('hex')).toBe('1f8b')
    expect(ran.stderr).toContain('EVIDENCE SEALED')
    expect(evidenceFolders()).toEqual([])
  })

  it('in a folder that is named, where the reader of -o - goes away before the end', async () => {
    const run = cli.start('snapshot', lab.suspect.name, ...SHOP, '-o', '-')
    run.child.stdout?.destroy()
    const ran = await run.ended
    expect(ran.status).toBe(10)
    const kept = /the archive is whole in (\S+)/.exec(ran.stderr)?.[1]
    expect((await cli.run('verify', kept!)).status).toBe(0)
    rmSync(dirname(kept!), { recursive: true })
  })

  it('and sealed, where the terminal goes away in the middle', async () => {
    const run = cli.start('quarantine', lab.suspect.name, ...SHOP, '--case', 'T-5', '--yes', '--json')
    await hears(run.child, 'CONTAINING')
    run.child.stderr?.destroy()
    expect((await run.ended).status).toBe(7)
    expect(readdirSync(join(cli.home, 'T-5')).filter((name) => name.endsWith('.tar.gz'))).toHaveLength(1)
  })

  it('and told step by step under --json-lines, the result last', async () => {
    const ran = await cli.run('snapshot', lab.suspect.name, ...SHOP, '--json-lines')
    const lines = ran.stdout
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(at(lines[0], 'schema')).toBe('impound/progress/v1')
    expect(at(lines.at(-1), 'schema')).toBe('impound/result/v1')
  })

  it('on one line too where it fails, also before the flags are understood', async () => {
    for (const argv of [
      ['snapshot', 'nothing', ...SHOP, '--json-lines'],
      ['snapshott', '--json-lines'],
    ]) {
      const ran = await cli.run(...argv)
      const lines = ran.stdout.toString('utf8').trimEnd().split('\n')
      expect(at(JSON.parse(lines.at(-1)!), 'schema')).toBe('impound/error/v1')
    }
  })

  it('as one document where a plan is refused: the plan, with what speaks against it', async () => {
    const ran = await cli.run('seize', 'deploy/db', ...SHOP, '--dry-run', '--json')
    expect(ran.status).toBe(9)
    const plan: unknown = JSON.parse(ran.stdout.toString('utf8'))
    expect(at(plan, 'targets', 0, 'quarantine', 'refusals', 0, 'code')).toBe('last-endpoint')
    expect(ran.stderr).toContain('--allow-outage')
  })
})

describe('a quarantine', () => {
  it('alone takes no evidence, and is released from the state that it left', async () => {
    const held = await cli.run('quarantine', lab.suspect.name, ...SHOP, '--yes', '--json')
    expect(held.status).toBe(7)
    const released = await cli.run('release', lab.suspect.name, ...SHOP, '--yes', '--json')
    expect(released.status).toBe(0)
    expect(at(JSON.parse(released.stdout.toString('utf8')), 'targets', 0, 'source')).toBe('state')
    expect((await cli.run('release', lab.suspect.name, ...SHOP, '--yes')).status).toBe(8)
  })

  it('whose state is lost is released by the annotation, only if that is said', async () => {
    await cli.run('quarantine', lab.suspect.name, ...SHOP, '--yes')
    rmSync(join(cli.home, 'state'), { recursive: true })
    const refused = await cli.run('release', lab.suspect.name, ...SHOP, '--yes')
    expect(refused.status).toBe(9)
    expect(refused.stderr).toContain('--trust-annotation')
    const released = await cli.run(
      'release',
      lab.suspect.name,
      ...SHOP,
      '--yes',
      '--trust-annotation',
      '--json',
    )
    expect(released.status).toBe(0)
    expect(at(JSON.parse(released.stdout.toString('utf8')), 'targets', 0, 'source')).toBe('annotation')
  })

  it('of another case is refused, and told whose it is', async () => {
    await cli.run('quarantine', lab.suspect.name, ...SHOP, '--case', 'ONE', '--yes')
    const second = await cli.run('quarantine', lab.suspect.name, ...SHOP, '--case', 'TWO', '--yes')
    expect(second.status).toBe(9)
    expect(second.stderr).toContain('ONE')
  })
})
