import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { setTimeout as wait } from 'node:timers/promises'

import type { FaultEffect } from '../../../src/lab/faults/fault.js'
import { startLab, type Lab } from '../../../src/lab/lab.js'
import { at } from '../../../src/model/json.js'
import { accessOf, call, jsonPatch, type Access } from '../client.js'
import { smallSeed } from '../small-seed.js'

const PODS = '/api/v1/namespaces/shop/pods'
const POD = `${PODS}/web-6dd6-one`
const LOG = `${POD}/log?container=app`
const LOG_TEXT = 'hello\nwörld\nbye\n'

let lab: Lab
let admin: Access

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  await lab.settled()
  admin = await accessOf(lab.kubeconfig)
})
afterEach(() => lab.faults.clear())
afterAll(() => lab.close())

const next = (effect: FaultEffect): (() => void) => lab.faults.add({ match: {}, effect })

describe('a server that is gone', () => {
  it('breaks its connections, refuses new ones, and comes back at the same address', async () => {
    next({ kind: 'refused', ms: 300 })
    await expect(call(admin, POD)).rejects.toThrow(/ECONNRESET|EPIPE|socket disconnected/)
    await expect(call(admin, POD)).rejects.toThrow('ECONNREFUSED')
    await wait(400)
    expect((await call(admin, POD)).status).toBe(200)
  })

  it('comes back at once when the faults are cleared', async () => {
    next({ kind: 'refused', ms: 60_000 })
    await expect(call(admin, POD)).rejects.toThrow()
    lab.faults.clear()
    await wait(50)
    expect((await call(admin, POD)).status).toBe(200)
  })
})

describe('a token that expires in the middle', () => {
  it('is refused from then on, and a new one is not', async () => {
    const rules = [{ verb: 'list', group: '', resource: 'pods' }]
    const [first, second] = [
      await accessOf(await lab.kubeconfigFor('responder', rules)),
      await accessOf(await lab.kubeconfigFor('responder', rules)),
    ]
    lab.faults.add({ match: { user: 'responder' }, effect: { kind: 'token-expired' }, after: 1 })
    const codes: number[] = []
    for (const access of [first, first, first, second]) codes.push((await call(access, PODS)).status)
    expect(codes).toEqual([200, 401, 401, 200])
  })

  it('is reported where there was no token', async () => {
    next({ kind: 'token-expired' })
    expect((await call(admin, POD)).status).toBe(200)
    expect(lab.faults.unfired()).toMatchObject([{ why: `GET ${POD}: the request came without a token` }])
  })
})

