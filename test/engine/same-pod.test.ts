import { Writable } from 'node:stream'

import { describe, expect, it } from '@jest/globals'

import { onlyOf } from '../../src/engine/same-pod.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { KubeReader } from '../../src/model/ports/kube-reader.js'
import type { Target } from '../../src/model/target.js'

const TARGET: Target = { namespace: 'shop', name: 'db-0', uid: 'old', pod: {} }
const WHERE = { namespace: 'shop', pod: 'db-0', container: 'app' }

/** Streams of a pod whose UID, at each look, is the next of the list; undefined is gone. */
function streams(...uids: readonly (string | undefined)[]) {
  const queue = [...uids]
  const begun: string[] = []
  const kube = {
    get: () => {
      const uid = queue.shift()
      if (uid === undefined) return Promise.reject(new ImpoundError('not-found', 'gone'))
      return Promise.resolve({ body: Buffer.from(JSON.stringify({ metadata: { uid } })) })
    },
  } as unknown as KubeReader
  const exec = {
    exec: () => {
      begun.push('exec')
      return Promise.resolve({ exitCode: 0, stdoutBytes: 0, stderrBytes: 0 })
    },
  }
  const logs = {
    log: () => {
      begun.push('log')
      return Promise.resolve({ bytes: 0, request: '', auditId: '', backendUnverified: false })
    },
  }
  const options = { signal: new AbortController().signal, stallTimeoutMs: 1, maxBytes: 1 }
  const sink = new Writable()
  const guarded = onlyOf(TARGET, { exec, logs }, kube)
  return {
    begun,
    exec: () => guarded.exec.exec(WHERE, ['true'], { stdout: sink, stderr: sink }, options),
    log: () => guarded.logs.log({ ...WHERE, previous: false }, sink, options),
  }
}

describe.each(['exec', 'log'] as const)('a stream (%s) of the target', (kind) => {
  it('goes on where the pod is the same before and after', async () => {
    await expect(streams('old', 'old')[kind]()).resolves.toBeDefined()
  })

  it.each([['another'], [undefined]])(
    'is not begun where the name is another pod’s, or nobody’s (%s)',
    async (uid) => {
      const world = streams(uid)
      await expect(world[kind]()).rejects.toMatchObject({ code: 'target-changed' })
      expect(world.begun).toEqual([])
    },
  )

  it('is not believed where the pod changed meanwhile', async () => {
    const world = streams('old', 'another')
    await expect(world[kind]()).rejects.toMatchObject({ code: 'target-changed' })
    expect(world.begun).toEqual([kind])
  })
})
