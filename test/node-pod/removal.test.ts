import { describe, expect, it } from '@jest/globals'

import { ImpoundError } from '../../src/model/errors.js'
import type { KubeReader, RawResponse } from '../../src/model/ports/kube-reader.js'
import type { DeleteOptions, KubeWriter } from '../../src/model/ports/kube-writer.js'
import { remove, type Doomed } from '../../src/node-pod/removal.js'

const RUN = '20261122T030033Z-1f3a9c02'
const DOOMED: Doomed = { kind: 'pod', namespace: 'n', name: 'node-pod', uid: 'u-1', run: RUN }

interface Pod {
  readonly uid: string
  readonly isGoing: boolean
  readonly hasEnded: boolean
}

/** A server with one pod, whose kubelet does what `kubelet` says at each look at it: milliseconds since the start. */
function cluster(kubelet: (now: number, deletes: readonly DeleteOptions[]) => Pod | undefined) {
  let now = 0
  const deletes: (DeleteOptions & { readonly atMs: number })[] = []
  const answer = (object: unknown): RawResponse =>
    ({ body: Buffer.from(JSON.stringify(object)) }) as unknown as RawResponse
  const kube = {
    get: () => {
      const pod = kubelet(now, deletes)
      if (pod === undefined) return Promise.reject(new ImpoundError('not-found', 'no such pod'))
      return Promise.resolve(
        answer({
          metadata: { uid: pod.uid, ...(pod.isGoing ? { deletionTimestamp: '2026-11-22T03:00:33Z' } : {}) },
          status: { containerStatuses: [{ state: pod.hasEnded ? { terminated: {} } : { running: {} } }] },
        }),
      )
    },
  } as unknown as KubeReader
  const writer = {
    delete: (_path: unknown, options: DeleteOptions) => {
      deletes.push({ ...options, atMs: now })
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
  const remover = { kube, writer, clock, signal: new AbortController().signal }
  return { remover, deletes, elapsed: () => now }
}

const alive: Pod = { uid: 'u-1', isGoing: false, hasEnded: false }
const going: Pod = { ...alive, isGoing: true }

describe('the removal of a node pod', () => {
  it('asks once where the kubelet does its work', async () => {
    const { remover, deletes } = cluster((now, { length }) =>
      length === 0 ? alive : now < 3000 ? going : { ...going, hasEnded: true },
    )
    await expect(remove(DOOMED, remover)).resolves.toBe('ended')
    expect(deletes).toMatchObject([{ step: 'delete', uid: 'u-1' }])
    expect(deletes[0]).not.toHaveProperty('graceSeconds')
  })

  it('asks again with less grace where the kubelet missed the container’s end, since only a change makes it look', async () => {
    const { remover, deletes, elapsed } = cluster((_, { length }) =>
      length === 0 ? alive : length === 1 ? going : undefined,
    )
    await expect(remove(DOOMED, remover)).resolves.toBe('checked')
    expect(deletes).toMatchObject([
      { step: 'delete', atMs: 0 },
      { step: 'delete-again', uid: 'u-1', graceSeconds: 2 },
    ])
    expect(elapsed()).toBeLessThan(11_000)
  })

  it('never asks for no grace, which would take the pod out of the API with its processes running', async () => {
    const { remover, deletes } = cluster((_, { length }) => (length === 0 ? alive : going))
    await expect(remove(DOOMED, remover)).rejects.toMatchObject({ code: 'timeout' })
    expect(deletes.map(({ graceSeconds }) => graceSeconds)).toEqual([undefined, 2, 1])
  })

  it('leaves alone what bears its name by then', async () => {
    const { remover, deletes } = cluster((now) => (now < 2000 ? going : { ...alive, uid: 'u-2' }))
    await expect(remove(DOOMED, remover)).resolves.toBe('checked')
    expect(deletes).toEqual([])
  })
})
