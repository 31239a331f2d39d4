import { afterEach, beforeAll, afterAll, describe, expect, it } from '@jest/globals'
import { setTimeout as wait } from 'node:timers/promises'

import { startLab, type Lab } from '../../../src/lab/lab.js'
import type { FaultEffect } from '../../../src/lab/faults/fault.js'
import { accessOf, call, exec, jsonPatch, openSocket, type Access } from '../client.js'
import { flooded, smallSeed } from '../small-seed.js'

const POD = '/api/v1/namespaces/shop/pods/web-6dd6-one'
const EXEC = `${POD}/exec?command=echo&command=0123456789&container=app&stdout=true&stderr=true`
const LOG = `${POD}/log?container=app`

let lab: Lab
let admin: Access

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  admin = await accessOf(lab.kubeconfig)
})
afterEach(() => lab.faults.clear())
afterAll(() => lab.close())

/** An RST may come before or after the client's last write. */
const RESET = /ECONNRESET|EPIPE|socket disconnected/

const next = (effect: FaultEffect): (() => void) => lab.faults.add({ match: {}, effect })

describe('a fault', () => {
  it('strikes what it matches, as often as it says, and not before', async () => {
    const effect: FaultEffect = { kind: 'status', code: 503 }
    lab.faults.add({ match: { method: 'GET', path: /\/pods\/web/ }, effect, after: 1, times: 2 })
    const codes: number[] = []
    for (const path of [POD, '/api/v1/nodes', POD, POD, POD]) codes.push((await call(admin, path)).status)
    expect(codes).toEqual([200, 200, 503, 503, 200])
    expect(lab.requests.slice(-3).map(({ fault }) => fault)).toEqual(['status', 'status', undefined])
  })

  it('can be for one user, and taken back', async () => {
    const takeBack = lab.faults.add({
      match: { user: 'lab-admin' },
      effect: { kind: 'reset' },
      times: Infinity,
    })
    await expect(call(admin, POD)).rejects.toThrow(RESET)
    takeBack()
    expect((await call(admin, POD)).status).toBe(200)
  })

  it('of a Status is answered as the server would', async () => {
    next({ kind: 'status', code: 429, retryAfterSeconds: 2 })
    const reply = await call(admin, POD)
    expect(reply.headers['retry-after']).toBe('2')
    expect(reply.json).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      details: { retryAfterSeconds: 2 },
    })
  })

  it('of a proxy is a page', async () => {
    next({ kind: 'html', code: 502 })
    const reply = await call(admin, POD)
    expect([reply.status, reply.headers['content-type']]).toEqual([502, 'text/html'])
    expect(reply.text).toMatch(/^<html>/)
  })

  it('that truncates looks whole to HTTP', async () => {
    next({ kind: 'truncate', bytes: 20 })
    const reply = await call(admin, POD)
    expect([reply.complete, reply.text.length]).toEqual([true, 20])
  })

  it.each([POD, LOG])('that drops %s after some bytes leaves it incomplete', async (path) => {
    next({ kind: 'drop-after', bytes: 5 })
    const reply = await call(admin, path)
    expect([reply.complete, reply.text.length]).toEqual([false, 5])
  })

  it('that stalls sends no more, and holds the connection', async () => {
    next({ kind: 'stall', bytes: 5 })
    const reply = call(admin, LOG)
    expect(await Promise.race([reply, wait(200, 'still open')])).toBe('still open')
  })

  it('that loses the answer leaves the write done', async () => {
    next({ kind: 'answer-lost' })
    const patch = [{ op: 'add', path: '/metadata/labels/lost', value: 'yes' }]
    await expect(jsonPatch(admin, POD, patch)).rejects.toThrow('socket hang up')
    expect(lab.objects.get('pods', 'shop', 'web-6dd6-one')).toMatchObject({
      metadata: { labels: { lost: 'yes' } },
    })
  })

  it('that resets leaves nothing done', async () => {
    next({ kind: 'reset' })
    const patch = [{ op: 'add', path: '/metadata/labels/never', value: 'yes' }]
    await expect(jsonPatch(admin, POD, patch)).rejects.toThrow(RESET)
    expect(lab.objects.get('pods', 'shop', 'web-6dd6-one')).not.toHaveProperty('metadata.labels.never')
  })
})