describe('a refusal', () => {
  it.each([
    [
      403,
      'Forbidden',
      'pods "web-6dd6-one" is forbidden: User "lab-admin" cannot get resource "pods" in API group "" in the namespace "shop"',
    ],
    [404, 'NotFound', 'pods "web-6dd6-one" not found'],
    [
      409,
      'Conflict',
      'Operation cannot be fulfilled on pods "web-6dd6-one": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [410, 'Expired', 'The provided continue parameter is too old'],
    [422, 'Invalid', 'the server rejected our request due to an error in our request'],
    [500, 'InternalError', 'Internal error occurred'],
    [503, 'ServiceUnavailable', 'the server is currently unable to handle the request'],
  ])('by %d is in the words of the server', async (code, reason, message) => {
    next({ kind: 'status', code })
    const reply = await call(admin, POD)
    expect(reply.status).toBe(code)
    expect(reply.json).toMatchObject({ kind: 'Status', code, reason })
    expect(reply.json.message).toEqual(expect.stringContaining(message))
  })

  it('without a status line is a closed connection', async () => {
    next({ kind: 'close-without-status' })
    await expect(call(admin, POD)).rejects.toThrow('socket hang up')
    expect(lab.requests.at(-1)).toMatchObject({ status: 0, fault: 'close-without-status' })
  })
})

describe('a body', () => {
  it('that is shorter than its length says is incomplete', async () => {
    next({ kind: 'wrong-length', by: 10 })
    const reply = await call(admin, POD)
    expect(reply.complete).toBe(false)
    expect(reply.text.length).toBe(Number(reply.headers['content-length']) - 10)
  })

  it('that is longer than its length says is cut by its reader, or not HTTP to it', async () => {
    next({ kind: 'wrong-length', by: -10 })
    const text = await call(admin, POD).then(
      (reply) => reply.text,
      (error: unknown) => String(error),
    )
    expect(text.endsWith('}\n')).toBe(false)
    expect(lab.faults.unfired()).toEqual([])
  })

  it.each([
    [{ kind: 'truncate', bytes: 6 }, 'hello\n'],
    [{ kind: 'lose-last', bytes: 4 }, 'hello\nwörld\n'],
    [{ kind: 'corrupt', at: 0 }, `i${LOG_TEXT.slice(1)}`],
    [{ kind: 'slow', bytesPerSecond: 200 }, LOG_TEXT],
  ] as const)('of a stream under %j looks whole', async (effect, text) => {
    next(effect)
    const reply = await call(admin, LOG)
    expect([reply.complete, reply.text]).toEqual([true, text])
    expect(lab.faults.unfired()).toEqual([])
  })

  it.each([
    [{ kind: 'truncate', bytes: 17 }, 'the answer had only 17 bytes'],
    [{ kind: 'drop-after', bytes: 18 }, 'the answer had only 17 bytes'],
    [{ kind: 'stall', bytes: 18 }, 'the answer had only 17 bytes'],
    [{ kind: 'corrupt', at: 17 }, 'the answer had only 17 bytes'],
    [{ kind: 'wrong-length', by: 5 }, 'a stream has no length'],
    [{ kind: 'watch-expired', events: 0 }, 'no watch'],
  ] as const)('under %j, which it can not have, is whole, and the fault reported', async (effect, why) => {
    next(effect)
    const reply = await call(admin, LOG)
    expect([reply.complete, reply.text]).toEqual([true, LOG_TEXT])
    expect(lab.faults.unfired()).toMatchObject([{ fired: 0, why: `GET ${LOG}: ${why}` }])
  })

  it('comes slowly', async () => {
    next({ kind: 'slow', bytesPerSecond: 100 })
    const before = Date.now()
    await call(admin, LOG)
    expect(Date.now() - before).toBeGreaterThanOrEqual(120)
  })

  it('of exactly the bytes after which it is dropped lacks its end', async () => {
    next({ kind: 'drop-after', bytes: 17 })
    const reply = await call(admin, LOG)
    expect([reply.complete, reply.text]).toEqual([false, LOG_TEXT])
  })
})

describe('a watch', () => {
  it('expires after some events, in the stream', async () => {
    next({ kind: 'watch-expired', events: 1 })
    const reply = await call(admin, `${PODS}?watch=true&timeoutSeconds=5`)
    const events = reply.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: unknown })
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'ERROR'])
    expect(events[1]?.object).toMatchObject({ kind: 'Status', code: 410, reason: 'Expired' })
    expect(reply.complete).toBe(true)
  })

  it('that stalls from its first byte on has begun', async () => {
    next({ kind: 'stall', bytes: 0 })
    const watch = call(admin, `${PODS}?watch=true&timeoutSeconds=1`)
    expect(await Promise.race([watch, wait(300, 'still open')])).toBe('still open')
  })
})

describe("the server's clock", () => {
  it('jumps for the Date header and for what is written, until the faults are cleared', async () => {
    lab.faults.add({ match: { method: 'PATCH' }, effect: { kind: 'clock-jump', seconds: -7200 } })
    const early = Date.parse((await call(admin, POD)).headers.date ?? '')
    const patch = [{ op: 'add', path: '/metadata/labels/late', value: 'yes' }]
    const reply = await jsonPatch(admin, `${POD}?fieldManager=t`, patch)
    const late = Date.parse(reply.headers.date ?? '')
    expect(early - late).toBeGreaterThan(7_000_000)
    expect(Date.parse(String(at(reply.json, 'metadata', 'managedFields', 0, 'time')))).toBe(late)
    lab.faults.clear()
    expect(Date.parse((await call(admin, POD)).headers.date ?? '')).toBeGreaterThanOrEqual(early)
  })
})
