import { randomBytes } from 'node:crypto'

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'

import { connect, type KubeConnection } from '../../src/kube/connect.js'
import type { FaultEffect } from '../../src/lab/faults/fault.js'
import { type Lab, startLab } from '../../src/lab/lab.js'
import { type ErrorCode, ImpoundError } from '../../src/model/errors.js'
import { smallSeed } from '../lab/small-seed.js'
import { hastyClock } from './fixture-server.js'
import { Collecting } from './sinks.js'

/** An error's code; or all bytes came, or fewer, or others, and nothing on the wire says so. */
type Outcome = ErrorCode | 'whole' | 'short' | 'altered'

const POD = { namespace: 'shop', pod: 'web-6dd6-one', container: 'app' }
const limits = { signal: new AbortController().signal, stallTimeoutMs: 2_000, maxBytes: 1_000_000 }
const EXEC = 'hello there, this is a program\n'

let lab: Lab
let open: KubeConnection
let log: string

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  await lab.settled()
  open = await newConnection(lab.kubeconfig)
  log = (await readLog(open)).text
})
afterEach(() => lab.faults.clear())
afterAll(async () => {
  await open.close()
  await lab.close()
})

function newConnection(kubeconfig: string): Promise<KubeConnection> {
  return connect({
    kubeconfig,
    requestTimeoutMs: 2_000,
    clock: hastyClock(),
    random: (bytes) => randomBytes(bytes),
    notice: () => undefined,
  })
}

async function runEcho({ exec }: KubeConnection): Promise<Collecting> {
  const stdout = new Collecting()
  const argv = ['echo', EXEC.trimEnd()]
  const { exitCode, stdoutBytes } = await exec.exec(POD, argv, { stdout, stderr: new Collecting() }, limits)
  expect([exitCode, stdoutBytes]).toEqual([0, Buffer.byteLength(stdout.text)])
  return stdout
}

async function readLog({ logs }: KubeConnection): Promise<Collecting> {
  const sink = new Collecting()
  await logs.log({ ...POD, previous: false }, sink, limits)
  return sink
}

async function outcomeOf(received: Promise<Collecting>, expected: string): Promise<Outcome> {
  try {
    const { text } = await received
    if (text === expected) return 'whole'
    return text.length < expected.length ? 'short' : 'altered'
  } catch (error) {
    if (error instanceof ImpoundError) return error.code
    throw error
  }
}

async function struck(effect: FaultEffect, times: number): Promise<readonly [exec: Outcome, log: Outcome]> {
  const connection = await newConnection(lab.kubeconfig)
  try {
    lab.faults.add({ match: { path: /\/exec\?/ }, effect, times })
    const ofExec = await outcomeOf(runEcho(connection), EXEC)
    lab.faults.clear()
    lab.faults.add({ match: { path: /\/log\?/ }, effect, times })
    const ofLog = await outcomeOf(readLog(connection), log)
    expect(lab.faults.fired.at(-1)?.missed).toBeUndefined()
    return [ofExec, ofLog]
  } finally {
    lab.faults.clear()
    await connection.close()
  }
}

const code = (status: number, retryAfterSeconds?: number): FaultEffect => ({
  kind: 'status',
  code: status,
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
})

describe('a fault that stays', () => {
  it.each<[FaultEffect, Outcome, Outcome]>([
    // what happens, what an exec comes to, what a log comes to
    [{ kind: 'refused', ms: 30_000 }, 'unreachable', 'unreachable'],
    [{ kind: 'reset' }, 'unreachable', 'unreachable'],
    [{ kind: 'answer-lost' }, 'unreachable', 'unreachable'],
    [code(401), 'unauthorized', 'unauthorized'],
    [code(403), 'forbidden', 'forbidden'],
    [code(404), 'not-found', 'not-found'],
    [code(409), 'conflict', 'conflict'],
    [code(410), 'gone', 'gone'],
    [code(422), 'invalid', 'invalid'],
    [code(429, 1), 'throttled', 'throttled'],
    [code(429, 3600), 'throttled', 'throttled'],
    [code(500), 'server', 'server'],
    [code(503), 'server', 'server'],
    [{ kind: 'html', code: 502 }, 'server', 'server'],
    [{ kind: 'drop-after', bytes: 5 }, 'cut', 'cut'],
    [{ kind: 'stall', bytes: 5 }, 'stalled', 'stalled'],
    [{ kind: 'slow', bytesPerSecond: 200 }, 'whole', 'whole'],
    [{ kind: 'close-without-status' }, 'cut', 'unreachable'],
    // what nobody can see who has only the stream
    [{ kind: 'truncate', bytes: 5 }, 'short', 'short'],
    [{ kind: 'lose-last', bytes: 5 }, 'short', 'short'],
    [{ kind: 'corrupt', at: 5 }, 'altered', 'altered'],
    [{ kind: 'clock-jump', seconds: 86_400 }, 'whole', 'whole'],
  ])('%j ends an exec as %s and a log as %s', async (effect, exec, ofLog) => {
    expect(await struck(effect, Infinity)).toEqual([exec, ofLog])
  })
})

describe('a token that runs out', () => {
  const rules = [
    { verb: '*', group: '', resource: 'pods', subresource: 'exec' },
    { verb: 'get', group: '', resource: 'pods', subresource: 'log' },
  ]

  it.each<[string, (connection: KubeConnection) => Promise<Collecting>, RegExp]>([
    ['an exec', runEcho, /\/exec\?/],
    ['a log', readLog, /\/log\?/],
  ])('is told of %s, which stays refused', async (_name, ask, path) => {
    const connection = await newConnection(await lab.kubeconfigFor('responder', rules))
    try {
      await ask(connection)
      lab.faults.add({ match: { path }, effect: { kind: 'token-expired' } })
      await expect(ask(connection)).rejects.toMatchObject({ code: 'unauthorized' })
      await expect(ask(connection)).rejects.toMatchObject({ code: 'unauthorized' })
    } finally {
      await connection.close()
    }
  })
})

describe('a fault that passes', () => {
  it.each<[FaultEffect, Outcome, Outcome]>([
    // a program must not run twice; a log may be asked for again
    [code(429, 1), 'whole', 'whole'],
    [code(503), 'server', 'whole'],
    [{ kind: 'html', code: 502 }, 'server', 'whole'],
    [{ kind: 'reset' }, 'unreachable', 'whole'],
    [{ kind: 'answer-lost' }, 'unreachable', 'whole'],
    // what has begun to come is not asked for again: the log goes on meanwhile
    [{ kind: 'drop-after', bytes: 5 }, 'cut', 'cut'],
  ])('%j leaves an exec %s and a log %s', async (effect, exec, ofLog) => {
    expect(await struck(effect, 1)).toEqual([exec, ofLog])
  })
})
