import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'

import type { RunPlan } from '../../src/engine/plan.js'
import type { RunResult } from '../../src/engine/result.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import { at } from '../../src/model/json.js'
import { CommandLine, hears, type Ran } from './command-line.js'

// several whole runs of the command each
jest.setTimeout(240_000)

let lab: Lab
let cli: CommandLine

beforeAll(async () => {
  lab = await startLab({ pace: { react: 10, start: 100 } })
  cli = new CommandLine(lab)
})

afterAll(async () => {
  await lab.close()
  rmSync(cli.home, { recursive: true, force: true })
})

function snapshot(name: string, ...more: readonly string[]): readonly string[] {
  const target = [lab.suspect.name, '-n', lab.suspect.namespace]
  return ['snapshot', ...target, '--case', name, '--registry', 'never', '--allow', 'node', ...more]
}

function ours(): readonly string[] {
  return ['pods', 'namespaces'].flatMap((resource) =>
    lab.objects
      .list(resource)
      .filter((object) => at(object, 'metadata', 'labels', 'impound.dev/node-pod') === 'true')
      .map((object) => `${resource} ${String(at(object, 'metadata', 'name'))}`),
  )
}

function resultOf({ stdout }: Ran): RunResult {
  return JSON.parse(stdout.toString('utf8')) as RunResult
}

function unpacked(result: RunResult): string {
  const folder = mkdtempSync(join(cli.home, 'unpacked-'))
  execFileSync('tar', ['xzf', result.archive!.path, '-C', folder])
  return join(folder, readdirSync(folder)[0]!)
}

describe('--allow node', () => {
  it('is in the plan: what would be started, where, and who would see it', async () => {
    const { stdout, status } = await cli.run(...snapshot('P-1', '--dry-run'))
    const text = stdout.toString('utf8')
    expect(status).toBe(0)
    expect(text).toMatch(
      /node pods \+ namespace impound-node-[0-9a-f]{8}, made for them and removed afterwards/,
    )
    expect(text).toMatch(/\+ privileged pod impound-node-[0-9a-f]{8}\/impound-node-[0-9a-f-]+ on ip-/)
    expect(text).toMatch(/image docker\.io\/library\/debian:bookworm-slim@sha256:[0-9a-f]{64}\n/)
    expect(text).toMatch(/they see .*who may list pods/)
    expect(ours()).toEqual([])
  })

  it('gives what the node is, and leaves nothing behind', async () => {
    const result = resultOf(await cli.run(...snapshot('P-2', '--json')))
    expect(result.nodePods).toMatchObject([{ removed: 'checked', readyAfterMs: expect.any(Number) }])
    expect(ours()).toEqual([])
    const bag = unpacked(result)
    const [node] = result.nodePods
    expect(JSON.parse(readFileSync(join(bag, 'data/nodes', `${node!.node}.json`), 'utf8'))).toMatchObject({
      node: node!.node,
      missingTools: [],
    })
    const report = readFileSync(join(bag, 'data/automatic/report.md'), 'utf8')
    for (const step of ['create-namespace', 'create', 'delete', 'delete-namespace']) {
      expect(report).toContain(`node-pod: ${step} |`)
    }
    const log = readFileSync(join(bag, 'acquisition.jsonl'), 'utf8').trimEnd().split('\n')
    const lines = log.map((line) => JSON.parse(line) as { type: string; intent?: { step: string } })
    expect(lines.filter(({ type }) => type === 'intent').map(({ intent }) => intent?.step)).toEqual([
      'create-namespace',
      'create',
      'delete',
      'delete-namespace',
    ])
  })

  it('goes on without where it is refused, and says why', async () => {
    const undo = lab.admission.add({
      match: { operation: 'CREATE', resource: 'pods' },
      effect: { kind: 'webhook-denies', webhook: 'no.example', message: 'no privileged pods here' },
    })
    const result = resultOf(await cli.run(...snapshot('P-4', '--json')))
    undo()
    expect(result.exitStatus).toBe(3)
    expect(result.nodePods).toMatchObject([
      {
        removed: 'never-there',
        error: { code: 'target-refused', message: expect.stringMatching(/no privileged pods here/) },
      },
    ])
    expect(result.evidence.missing).toContainEqual(
      expect.objectContaining({ collector: 'node', reason: 'target-refused' }),
    )
    expect(result.evidence.counts.collected).toBeGreaterThan(5)
    expect(ours()).toEqual([])
  })
})

describe('a run that is stopped', () => {
  it('removes its pod at Ctrl-C', async () => {
    const { child, ended } = cli.start(...snapshot('P-6', '--json'))
    await hears(child, 'runs on')
    expect(ours()).toHaveLength(2)
    child.kill('SIGINT')
    const ran = await ended
    expect(ran.status).toBe(130)
    expect(resultOf(ran).nodePods).toMatchObject([{ removed: 'checked' }])
    expect(ours()).toEqual([])
  })

  it('leaves its pod at kill -9, which the plan of the next run names and that run removes', async () => {
    const { child, ended } = cli.start(...snapshot('P-7', '--json'))
    await hears(child, 'runs on')
    child.kill('SIGKILL')
    await ended
    const left = ours()
    expect(left).toHaveLength(2)
    const planned = await cli.run(...snapshot('P-8', '--dry-run', '--json'))
    const { nodePods } = JSON.parse(planned.stdout.toString('utf8')) as RunPlan
    expect(nodePods?.leftovers.map(({ kind, name, case: of }) => `${kind}s ${name} ${of}`)).toEqual(
      left.map((name) => `${name} P-7`),
    )
    expect(ours()).toEqual(left)
    const { stdout } = await cli.run(...snapshot('P-8'))
    expect(stdout.toString('utf8')).toMatch(/node pods .* on ip-.*: ready after .*, removed \(checked\)\n/)
    expect(ours()).toEqual([])
  })
})
