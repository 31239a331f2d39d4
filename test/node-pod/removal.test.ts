import { describe, expect, it } from '@jest/globals'

import { ImpoundError } from '../../src/model/errors.js'
import type { Json } from '../../src/model/json.js'
import type { KubeReader, RawResponse } from '../../src/model/ports/kube-reader.js'
import type { KubeWriter } from '../../src/model/ports/kube-writer.js'
import { remove, type Doomed } from '../../src/node-pod/removal.js'

const DOOMED: Doomed = {
  kind: 'pod',
  namespace: 'n',
  name: 'node-pod',
  uid: 'u-1',
  run: '20261122T030033Z-1f3a9c02',
}

const answer = (object: Json): RawResponse =>
  ({ body: Buffer.from(JSON.stringify(object)) }) as unknown as RawResponse

/** Of a pod that, once it is deleted, for ever is in this state. */
function removal(status: Json, uid = 'u-1') {
  let deletes = 0
  let now = 0
  const kube = {
    get: () =>
      Promise.resolve(
        answer({
          metadata: { uid, ...(deletes > 0 ? { deletionTimestamp: '2026-11-22T03:00:33Z' } : {}) },
          status: { containerStatuses: [deletes > 0 ? status : { state: { running: {} } }] },
        }),
      ),
  } as unknown as KubeReader
  const writer = {
    delete: () => {
      deletes += 1
      return Promise.resolve(answer({}))
    },
  } as unknown as KubeWriter
  const clock = {
    now: () => new Date(now),
    monotonic: () => now,
    sleep: (ms: number) => {
      now += ms
      return now > 60_000 ? Promise.reject(new ImpoundError('timeout', 'over')) : Promise.resolve()
    },
  }
  return remove(DOOMED, { kube, writer, clock, signal: new AbortController().signal })
}

describe('the removal of a node pod', () => {
  it.each<[string, Json]>([
    ['says so', { state: { terminated: { exitCode: 143 } }, lastState: {} }],
    [
      // seen of 1.20: one deletion in twenty, and the object then stays for up to a minute
      'removed it before it wrote that down',
      {
        state: { waiting: { reason: 'ContainerCreating' } },
        lastState: { terminated: { reason: 'ContainerStatusUnknown', exitCode: 137 } },
      },
    ],
    ['never had it', { state: { waiting: { reason: 'ErrImagePull' } }, lastState: {} }],
  ])('takes the container for ended where the kubelet %s', async (_how, status) => {
    await expect(removal(status)).resolves.toBe('ended')
  })

  it.each<[string, Json]>([
    ['runs', { state: { running: {} }, lastState: {} }],
    ['may yet start', { state: { waiting: { reason: 'ContainerCreating' } }, lastState: {} }],
  ])('does not while it %s', async (_how, status) => {
    await expect(removal(status)).rejects.toMatchObject({ code: 'timeout' })
  })

  it('leaves alone what bears its name by then', async () => {
    await expect(removal({ state: { running: {} } }, 'u-2')).resolves.toBe('checked')
  })
})
