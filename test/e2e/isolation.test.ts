import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { ReleaseResult, RunResult } from '../../src/engine/result.js'
import { asString, at } from '../../src/model/json.js'
import { apply, eventually, impound, kubectl, kubeJson, world } from './world.js'

/** This cluster has no policy engine: what a policy forbids goes on, and only packets dropped in the pod's own network end it. */
const namespace = `e2e-${randomBytes(3).toString('hex')}`
const home = mkdtempSync(join(tmpdir(), 'impound-e2e-'))
const NODE = ['--allow', 'node', '--node-image', world.nodeImage]
/** The second listens in the node's own network. */
const PEERS = { peer: 7000, neighbour: 20_000 + (randomBytes(2).readUInt16BE() % 10_000) } as const
const GREETER = 7100

/** Keeps a connection over which a byte goes each way every 200 ms, and greets who connects newly. */
const listener = (port: number): string => `mkdir -p /d
printf '#!/bin/sh\\n(while printf y; do sleep 0.2; done) &\\nexec cat >>/d/got\\n' >/d/talk
${greeter('peer')}
exec nc -ll -p ${port} -e /d/talk`

const greeter = (name: string): string => `printf '#!/bin/sh\\necho ${name} greets\\n' >/d/greet
chmod 755 /d/*
[ -n "$IN_NODE" ] || nc -ll -p ${GREETER} -e /d/greet &`

/** Holds both connections; says of each what came, and whether it ended. */
const SUSPECT = `mkdir -p /d
${greeter('suspect')}
hold() { (while printf x; do sleep 0.2; done) | nc "$2" "$3" >"/d/$1"; touch "/d/$1-ended"; }
hold peer "$PEER" ${PEERS.peer} &
hold neighbour "$NODE" ${PEERS.neighbour} &
exec sleep 7200`

function pod(
  name: string,
  script: string,
  env: Readonly<Record<string, string>>,
  hostNetwork = false,
): object {
  const set = Object.entries(env).map(([key, value]) => ({ name: key, value }))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      hostNetwork,
      containers: [{ name: 'app', image: world.appImage, command: ['sh', '-c', script], env: set }],
    },
  }
}

function addressOf(name: string): Promise<string> {
  return eventually(`${name} to run`, () => {
    const { status } = kubeJson('get', 'pod', name, '-n', namespace) as { status: object }
    return at(status, 'containerStatuses', 0, 'ready') === true ? asString(at(status, 'podIP')) : undefined
  })
}

function exec(name: string, script: string): string {
  return kubectl('exec', '-n', namespace, name, '--', 'sh', '-c', script).trim()
}

/** What a new connection from one pod to the other brings. */
function greeting(from: string, address: string): string {
  return exec(from, `timeout 5 nc -w 2 ${address} ${GREETER} </dev/null 2>/dev/null || echo nothing`)
}

/** Bytes that an open connection has brought to the suspect and to its far end. */
interface Brought {
  readonly suspect: number
  readonly far: number
}

function brought(far: keyof typeof PEERS): Brought {
  return {
    suspect: Number(exec('suspect', `wc -c </d/${far}`)),
    far: Number(exec(far, 'wc -c </d/got')),
  }
}

/** What comes within a while. */
async function coming(): Promise<Readonly<Record<keyof typeof PEERS, Brought>>> {
  const before = { peer: brought('peer'), neighbour: brought('neighbour') }
  await new Promise((done) => setTimeout(done, 1500))
  const since = (far: keyof typeof PEERS): Brought => {
    const now = brought(far)
    return { suspect: now.suspect - before[far].suspect, far: now.far - before[far].far }
  }
  return { peer: since('peer'), neighbour: since('neighbour') }
}

async function quarantine(name: string, ...more: readonly string[]) {
  const { status, stdout } = await impound(
    ['quarantine', name, '-n', namespace, '--case', namespace, ...NODE, ...more, '--yes', '--json'],
    { home },
  )
  const result = JSON.parse(stdout) as RunResult
  return { status, result, verdict: result.targets[0]?.containment?.verdict }
}

/** All of it is taken back, and nothing left. */
async function release(name: string): Promise<void> {
  const ran = await impound(['release', name, '-n', namespace, ...NODE, '--yes', '--json'], { home })
  const released = JSON.parse(ran.stdout) as ReleaseResult
  expect(released.targets[0]?.report.left).toEqual([])
  expect(ran.status).toBe(0)
}

let peer: string
let suspect: string

beforeAll(async () => {
  apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  apply(
    pod('peer', listener(PEERS.peer), {}),
    pod('neighbour', listener(PEERS.neighbour), { IN_NODE: 'yes' }, true),
  )
  peer = await addressOf('peer')
  apply(pod('suspect', SUSPECT, { PEER: peer, NODE: await addressOf('neighbour') }))
  suspect = await addressOf('suspect')
  await eventually('both connections to bring bytes to both ends', () => {
    const [first, second] = [brought('peer'), brought('neighbour')]
    return Math.min(first.suspect, first.far, second.suspect, second.far) > 0 ? true : undefined
  })
})