describe('a fault of an exec stream', () => {
  it('closes without a status', async () => {
    next({ kind: 'close-without-status' })
    expect(await exec(admin, EXEC)).toMatchObject({
      stdout: '0123456789\n',
      status: undefined,
      closeCode: 1000,
    })
  })

  it('drops after some bytes', async () => {
    next({ kind: 'drop-after', bytes: 4 })
    expect(await exec(admin, EXEC)).toMatchObject({ stdout: '0123', status: undefined, closeCode: 1006 })
  })

  it('ends well with a part of the output', async () => {
    next({ kind: 'truncate', bytes: 4 })
    expect(await exec(admin, EXEC)).toMatchObject({ stdout: '0123', status: { status: 'Success' } })
  })

  it('stalls', async () => {
    next({ kind: 'stall', bytes: 4 })
    const socket = openSocket(admin, EXEC, ['v5.channel.k8s.io'])
    let text = ''
    socket.on('message', (data: Buffer) => (text += data.subarray(1).toString()))
    await new Promise((resolve) => socket.once('open', resolve))
    await wait(200)
    expect([text, socket.readyState]).toEqual(['0123', socket.OPEN])
    socket.terminate()
  })

  it('refuses the upgrade with a Status', async () => {
    next({ kind: 'status', code: 500 })
    expect(await exec(admin, EXEC)).toMatchObject({
      refused: 500,
      text: expect.stringContaining('InternalError'),
    })
  })

  it('resets', async () => {
    next({ kind: 'reset' })
    await expect(exec(admin, EXEC)).rejects.toThrow(RESET)
  })

  it('ends well without the last bytes of stdout', async () => {
    next({ kind: 'lose-last', bytes: 3 })
    expect(await exec(admin, EXEC)).toMatchObject({ stdout: '01234567', status: { status: 'Success' } })
    expect(lab.faults.unfired()).toEqual([])
  })

  it('changes one bit of the output', async () => {
    next({ kind: 'corrupt', at: 1 })
    expect(await exec(admin, EXEC)).toMatchObject({ stdout: '0023456789\n', status: { status: 'Success' } })
  })

  it('slows it down', async () => {
    next({ kind: 'slow', bytesPerSecond: 50 })
    const before = Date.now()
    expect(await exec(admin, EXEC)).toMatchObject({ stdout: '0123456789\n', status: { status: 'Success' } })
    expect(Date.now() - before).toBeGreaterThanOrEqual(150)
  })

  it('loses the answer, and the program has run', async () => {
    next({ kind: 'answer-lost' })
    flooded.bytes = 0
    await expect(exec(admin, EXEC.replace('=echo', '=flood').replace('0123456789', '70000'))).rejects.toThrow(
      'socket hang up',
    )
    expect(flooded.bytes).toBeGreaterThanOrEqual(70_000)
  })

  it.each<FaultEffect>([
    { kind: 'truncate', bytes: 11 },
    { kind: 'drop-after', bytes: 12 },
    { kind: 'stall', bytes: 12 },
    { kind: 'corrupt', at: 11 },
    { kind: 'wrong-length', by: 1 },
    { kind: 'watch-expired', events: 0 },
  ])('that can not be had leaves the stream whole, and is reported: %j', async (effect) => {
    next(effect)
    expect(await exec(admin, EXEC)).toMatchObject({ stdout: '0123456789\n', status: { status: 'Success' } })
    expect(lab.faults.unfired()).toMatchObject([{ fault: { effect }, fired: 0 }])
  })
})
