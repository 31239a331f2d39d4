import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { createGonePodCollector } from '../../src/collectors/gone-pod.js'
import { readScripts } from '../../src/engine/system.js'
import type { FilesystemSummary } from '../../src/model/filesystem-documents.js'
import type { LogsDocument } from '../../src/model/log-documents.js'
import type { MountsDocument } from '../../src/model/mounts-document.js'
import { containerdFiles } from './dead/containerd-files.js'
import { clusterContext } from './fake-cluster.js'
import { localNode } from './local-node.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

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
      nodePods: localNode({ host, env: { IMPOUND_PROC: join(host, 'proc') } }),
      options: { ...context.options, allow: new Set(allow), maxLogBytes: 1 << 20 },
    },
    TARGET,
    sink,
  )
  return sink
}

function kubelet(proc: string, cmdline: string): void {
  mkdirSync(join(proc, '700'), { recursive: true })
  writeFileSync(join(proc, '700/comm'), 'kubelet\n')
  writeFileSync(join(proc, '700/cmdline'), cmdline)
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

  it.each([
    [
      'what the kubelet mounted for others tells',
      (proc: string) => {
        mkdirSync(join(proc, '1'), { recursive: true })
        writeFileSync(
          join(proc, '1/mountinfo'),
          '51 1 0:52 / /data/kube/pods/77777777-0000-4000-8000-000000000000/volumes/kubernetes.io~projected/token rw - tmpfs tmpfs rw\n',
        )
      },
    ],
    [
      'the kubelet’s flag tells, after =',
      (proc: string) => kubelet(proc, '/usr/bin/kubelet\0--root-dir=/data/kube\0--v=2\0'),
    ],
    [
      'the kubelet’s flag tells',
      (proc: string) => kubelet(proc, '/usr/bin/kubelet\0--root-dir\0/data/kube\0'),
    ],
  ])('has its emptyDirs below another root of the kubelet where %s', async (_, tell) => {
    const cache = join(host, `data/kube/pods/${UID}/volumes/kubernetes.io~empty-dir/cache`)
    mkdirSync(cache, { recursive: true })
    writeFileSync(join(cache, 'payload'), 'x', { mode: 0o755 })
    tell(join(host, 'proc'))
    const { taken } = (await collect()).json('mounts.json') as MountsDocument
    expect(taken[0]).toMatchObject({ files: 1, executables: 1, complete: true })
  })

  it('has none where a process of a container calls itself the kubelet', async () => {
    const cache = join(host, `data/kube/pods/${UID}/volumes/kubernetes.io~empty-dir/cache`)
    mkdirSync(cache, { recursive: true })
    const proc = join(host, 'proc')
    kubelet(proc, '/usr/bin/kubelet\0--root-dir=/data/kube\0')
    for (const [pid, space] of [
      ['1', 'mnt:[1]'],
      ['700', 'mnt:[2]'],
    ] as const) {
      mkdirSync(join(proc, pid, 'ns'), { recursive: true })
      symlinkSync(space, join(proc, pid, 'ns/mnt'))
    }
    const sink = await collect()
    expect(sink.rows.find(({ subject }) => subject.startsWith('mount pod'))).toMatchObject({
      reason: 'target-gone',
    })
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
    expect(sink.row('writable layers of its containers')).toMatchObject({
      reason: 'target-gone',
      detail: expect.stringContaining('no records of a runtime'),
    })
  })

  it('has what its ended container wrote, found by containerd’s records', async () => {
    const root = join(host, 'var/lib/containerd')
    const put = (path: string, content: string | Buffer, mode = 0o644): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content, { mode })
    }
    const { meta, snapshots } = containerdFiles(UID)
    put('io.containerd.metadata.v1.bolt/meta.db', meta)
    put('io.containerd.snapshotter.v1.overlayfs/metadata.db', snapshots)
    put('io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs/tmp/x', 'payload', 0o755)
    put('io.containerd.snapshotter.v1.overlayfs/snapshots/300/fs/etc/kept', 'of the image')
    const sink = await collect()
    // where a test may not mount, the layers can't be put together, and files are listed
    const [listing, tar] = sink.files.has('filesystem/app/diff.jsonl')
      ? ['diff.jsonl', 'changed.tar']
      : ['listing.jsonl', 'recent.tar']
    expect(sink.text(`filesystem/app/${listing}`)).toContain('"/tmp/x"')
    expect(sink.text(`filesystem/app/${tar}`)).toContain('payload')
    const summary = sink.json('filesystem/app/summary.json') as FilesystemSummary
    expect(objections('filesystem-summary.v1', summary)).toEqual([])
    expect(summary.node?.upperdir).toBe(
      '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs',
    )
    expect(summary.degraded).toContainEqual(expect.stringContaining('found by the records of its runtime'))
    expect(sink.row('filesystem web-2')).toMatchObject({ status: 'failed', reason: 'unsupported' })
  })

  it('whose runtime’s records are damaged says so', async () => {
    const folder = join(host, 'var/lib/containerd/io.containerd.metadata.v1.bolt')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'meta.db'), Buffer.alloc(8192, 1))
    const sink = await collect()
    expect(sink.row('writable layers of its containers')).toMatchObject({ status: 'failed' })
    expect(sink.row('events')).toMatchObject({ status: 'collected' })
  })

  it('starts nothing on the node that nobody allowed', async () => {
    const sink = await collect([])
    expect(sink.row('log files and emptyDirs')).toMatchObject({ status: 'skipped', reason: 'not-allowed' })
    expect([...sink.files.keys()]).toEqual(['events.jsonl'])
  })
})
