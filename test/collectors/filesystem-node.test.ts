import { tmpdir } from 'node:os'

import { afterAll, describe, expect, it } from '@jest/globals'

import { createFilesystemCollector } from '../../src/collectors/filesystem.js'
import type { CollectOptions } from '../../src/model/collector.js'
import type { DiffEntry, FilesystemSummary } from '../../src/model/filesystem-documents.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { NodePods, NodeSession } from '../../src/model/ports/node-pod.js'
import type { Exec } from '../../src/model/ports/streams.js'
import type { Target } from '../../src/model/target.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { sending } from '../filesystem/fake-exec.js'
import { tarOf, unpacked } from '../filesystem/tars.js'
import {
  CONTAINER,
  hasOverlay,
  nodeWith,
  removeOverlays,
  UPPERDIR_SCRIPT,
} from '../filesystem/upper/overlay.js'
import { collectContext, LINUX_NODE, targetOf } from './collect-context.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

afterAll(removeOverlays)

const collector = createFilesystemCollector(
  { captureFilesystem: 'the script', ephemeralFilesystem: 'a third', upperdir: UPPERDIR_SCRIPT },
  tmpdir(),
)
/** No registry may be asked: there is no image to compare with. */
const registry = createRegistry({ policy: parseRegistryPolicy([]), timeoutMs: 1000, notice: () => undefined })

function suspect(containerID = `containerd://${CONTAINER}`): Target {
  const target = targetOf({ name: 'app', image: 'web:1', imageID: '' })
  const [status] = target.pod.status?.containerStatuses ?? []
  return {
    ...target,
    pod: { ...target.pod, status: { containerStatuses: [{ ...status, name: 'app', containerID }] } },
  }
}

interface Given {
  readonly session?: NodeSession
  readonly refusal?: ImpoundError
  readonly exec?: Exec
  readonly allow?: CollectOptions['allow']
  readonly target?: Target
}

async function collect(given: Given): Promise<MemorySink> {
  const sink = new MemorySink()
  const { session, refusal = new ImpoundError('target-refused', 'admission said no') } = given
  const nodePods: NodePods = {
    on: () => (session === undefined ? Promise.reject(refusal) : Promise.resolve(session)),
  }
  const context = collectContext({
    sink,
    registry,
    node: LINUX_NODE,
    nodePods,
    ...(given.exec === undefined ? {} : { exec: given.exec }),
    options: { allow: given.allow ?? new Set(['node']) },
  })
  await collector.collect(context, given.target ?? suspect(), sink)
  return sink
}

const onOverlay = hasOverlay ? describe : describe.skip

