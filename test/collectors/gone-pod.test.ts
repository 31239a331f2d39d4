import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { createGonePodCollector } from '../../src/collectors/gone-pod.js'
import { readScripts } from '../../src/engine/system.js'
import type { LogsDocument } from '../../src/model/documents.js'
import type { MountsDocument } from '../../src/model/mounts-document.js'
import { clusterContext } from './fake-cluster.js'
import { localNode } from './local-node.js'
import { MemorySink } from './memory-sink.js'

const collector = createGonePodCollector(await readScripts())
const UID = '1f3a9c02-5b7e-4c1d-9a60-7e2b8d4f1c35'
const TARGET = { namespace: 'shop', name: 'gone-pod', uid: UID, pod: { spec: { nodeName: 'n' } } }
const EVENTS = {
  '/api/v1/events': {
    pages: [
      [
        {
          metadata: { uid: 'e' },
          involvedObject: { kind: 'Pod', name: 'web' },
          reason: 'Killing',
          lastTimestamp: '2026-11-27T02:00:00Z',
        },
      ],
    ],
  },
}

let host: string

beforeEach(() => {
  host = mkdtempSync(join(tmpdir(), 'impound-gone-'))
})

afterEach(() => rmSync(host, { recursive: true, force: true }))

async function collect(allow: readonly 'node'[] = ['node']): Promise<MemorySink> {
  const sink = new MemorySink()
  const context = clusterContext(sink, EVENTS)
  await collector.collect(
    {
      ...context,
      nodePods: localNode({ host }),
      options: { ...context.options, allow: new Set(allow), maxLogBytes: 1 << 20 },
    },
    TARGET,
    sink,
  )
  return sink
}

describe('a pod that is gone', () => {
  it('has its log files, its emptyDirs and its events, as far as they are left', async () => {
    const logs = join(host, `var/log/pods/shop_web_${UID}/app`)
    const cache = join(host, `var/lib/kubelet/pods/${UID}/volumes/kubernetes.io~empty-dir/cache`)
    for (const folder of [logs, cache]) mkdirSync(folder, { recursive: true })
    writeFileSync(join(logs, '1.log'), '2026-11-27T01:59:59Z stdout F bye\n')
    writeFileSync(join(cache, 'payload'), 'x', { mode: 0o755 })
    const sink = await collect()
    const { files, gaps } = sink.json('logs.json') as LogsDocument
    expect(files.map(({ name, kept }) => [name, kept])).toEqual([['app/1.log', 'whole']])
    expect(gaps).toEqual([expect.objectContaining({ kind: 'runs-gone', runs: [0, 0] })])
    const { taken } = sink.json('mounts.json') as MountsDocument
    expect(taken[0]).toMatchObject({ files: 1, executables: 1, complete: true })
    expect(sink.lines('events.jsonl')).toEqual([expect.objectContaining({ reason: 'Killing', about: 'pod' })])
  })

  it('of which nothing is left on the node says so, and has its events', async () => {
    const sink = await collect()
    expect(sink.row('logs on the node')).toMatchObject({ status: 'failed', reason: 'target-gone' })
    expect(sink.rows.find(({ subject }) => subject.startsWith('mount pod'))).toMatchObject({
      reason: 'target-gone',
    })
    expect(sink.row('events')).toMatchObject({ status: 'collected' })
  })

  it('of which an empty log directory is left has no logs', async () => {
    mkdirSync(join(host, `var/log/pods/shop_web_${UID}/app`), { recursive: true })
    const sink = await collect()
    expect(sink.row('logs on the node')).toMatchObject({ status: 'failed', reason: 'target-gone' })
    expect(sink.files.has('logs.json')).toBe(false)
  })

  it('is told with what can no longer be had', async () => {
    const sink = await collect()
    for (const subject of ['pod object', 'processes, sockets and memory']) {
      expect(sink.row(subject)).toMatchObject({ status: 'skipped', reason: 'target-gone' })
    }
    expect(sink.row('writable layers of its containers')).toMatchObject({ reason: 'unsupported' })
  })

  it('starts nothing on the node that nobody allowed', async () => {
    const sink = await collect([])
    expect(sink.row('log files and emptyDirs')).toMatchObject({ status: 'skipped', reason: 'not-allowed' })
    expect([...sink.files.keys()]).toEqual(['events.jsonl'])
  })
})
