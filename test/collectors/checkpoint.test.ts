import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { createCheckpointCollector } from '../../src/collectors/checkpoint.js'
import { readScripts } from '../../src/engine/system.js'
import { tarArchive } from '../../src/lab/shop/files/tar-writer.js'
import { checkpointArchive } from '../../src/lab/node/checkpoint/archive.js'
import { seedShop } from '../../src/lab/shop/shop.js'
import type { WriteIntent, WriteOutcome } from '../../src/model/acquisition.js'
import type { CheckpointDocument } from '../../src/model/checkpoint-document.js'
import type { CollectOptions } from '../../src/model/collector.js'
import type { Registry } from '../../src/model/ports/registry.js'
import type { Target } from '../../src/model/target.js'
import { collectContext, targetOf } from './collect-context.js'
import { CONTAINER_ID, procWith } from './container-on-node.js'
import { localNode } from './local-node.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const REAL = resolve(import.meta.dirname, '../fixtures/criu-4.2')
const collector = createCheckpointCollector((await readScripts()).checkpoint)
const seed = seedShop({ now: new Date('2026-11-22T03:00:00Z') })
const object = seed.objects.find(({ metadata }) => (metadata as { uid?: string }).uid === seed.suspect.uid)!
const found = seed.runtime.container(object, 'app')!
const ARCHIVE = checkpointArchive(
  {
    pod: object,
    name: 'app',
    id: CONTAINER_ID,
    running: true,
    inside: found.inside!,
    log: (previous) => found.log(previous),
  },
  new Date('2026-11-22T03:00:33Z'),
)!
/** What random bytes are in these tests. */
const NAME = `impound-${'0'.repeat(16)}.tar`

const CRICTL = `#!/bin/sh
for word; do case $word in --export=*) file=$IMPOUND_HOST\${word#--export=} ;; esac; done
case $MODE in
  refuse) echo "$WORDS" >&2; exit 1 ;;
  slow) echo half >"$file"; : >"$HOME_OF_TEST/began"; exec sleep 30 ;;
  *) cat "$HOME_OF_TEST/archive.tar" >"$file" ;;
esac
`
const DF = '#!/bin/sh\necho head\necho "disk 100000000 1000 ${FREE_KIB:-90000000} 1% /"\n'

let home: string
let host: string
let checkpoints: string
let socket: Server

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'impound-ckpt-'))
  host = join(home, 'host')
  checkpoints = join(host, 'var/lib/kubelet/checkpoints')
  for (const folder of ['host/upper', 'host/run/containerd', 'bin', 'proc/1'])
    mkdirSync(join(home, folder), { recursive: true })
  mkdirSync(checkpoints, { recursive: true })
  symlinkSync(host, join(home, 'proc/1/root'))
  procWith(join(home, 'proc'), host, [
    '36 35 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/upper,workdir=/w',
  ])
  writeFileSync(join(home, 'archive.tar'), ARCHIVE)
  for (const [name, text] of [
    ['crictl', CRICTL],
    ['df', DF],
  ] as const) {
    writeFileSync(join(home, 'bin', name), text)
    chmodSync(join(home, 'bin', name), 0o755)
  }
  socket = createServer()
  await new Promise<void>((resolve) => socket.listen(join(host, 'run/containerd/containerd.sock'), resolve))
})

afterEach(async () => {
  await new Promise((resolve) => socket.close(resolve))
  rmSync(home, { recursive: true, force: true })
})

interface Given {
  readonly env?: Readonly<Record<string, string>>
  readonly options?: Partial<CollectOptions>
  readonly target?: Target
  readonly signal?: AbortSignal
}

function suspect(annotations: Record<string, string> = {}): Target {
  const base = targetOf({ name: 'app', image: 'x', imageID: 'y' })
  const status = base.pod.status!.containerStatuses![0]!
  return {
    ...base,
    pod: {
      ...base.pod,
      metadata: { ...base.pod.metadata, annotations },
      status: { containerStatuses: [{ ...status, containerID: `containerd://${CONTAINER_ID}` }] },
    },
  }
}

