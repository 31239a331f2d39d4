import { rmSync } from 'node:fs'

import { afterEach, describe, expect, it, jest } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import { at } from '../../src/model/json.js'
import type { Verdict } from '../../src/model/containment.js'
import { CommandLine } from './command-line.js'

// several whole runs of the command each
jest.setTimeout(240_000)

let lab: Lab
let cli: CommandLine

async function begin(enforcePolicies: boolean): Promise<void> {
  lab = await startLab({ pace: { react: 10, start: 100 }, enforcePolicies })
  cli = new CommandLine(lab)
}

afterEach(async () => {
  await lab.close()
  rmSync(cli.home, { recursive: true, force: true })
})

const pod = (): readonly [string, string, string] => [lab.suspect.name, '-n', lab.suspect.namespace]

async function verdictOf(...flags: readonly string[]): Promise<Verdict> {
  const { stdout } = await cli.run('quarantine', ...pod(), '--case', 'V-1', '--yes', '--json', ...flags)
  const result = JSON.parse(stdout.toString('utf8')) as RunResult
  return result.targets[0]!.containment!.verdict!
}

describe('a quarantine in the lab, tried from the suspect’s own network', () => {
  it('is not enforced where nothing enforces policies', async () => {
    await begin(false)
    const verdict = await verdictOf('--allow', 'node')
    expect(verdict).toMatchObject({
      kind: 'not-enforced',
      why: expect.stringContaining('still come about: api, inbound, metadata, peer'),
    })
    expect(verdict.open).toContain('established: 10.42.1.9:51544 → 203.0.113.7:443')
  })

  it('blocks what is new where something does, and says what was open before', async () => {
    await begin(true)
    expect(await verdictOf('--allow', 'node')).toMatchObject({
      kind: 'partial',
      why: 'new connections are blocked (api, inbound, metadata, peer); 1 stay established',
    })
  })

  it('holds everywhere with rules in that network, frozen too, and is released whole', async () => {
    await begin(false)
    const verdict = await verdictOf('--allow', 'node', '--drop-connections', '--freeze')
    expect(verdict.kind).toBe('enforced')
    expect(verdict.tried).toContain('the processes of 2 containers are frozen')
    expect(verdict.tried.join('\n')).toMatch(/rules stand in its network namespace \(nft\)/)
    const released = await cli.run('release', ...pod(), '--allow', 'node', '--yes')
    expect(released.stdout.toString('utf8')).toMatch(
      /RELEASED.*\nundone +~ the processes go on\n +~ rules in the pod’s network namespace taken away\n/,
    )
    expect(released.status).toBe(0)
    const object = lab.objects.list('pods').find((one) => at(one, 'metadata', 'name') === lab.suspect.name)
    expect(JSON.stringify(at(object, 'metadata', 'annotations') ?? {})).not.toContain('impound.dev')
    // nothing of it is left on the node: a new try finds it as open as before
    expect(await verdictOf('--allow', 'node')).toMatchObject({ kind: 'not-enforced' })
  })
})
