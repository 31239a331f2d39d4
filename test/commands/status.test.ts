import { rmSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../src/lab/lab.js'
import type { QuarantineChange, QuarantineStatus } from '../../src/model/hold-status.js'
import type { JsonObject } from '../../src/model/json.js'
import { CommandLine, hears } from './command-line.js'

const POLICIES = 'networkpolicies.networking.k8s.io'

let lab: Lab
let cli: CommandLine
let open: JsonObject

beforeAll(async () => {
  lab = await startLab()
  // one that would stay open over the deny-all
  open = lab.objects.get(POLICIES, 'shop', 'allow-same-namespace')!
  lab.objects.delete(POLICIES, 'shop', 'allow-same-namespace')
  cli = new CommandLine(lab)
  await cli.run('quarantine', lab.suspect.name, '-n', 'shop', '--case', 'Q-1', '--yes')
}, 60_000)

afterAll(async () => {
  await lab.close()
  rmSync(cli.home, { recursive: true, force: true })
})

async function status(
  ...argv: readonly string[]
): Promise<QuarantineStatus & { readonly ended: number | null }> {
  const ran = await cli.run('quarantine', 'status', ...argv, '--json')
  return { ...(JSON.parse(ran.stdout.toString('utf8')) as QuarantineStatus), ended: ran.status }
}

function changesSeen(): number {
  return lab.requests.filter(({ method, path }) => method !== 'GET' && !path.includes('selfsubject')).length
}

describe('impound quarantine status, on the lab', () => {
  it('finds what is held in the namespace, by whom, and that it holds; ends with 0 and changes nothing', async () => {
    const before = changesSeen()
    const { holds, ended, notTried } = await status('-n', 'shop')
    expect(ended).toBe(0)
    expect(holds).toMatchObject([
      { name: lab.suspect.name, case: 'Q-1', who: 'lab-admin', state: 'holds', faults: [], notSeen: [] },
    ])
    expect(notTried.join()).toContain('traffic')
    expect(changesSeen()).toBe(before)
  })

  it('finds it in every namespace, and not in another one', async () => {
    expect((await status('-A')).holds).toHaveLength(1)
    expect(await status('-n', 'default')).toMatchObject({ holds: [], ended: 0 })
  })

  it.each([
    [['quarantine', 'status', 'pod/status', '-n', 'shop'], 8, 'shop/status is not held'],
    [['quarantine', 'status', 'deploy/web', '-n', 'shop'], 2, 'names no pod'],
    [['quarantine', 'status', 'web', '-A'], 2, 'one namespace'],
    [['quarantine', 'status', '--watch', '--json'], 2, '--json-lines'],
    [['quarantine', '-n', 'shop', 'status', '--yes'], 2, 'pod/status'],
    [['quarantine', 'pod/status', '-n', 'shop', '--yes'], 8, 'there is no pod status in shop'],
  ])('%j ends with %i', async (argv, code, words) => {
    const ran = await cli.run(...argv)
    expect(ran.status).toBe(code)
    expect(`${ran.stdout.toString('utf8')}${ran.stderr}`).toContain(words)
  })

  it('ends with 4 where the policies can not be read, and with 4 where the pods can not', async () => {
    const pods = { verb: 'list', group: '', resource: 'pods', namespace: 'shop' } as const
    for (const [user, rules] of [
      ['half', [pods]],
      ['nobody', []],
    ] as const) {
      const ran = await new CommandLine(lab, await lab.kubeconfigFor(user, rules)).run(
        'quarantine',
        'status',
        '-n',
        'shop',
      )
      expect(ran.status).toBe(4)
    }
  })

  it('watches: prints what changes, and ends at Ctrl-C with the status of what it saw last', async () => {
    const { child, ended } = cli.start('quarantine', 'status', '-n', 'shop', '--watch', '--json-lines')
    const lines: (QuarantineStatus | QuarantineChange)[] = []
    const heard = new Promise<void>((done) => {
      let text = ''
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8')
        const complete = text.split('\n')
        text = complete.pop() ?? ''
        lines.push(...complete.map((line) => JSON.parse(line) as QuarantineChange))
        if (lines.length === 2) done()
      })
    })
    await hears(child, 'watching until Ctrl-C')
    const watching = (): boolean => lab.requests.filter(({ path }) => path.includes('watch=1')).length >= 2
    while (!watching()) await new Promise((next) => setTimeout(next, 20))
    lab.objects.put(open)
    await heard
    child.kill('SIGINT')
    expect((await ended).status).toBe(7)
    expect(lines[0]).toMatchObject({ schema: 'impound/quarantine-status/v1', exitStatus: 0 })
    expect(lines[1]).toMatchObject({
      schema: 'impound/quarantine-change/v1',
      change: 'changed',
      hold: { state: 'does-not-hold' },
      appeared: [{ code: 'residual', message: expect.stringContaining('allow-same-namespace') }],
      mended: [],
    })
  })
})