async function collect(given: Given = {}) {
  const sink = new MemorySink()
  const intents: WriteIntent[] = []
  const outcomes: WriteOutcome[] = []
  const nodePods = localNode({
    host,
    env: {
      IMPOUND_PROC: join(home, 'proc'),
      PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`,
      HOME_OF_TEST: home,
      ...given.env,
    },
  })
  const context = collectContext({
    sink,
    nodePods,
    journal: {
      intent: (intent) => Promise.resolve(void intents.push(intent)),
      result: (outcome) => Promise.resolve(void outcomes.push(outcome)),
    },
    registry: undefined as unknown as Registry,
    options: { allow: new Set(['node']), ...given.options },
    ...(given.signal === undefined ? {} : { signal: given.signal }),
  })
  const failure: unknown = await collector
    .collect(context, given.target ?? suspect(), sink)
    .catch((error: unknown) => error)
  return { sink, intents, outcomes, failure, ran: nodePods.ran.map(({ args }) => args[0]) }
}

describe('a checkpoint', () => {
  it('is kept byte for byte, read, and gone from the node, which the journal tells', async () => {
    const { sink, intents, outcomes, failure } = await collect()
    expect(failure).toBeUndefined()
    expect(sink.files.get('checkpoint/app/checkpoint.tar')?.equals(ARCHIVE)).toBe(true)
    expect(readdirSync(checkpoints)).toEqual([])
    const document = sink.json('checkpoint/app/checkpoint.json') as CheckpointDocument
    expect(objections('checkpoint.v1', document)).toEqual([])
    expect(document).toMatchObject({
      derivedFrom: ['data/targets/t/checkpoint/app/checkpoint.tar'],
      made: { runtime: 'runc', at: '2026-11-22T03:00:33.000Z' },
      frozenUs: 41_377,
      notRead: [],
      rootfs: { whole: true },
    })
    expect(intents).toMatchObject([
      { action: 'checkpoint', step: 'make', body: { file: `/var/lib/kubelet/checkpoints/${NAME}` } },
    ])
    expect(outcomes).toEqual([{ id: intents[0]?.id, status: 101 }])
    expect(sink.rows.map(({ subject, status }) => `${subject} ${status}`)).toEqual([
      'checkpoint app rootfs-diff collected',
      'checkpoint app collected',
      'checkpoint app parts collected',
    ])
  })

  it('has its processes with names and programs, and its sockets with who holds them', async () => {
    const { processes, sockets } = (await collect()).sink.json(
      'checkpoint/app/checkpoint.json',
    ) as CheckpointDocument
    expect(processes.find(({ pid }) => pid === 47)).toEqual({
      pid: 47,
      ppid: 41,
      pgid: 47,
      sid: 1,
      threads: 1,
      state: 'alive',
      comm: 'kworker/u8:2',
      uid: 0,
      gid: 0,
      exe: '/tmp/.x/kworker',
      openFiles: 2,
    })
    expect(sockets.find(({ state }) => state === 'established')).toMatchObject({
      protocol: 'tcp',
      remote: { address: '203.0.113.7' },
      holders: [{ pid: 47 }],
    })
  })

  it('has what was written into the root, with hashes, and what was deleted from it', async () => {
    const { sink } = await collect()
    const lines = sink.lines('checkpoint/app/rootfs-diff.jsonl') as { path: string; sha256?: string }[]
    for (const line of lines) expect(objections('checkpoint-file.v1', line)).toEqual([])
    expect(lines.find(({ path }) => path === '/tmp/.x/kworker')?.sha256).toMatch(/^[0-9a-f]{64}$/)
    const document = sink.json('checkpoint/app/checkpoint.json') as CheckpointDocument
    expect(document.rootfs?.entries).toBe(lines.length)
    expect(document.deletedFiles?.length).toBeGreaterThan(0)
  })

  it('of a real CRIU, in an archive, is joined the same way', async () => {
    const mtime = 0
    const members = readdirSync(REAL).map((name) => ({
      name: name === 'stats-dump' ? name : `checkpoint/${name}`,
      node: {
        kind: 'file',
        content: readFileSync(join(REAL, name)),
        mode: 0o600,
        uid: 0,
        gid: 0,
        mtime,
      } as const,
    }))
    writeFileSync(join(home, 'archive.tar'), Buffer.concat([...tarArchive(members, 'pax')]))
    const { sink } = await collect()
    const document = sink.json('checkpoint/app/checkpoint.json') as CheckpointDocument
    expect(objections('checkpoint.v1', document)).toEqual([])
    const [parent, child] = document.processes
    expect(document).toMatchObject({ made: {}, notRead: [], frozenUs: expect.any(Number) })
    expect(parent).toMatchObject({ comm: 'server', exe: '/srv/suspect/server', uid: 0, state: 'alive' })
    expect(child).toMatchObject({ ppid: parent?.pid, comm: 'kworker/0:1 ) x', exe: '/srv/suspect/server' })
    const listening = document.sockets.find(({ local, state }) => local.port === 4555 && state === 'listen')
    expect(listening?.holders.map(({ pid }) => pid)).toEqual([parent?.pid, child?.pid])
    expect(document).not.toHaveProperty('rootfs')
  })

  it('is kept as far as it may be where it is larger than was foreseen, and said to be cut', async () => {
    const { sink } = await collect({ options: { maxCheckpointBytes: 20_000 } })
    expect(sink.row('checkpoint app')).toMatchObject({ status: 'partial', reason: 'too-big', bytes: 20_000 })
    const document = sink.json('checkpoint/app/checkpoint.json') as CheckpointDocument
    expect(document.notRead).toContainEqual(expect.objectContaining({ part: 'the archive', reason: 'cut' }))
    expect(readdirSync(checkpoints)).toEqual([])
  })

  it('is kept to its end where it is no tar at all', async () => {
    writeFileSync(join(home, 'archive.tar'), Buffer.alloc(100_000, 'no tar '))
    const { sink } = await collect()
    expect(sink.row('checkpoint app')).toMatchObject({ status: 'collected', bytes: 100_000 })
    const document = sink.json('checkpoint/app/checkpoint.json') as CheckpointDocument
    expect(document).toMatchObject({ parts: [], processes: [], notRead: [{ part: 'the archive' }] })
  })
})

describe('a checkpoint is not begun', () => {
  const skipped = { status: 'skipped' }

  it('where the kubelet has no folder for one', async () => {
    rmSync(checkpoints, { recursive: true })
    const { sink, intents } = await collect()
    expect(sink.row('checkpoint app')).toMatchObject({
      ...skipped,
      reason: 'unsupported',
      detail: expect.stringMatching(/older than 1\.25/),
    })
    expect(intents).toEqual([])
  })

  it('where nothing can ask the runtime', async () => {
    rmSync(join(home, 'bin/crictl'))
    const { sink } = await collect()
    expect(sink.row('checkpoint app')).toMatchObject({
      ...skipped,
      reason: 'unsupported',
      detail: expect.stringMatching(/crictl/),
    })
  })

  it('where the writable layer has holes that it would fill', async () => {
    writeFileSync(join(host, 'upper/disk.img'), 'x')
    truncateSync(join(host, 'upper/disk.img'), 20 * 2 ** 30)
    const { sink, ran } = await collect({ options: { maxCheckpointBytes: 2 ** 40 } })
    expect(sink.row('checkpoint app')).toMatchObject({
      ...skipped,
      reason: 'too-big',
      detail: expect.stringMatching(/knows no holes/),
    })
    expect(ran).toEqual(['look'])
  })

  it('where it would be larger than it may be', async () => {
    writeFileSync(join(host, 'upper/big'), Buffer.alloc(200_000, 1))
    const { sink } = await collect({ options: { maxCheckpointBytes: 100_000 } })
    expect(sink.row('checkpoint app')).toMatchObject({
      ...skipped,
      reason: 'too-big',
      detail: expect.stringMatching(/--max-checkpoint/),
    })
  })

  it('where the node’s disk has too little room', async () => {
    const { sink } = await collect({ env: { FREE_KIB: '14000000' } })
    expect(sink.row('checkpoint app')).toMatchObject({
      ...skipped,
      reason: 'too-big',
      detail: expect.stringMatching(/too little/),
    })
  })

  it('where the pod is frozen', async () => {
    const { sink } = await collect({ target: suspect({ 'impound.dev/freeze': '{}' }) })
    expect(sink.row('checkpoint')).toMatchObject({ ...skipped, reason: 'unsupported' })
  })

  it('where the node may not be looked at', async () => {
    const { sink } = await collect({ options: { allow: new Set() } })
    expect(sink.row('checkpoint')).toMatchObject({ ...skipped, reason: 'not-allowed' })
  })
})

describe('a checkpoint that fails', () => {
  it.each([
    ['rpc error: code = Unimplemented desc = unknown method CheckpointContainer', 'unsupported'],
    ['No help topic for "checkpoint"', 'unsupported'],
    ['CRIU binary not found or too old', 'unsupported'],
    ['checkpoint failed: criu: can not dump a process that is traced', 'target-refused'],
  ])('says why, in the words of the runtime: %s', async (words, reason) => {
    const { sink, outcomes } = await collect({ env: { MODE: 'refuse', WORDS: words } })
    expect(sink.row('checkpoint app')).toMatchObject({ status: 'failed', reason })
    expect(sink.row('checkpoint app')?.detail).toContain(words)
    expect(outcomes[0]?.error).toContain(words)
    expect(readdirSync(checkpoints)).toEqual([])
  })

  it('leaves nothing on the node at Ctrl-C', async () => {
    const stop = new AbortController()
    const timer = setInterval(() => {
      if (existsSync(join(home, 'began'))) stop.abort()
    }, 20)
    const { failure, intents, outcomes, ran } = await collect({ env: { MODE: 'slow' }, signal: stop.signal })
    clearInterval(timer)
    expect(failure).toBeDefined()
    expect(ran).toEqual(['look', 'take', 'remove'])
    expect(readdirSync(checkpoints)).toEqual([])
    expect(intents.map(({ step }) => step)).toEqual(['make', 'remove'])
    expect(outcomes.map(({ status }) => status)).toEqual([undefined, 101])
  })

  it('removes what a killed run left, and nothing else that lies there', async () => {
    const left = `impound-${'ab'.repeat(8)}.tar`
    for (const name of [left, 'checkpoint-web_shop-app-2026.tar', 'impound-x.tar'])
      writeFileSync(join(checkpoints, name), 'x')
    const { intents } = await collect()
    expect(readdirSync(checkpoints).sort()).toEqual(['checkpoint-web_shop-app-2026.tar', 'impound-x.tar'])
    expect(intents.map(({ step }) => step)).toEqual(['remove', 'make'])
  })

  it('leaves alone what another run makes at that moment', async () => {
    const theirs = `impound-${'cd'.repeat(8)}.tar`
    writeFileSync(join(checkpoints, theirs), 'x')
    mkdirSync(join(home, 'proc/99'))
    writeFileSync(
      join(home, 'proc/99/cmdline'),
      `sh\0-c\0text\0impound-checkpoint\0take\0id\0${2 ** 32}\0name=${theirs}\0`,
    )
    await collect()
    expect(readdirSync(checkpoints)).toEqual([theirs])
  })

  it('says what may still lie on the node where it could not be removed', async () => {
    rmSync(join(home, 'proc/1/root'))
    mkdirSync(join(home, 'proc/1/root'))
    const { sink } = await collect()
    expect(sink.row('checkpoint app')).toMatchObject({ status: 'collected' })
    expect(sink.row('checkpoint app removal')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining(`MAY STILL BE ON NODE n: rm /var/lib/kubelet/checkpoints/${NAME}`),
    })
  })
})