onOverlay('a container read on its node', () => {
  it('has all four documents, each as its schema says', async () => {
    const session = nodeWith({
      image: 'mkdir etc; echo one >etc/one; echo two >etc/two',
      life: 'echo evil >etc/one; rm etc/two; echo x >.wh.x; ln -s / link; echo "0123456789" >ten',
    })
    const sink = await collect({ session })
    expect(sink.rows.map(({ subject, status }) => `${subject} ${status}`)).toEqual([
      'filesystem app baseline failed',
      'filesystem app content collected',
      'filesystem app collected',
    ])
    const entries = sink.lines('filesystem/app/diff.jsonl') as DiffEntry[]
    expect(entries.flatMap((entry) => objections('diff-entry.v1', entry))).toEqual([])
    expect(entries.map(({ change, path }) => `${change} ${path}`)).toEqual([
      'added /.wh.x',
      'modified /etc/one',
      'deleted /etc/two',
      'added /link',
      'added /ten',
    ])
    const summary = sink.json('filesystem/app/summary.json') as FilesystemSummary
    expect(objections('filesystem-summary.v1', summary)).toEqual([])
    expect(summary).toMatchObject({
      method: 'node',
      trust: 'node-kernel',
      baseline: { source: 'node-lower', verified: false },
      capture: { complete: true },
      counts: { added: 3, modified: 1, deleted: 1 },
      node: { name: 'n', pod: 'impound/impound-node', sameAsImage: 0 },
    })
    expect(sink.records.get('filesystem/app/diff.jsonl')?.source.trust).toBe('node-kernel')
    const kept = await unpacked(sink.files.get('filesystem/app/changed.tar') ?? Buffer.alloc(0))
    expect(kept.map(({ header }) => header.path.toString())).toEqual(['.wh.x', 'etc/one', 'link', 'ten'])
    const ten = entries.find(({ path }) => path === '/ten')?.after
    expect(sink.text('filesystem/app/bodyfile')).toMatch(
      new RegExp(`^0\\|/ten\\|${ten?.ino ?? 'none'}\\|r/rrw-r--r--\\|0\\|0\\|11\\|`, 'm'),
    )
  })

  it('is listed where there is nothing at all to compare with', async () => {
    const session = nodeWith({
      image: 'echo one >one',
      life: 'echo evil >one; echo x >two',
      mountinfo: 'sub(/lowerdir=/, "lowerdir=/nowhere");',
    })
    const sink = await collect({ session })
    const summary = sink.json('filesystem/app/summary.json') as FilesystemSummary
    expect(summary.baseline).toEqual({ source: 'none', verified: false, entries: 0 })
    expect(summary.degraded.join('\n')).toContain('the layers on the node could not be had either')
    const listing = sink.lines('filesystem/app/listing.jsonl') as { path: string }[]
    expect(listing.flatMap((entry) => objections('listing-entry.v1', entry))).toEqual([])
    expect(listing.map(({ path }) => path)).toEqual(['/', '/one', '/two'])
    expect(sink.files.has('filesystem/app/diff.jsonl')).toBe(false)
  })

  it('fails where the node has no such container, and leaves nothing behind', async () => {
    const target = suspect(`containerd://${'0'.repeat(64)}`)
    const sink = await collect({ session: nodeWith({}), target })
    expect(sink.row('filesystem app')).toMatchObject({ status: 'failed', reason: 'target-gone' })
    expect([...sink.files.keys()]).toEqual([])
  })

  it('is read from within where its root is no overlay, if that was allowed', async () => {
    const session = nodeWith({ mountinfo: 'sub(/ - overlay /, " - zfs ");' })
    const exec = sending(await tarOf([{ name: 'etc/' }]))
    const refused = await collect({ session, exec })
    expect(refused.row('filesystem app')).toMatchObject({ status: 'failed', reason: 'unsupported' })
    const sink = await collect({ session, exec, allow: new Set(['node', 'exec']) })
    expect(sink.json('filesystem/app/summary.json')).toMatchObject({
      method: 'exec',
      passedOver: [{ method: 'node', why: expect.stringContaining('zfs, not an overlay') }],
    })
  })
})

describe('the ladder', () => {
  it('goes down to exec where the node is refused, and says why', async () => {
    const exec = sending(await tarOf([{ name: 'etc/' }]))
    const sink = await collect({ exec, allow: new Set(['node', 'exec']) })
    const summary = sink.json('filesystem/app/summary.json')
    expect(objections('filesystem-summary.v1', summary)).toEqual([])
    expect(summary).toMatchObject({
      method: 'exec',
      passedOver: [{ method: 'node', why: 'admission said no' }],
    })
  })

  it('never goes down to what was not allowed', async () => {
    const sink = await collect({ exec: sending(await tarOf([])) })
    expect(sink.row('filesystem app')).toMatchObject({ status: 'failed', reason: 'target-refused' })
    expect([...sink.files.keys()]).toEqual([])
  })

  it('asks no node for a container that the status does not name', async () => {
    const sink = await collect({ target: suspect('') })
    expect(sink.row('filesystem app')).toMatchObject({ status: 'failed', reason: 'unsupported' })
  })
})