afterAll(() => {
  kubectl('delete', 'namespace', namespace, '--wait=false')
  rmSync(home, { recursive: true, force: true })
})

describe('a cut on a cluster that enforces no NetworkPolicy', () => {
  it('is not-enforced by the policy alone, and the verdict says what still comes about', async () => {
    const { status, verdict } = await quarantine('suspect')
    expect(verdict).toMatchObject({
      kind: 'not-enforced',
      why: expect.stringMatching(/still come about: (?=.*\bpeer\b)(?=.*\binbound\b)/),
    })
    expect(verdict?.open).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^peer .*: still comes about$/),
        expect.stringMatching(new RegExp(`^inbound ${suspect}:\\d+: still comes about$`)),
        expect.stringMatching(new RegExp(`^established: ${suspect}:\\d+ → ${peer}:${PEERS.peer}$`)),
      ]),
    )
    expect(status).toBe(7)
    expect(greeting('suspect', peer)).toBe('peer greets')
    expect(greeting('peer', suspect)).toBe('suspect greets')
    const bytes = await coming()
    for (const { suspect: to, far } of Object.values(bytes)) expect(Math.min(to, far)).toBeGreaterThan(2)
  })

  it('is not-enforced by a twin too, where no pod on the node is allowed, and nothing of it is left', async () => {
    const twin = ['--allow', 'twin', '--twin-image', world.nodeImage]
    const { status, stdout } = await impound(
      ['quarantine', 'suspect', '-n', namespace, '--case', namespace, ...twin, '--yes', '--json'],
      { home },
    )
    const [target] = (JSON.parse(stdout) as RunResult).targets
    expect(target?.containment?.verdict).toMatchObject({
      kind: 'not-enforced',
      means: 'twin',
      why: expect.stringMatching(
        /by a twin of the pod, these still come about: (?=.*\bpeer\b)(?=.*\binbound\b)/,
      ),
    })
    expect(target?.containment?.verdict?.open).toEqual(
      expect.arrayContaining([expect.stringMatching(/^inbound [0-9.]+:\d+: still comes about$/)]),
    )
    expect(status).toBe(7)
    await eventually('the twin to be gone', () =>
      kubectl('get', 'pods', '-n', namespace, '-l', 'impound.dev/twin', '-o', 'name') === ''
        ? true
        : undefined,
    )
  })

  it('is enforced where packets are dropped, those of open connections too, with its own node as well', async () => {
    const { status, verdict } = await quarantine('suspect', '--drop-connections')
    expect(verdict).toMatchObject({
      kind: 'enforced',
      why: expect.stringMatching(/blocked: .*inbound.*peer/),
    })
    expect(verdict?.tried.join('\n')).toMatch(
      /packets dropped so far: \d+ in, \d+ out\n(?:.*\n)*2 TCP connections .*, and their packets are dropped/,
    )
    expect(verdict?.open).toEqual([expect.stringMatching(/^new TCP connections from its own node /)])
    expect(status).toBe(0)
    expect(greeting('suspect', peer)).toBe('nothing')
    expect(greeting('peer', suspect)).toBe('nothing')
    expect(await coming()).toEqual({ peer: { suspect: 0, far: 0 }, neighbour: { suspect: 0, far: 0 } })
    // nobody was told: no RST, no FIN
    expect(exec('suspect', 'ls /d')).not.toContain('ended')
  })

  it('lets all of it through again after a release, and the open connections resume where they stopped', async () => {
    const before = { peer: brought('peer'), neighbour: brought('neighbour') }
    await release('suspect')
    expect(greeting('suspect', peer)).toBe('peer greets')
    expect(greeting('peer', suspect)).toBe('suspect greets')
    // what was dropped is sent again, after pauses that have doubled meanwhile
    for (const far of ['peer', 'neighbour'] as const) {
      await eventually(
        `the open connection to ${far} to bring bytes again`,
        () => {
          const now = brought(far)
          return now.suspect > before[far].suspect && now.far > before[far].far ? true : undefined
        },
        60,
      )
    }
    expect(exec('suspect', 'ls /d')).not.toContain('ended')
  })
})

describe('freezing', () => {
  it('stops the processes until the release, which lets them go on', async () => {
    const script = 'while :; do date +%s >>/ticks; sleep 0.2; done'
    apply(pod('clock', script, {}))
    await addressOf('clock')
    const { verdict } = await quarantine('clock', '--freeze')
    expect(verdict?.tried).toContain('the processes of 1 containers are frozen')
    await new Promise((done) => setTimeout(done, 3000))
    await release('clock')
    await new Promise((done) => setTimeout(done, 1000))
    const ticks = exec('clock', 'cat /ticks').split('\n').map(Number)
    const pauses = ticks.slice(1).map((tick, at) => tick - (ticks[at] ?? 0))
    const longest = Math.max(...pauses)
    expect(longest).toBeGreaterThanOrEqual(3)
    expect(ticks.length - pauses.indexOf(longest)).toBeGreaterThan(3)
  })
})
