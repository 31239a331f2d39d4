import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { createWritableMountsCollector } from '../../src/collectors/writable-mounts.js'
import { readScripts } from '../../src/engine/system.js'
import type { CollectOptions } from '../../src/model/collector.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { MountsDocument } from '../../src/model/mounts-document.js'
import type { Exec } from '../../src/model/ports/streams.js'
import type { Registry } from '../../src/model/ports/registry.js'
import type { Target } from '../../src/model/target.js'
import { complaints } from '../containment/schemas.js'
import { complaints as complaintsOf } from '../schemas/schemas.js'
import { collectContext, targetOf } from './collect-context.js'
import { CONTAINER_ID, canMount, mountLine, procWith } from './container-on-node.js'
import { localNode, type LocalNodeParts } from './local-node.js'
import { MemorySink } from './memory-sink.js'

const collector = createWritableMountsCollector(await readScripts())
const probe = mkdtempSync(join(tmpdir(), 'impound-mount-'))
const MAY_MOUNT = canMount(join(probe, 'x'))
rmSync(probe, { recursive: true })
const ifRoot = MAY_MOUNT ? it : it.skip

let home: string
let host: string
let root: string
let cache: string
let mounted: string[]
let children: ChildProcess[]

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'impound-mounts-'))
  host = join(home, 'host')
  root = join(home, 'root')
  cache = join(host, 'var/lib/kubelet/pods/1f3a9c02/volumes/kubernetes.io~empty-dir/cache')
  mkdirSync(cache, { recursive: true })
  mkdirSync(join(root, 'cache'), { recursive: true })
  mounted = []
  children = []
})

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const at of mounted.reverse()) execFileSync('umount', ['-l', at])
  rmSync(home, { recursive: true, force: true })
})

function mountTmpfs(at: string): void {
  mkdirSync(at, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'impound-test', at])
  mounted.push(at)
}

function target(
  volumes: readonly object[],
  mounts: readonly { name: string; mountPath: string }[],
  running = true,
): Target {
  const base = targetOf({ name: 'app', image: 'x', imageID: 'y', running, volumeMounts: mounts })
  const status = base.pod.status!.containerStatuses![0]!
  return {
    ...base,
    pod: {
      ...base.pod,
      spec: { ...base.pod.spec, volumes } as Target['pod']['spec'],
      status: { containerStatuses: [{ ...status, containerID: `containerd://${CONTAINER_ID}` }] },
    } as Target['pod'],
  }
}

const WITH_CACHE = target([{ name: 'cache', emptyDir: {} }], [{ name: 'cache', mountPath: '/cache' }])

async function collect(
  of: Target,
  mounts: readonly string[],
  parts: Omit<LocalNodeParts, 'host'> & { readonly exec?: Exec } = {},
  options: Partial<CollectOptions> = {},
): Promise<{ readonly sink: MemorySink; readonly document: MountsDocument }> {
  const proc = join(home, 'proc')
  procWith(proc, root, mounts)
  const sink = new MemorySink()
  const context = collectContext({
    registry: {} as unknown as Registry,
    sink,
    nodePods: localNode({ host, env: { IMPOUND_PROC: proc }, ...parts }),
    ...(parts.exec === undefined ? {} : { exec: parts.exec }),
    options: { allow: new Set(['node']), ...options },
  })
  await collector.collect(context, of, sink)
  const document = sink.json('mounts.json') as MountsDocument
  expect(complaints('mounts', document)).toEqual([])
  for (const name of sink.files.keys()) {
    if (name.endsWith('listing.jsonl')) {
      for (const line of sink.lines(name)) expect(complaintsOf('impound/listing-entry/v1', line)).toEqual([])
    }
  }
  return { sink, document }
}

type Line = {
  path: string
  content?: string
  facts: { type: string; size: number; allocated?: number; link?: string; sha256?: string }
}

function listing(sink: MemorySink): ReadonlyMap<string, Line> {
  return new Map((sink.lines('mounts/app/cache/listing.jsonl') as Line[]).map((line) => [line.path, line]))
}

function membersOf(sink: MemorySink, name = 'mounts/app/cache/content.tar'): readonly string[] {
  return execFileSync('tar', ['-tf', '-', '--quoting-style=literal'], { input: sink.files.get(name) })
    .toString()
    .split('\n')
    .filter((line) => line !== '')
}

describe('what lies in an emptyDir', () => {
  it('is kept with its content, hashed and listed, from the kubelet’s own directory', async () => {
    mkdirSync(join(cache, 'd'))
    writeFileSync(join(cache, 'd/payload'), '#!/bin/sh\nid\n', { mode: 0o755 })
    writeFileSync(join(cache, 'note'), 'x')
    const { sink, document } = await collect(WITH_CACHE, [])
    expect([...listing(sink)].map(([path, { content }]) => [path, content])).toEqual([
      ['/', undefined],
      ['/d', undefined],
      ['/d/payload', 'kept'],
      ['/note', 'kept'],
    ])
    expect(listing(sink).get('/note')!.facts.sha256).toMatch(/^2d711642b726/)
    // executables come first
    expect(membersOf(sink)).toEqual(['d/payload', 'note'])
    expect(document.taken).toEqual([
      expect.objectContaining({
        container: 'app',
        point: '/cache',
        volume: 'cache',
        mode: 'content',
        trust: 'node-kernel',
        files: 2,
        executables: 1,
        complete: true,
        kept: { files: 2, bytes: 14 },
      }),
    ])
    expect(document.taken[0]!.notable.map(({ path }) => path)).toEqual(['/d/payload', '/note'])
    expect(sink.text('mounts/app/cache/bodyfile')).toContain('0|/d/payload|')
  })

  it('is there also where no container runs any more', async () => {
    writeFileSync(join(cache, 'note'), 'x')
    const stopped = target([{ name: 'cache', emptyDir: {} }], [{ name: 'cache', mountPath: '/cache' }], false)
    const { document } = await collect(stopped, [])
    expect(document.taken).toEqual([expect.objectContaining({ files: 1, complete: true })])
  })

  it('costs what is on the disk: 20 GB of holes cost nothing, and both sizes are told', async () => {
    writeFileSync(join(cache, 'holes'), 'begin')
    truncateSync(join(cache, 'holes'), 20 * 2 ** 30)
    const { sink, document } = await collect(WITH_CACHE, [], {}, { maxContentBytes: 1 << 20 })
    const { size, allocated } = listing(sink).get('/holes')!.facts
    expect([size, allocated! < 1 << 20, listing(sink).get('/holes')!.content]).toEqual([
      20 * 2 ** 30,
      true,
      'kept',
    ])
    expect(document.taken[0]).toMatchObject({ bytes: 20 * 2 ** 30, complete: true })
    expect(sink.files.get('mounts/app/cache/content.tar')!.length).toBeLessThan(1 << 20)
  })

  it('is bounded: executables and the newest are kept, the others are listed', async () => {
    const big = Buffer.alloc(300 << 10, 'x')
    for (const [name, time, mode] of [
      ['old', 1_000, 0o644],
      ['new', 3_000, 0o644],
      ['run', 2_000, 0o755],
    ] as const) {
      writeFileSync(join(cache, name), big, { mode })
      utimesSync(join(cache, name), time, time)
      await new Promise((resolve) => setTimeout(resolve, 20)) // ctime decides, and nobody can set it
    }
    const { sink, document } = await collect(WITH_CACHE, [], {}, { maxContentBytes: 700 << 10 })
    const contents = [...listing(sink)].map(([path, { content }]) => [path, content])
    expect(contents).toEqual([
      ['/', undefined],
      ['/new', 'kept'],
      ['/old', 'too-big'],
      ['/run', 'kept'],
    ])
    expect(document.taken[0]).toMatchObject({ complete: false, kept: { files: 2 } })
    expect(sink.row('mount app /cache content')).toMatchObject({ status: 'partial', reason: 'too-big' })
  })

  it('is never opened where it is no regular file, nor followed where it is a symlink', async () => {
    execFileSync('mkfifo', [join(cache, 'pipe')])
    symlinkSync('/etc/passwd', join(cache, 'passwd'))
    writeFileSync(join(cache, 'one'), 'x')
    linkSync(join(cache, 'one'), join(cache, 'two'))
    const { sink, document } = await collect(WITH_CACHE, [])
    const seen = listing(sink)
    expect(seen.get('/pipe')!.facts.type).toBe('fifo')
    expect(seen.get('/passwd')!.facts).toMatchObject({ type: 'symlink', link: '/etc/passwd' })
    expect([seen.get('/one')!.content, seen.get('/two')!.content]).toEqual(['kept', 'kept'])
    expect(membersOf(sink)).not.toContain('pipe')
    expect(document.taken[0]!.complete).toBe(true)
  })

  it('may have any name', async () => {
    const names = ['$(touch pwned)', '-rf', 'a\nb', 'x y  z', '*']
    for (const name of names) writeFileSync(join(cache, name), name)
    const { sink } = await collect(WITH_CACHE, [])
    const seen = listing(sink)
    for (const name of names) expect(seen.get(`/${name}`)).toMatchObject({ content: 'kept' })
  })

  it('can be empty', async () => {
    const { document } = await collect(WITH_CACHE, [])
    expect(document.taken).toEqual([expect.objectContaining({ entries: 1, files: 0, complete: true })])
  })
})

describe('what a container has mounted beside its volumes', () => {
  ifRoot('is kept where it is memory: /dev/shm', async () => {
    const shm = join(root, 'dev/shm')
    mountTmpfs(shm)
    writeFileSync(join(shm, 'dropped'), 'payload', { mode: 0o755 })
    const { sink, document } = await collect(target([], []), [mountLine('/dev/shm', shm, 'tmpfs')])
    expect(document.taken).toEqual([
      expect.objectContaining({ point: '/dev/shm', type: 'tmpfs', files: 1, complete: true }),
    ])
    expect(membersOf(sink, 'mounts/app/dev_shm/content.tar')).toEqual(['dropped'])
  })

  ifRoot('is an index where it is a claim', async () => {
    const data = join(root, 'data')
    mountTmpfs(data)
    writeFileSync(join(data, 'customers'), 'names')
    const claimed = target(
      [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }],
      [{ name: 'data', mountPath: '/data' }],
    )
    const { sink, document } = await collect(claimed, [mountLine('/data', data, 'ext4')])
    expect(document.taken).toEqual([
      expect.objectContaining({ mode: 'index', files: 1, kept: { files: 0, bytes: 0 } }),
    ])
    expect([...sink.files.keys()].sort()).toEqual([
      'mounts.json',
      'mounts/app/data/bodyfile',
      'mounts/app/data/listing.jsonl',
    ])
    expect([...sink.files.values()].some((bytes) => bytes.includes('names'))).toBe(false)
  })

  ifRoot('is not taken for what was mounted where another filesystem is there by now', async () => {
    const shm = join(root, 'dev/shm')
    mountTmpfs(shm)
    const before = mountLine('/dev/shm', shm, 'tmpfs')
    mountTmpfs(shm)
    const { document } = await collect(target([], []), [before])
    expect(document.taken).toEqual([])
    expect(document.left).toEqual([
      expect.objectContaining({ point: '/dev/shm', why: expect.stringContaining('another filesystem') }),
    ])
  })

  it('that the kubelet fills, and that nobody can write to, is named and not read', async () => {
    const configured = target(
      [{ name: 'cert', secret: { secretName: 's' } }],
      [{ name: 'cert', mountPath: '/etc/cert' }],
    )
    const { sink, document } = await collect(configured, [
      mountLine('/etc/cert', root, 'tmpfs'),
      mountLine('/proc/acpi', root, 'tmpfs', 'ro'),
      mountLine('/etc/hosts', root, 'ext4'),
    ])
    expect(document.taken).toEqual([])
    expect(document.left).toEqual([expect.objectContaining({ volume: 'cert', reason: 'not-applicable' })])
    expect(sink.rows).toEqual([])
  })
})

describe('a filesystem that does not answer', () => {
  it.each(['fuse.sshfs', 'fuse', 'nfs4', 'autofs', 'ceph'])(
    'of type %s is left alone, with a row',
    async (type) => {
      const claimed = target(
        [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }],
        [{ name: 'data', mountPath: '/data' }],
      )
      const { sink, document } = await collect(claimed, [mountLine('/data', root, type)])
      expect(document).toMatchObject({ taken: [], left: [{ point: '/data', reason: 'unsupported' }] })
      expect(sink.row('mount app /data')).toMatchObject({ status: 'skipped', reason: 'unsupported' })
    },
  )

  it('below a place keeps us from that place', async () => {
    const { document } = await collect(target([], []), [
      mountLine('/dev/shm', root, 'tmpfs'),
      mountLine('/dev/shm/x', root, 'fuse.evil'),
    ])
    expect(document.left.map(({ point }) => point)).toEqual(['/dev/shm', '/dev/shm/x'])
    expect(document.taken).toEqual([])
  })

  it('that a container mounted below a volume is named, for no volume explains it', async () => {
    const volume = target([{ name: 'work', emptyDir: {} }], [{ name: 'work', mountPath: '/work' }])
    const { document } = await collect(volume, [
      mountLine('/work', root, 'ext4'),
      mountLine('/work/hang', root, 'fuse'),
    ])
    expect(document.left.map(({ point, type }) => [point, type])).toContainEqual(['/work/hang', 'fuse'])
  })

  ifRoot(
    'that nobody told us of is asked once, with a limit of time, and given up',
    async () => {
      const at = join(root, 'dev/shm')
      mkdirSync(at, { recursive: true })
      const line = mountLine('/dev/shm', at, 'tmpfs')
      // a FUSE filesystem without anybody behind it: every question to it waits
      const daemon = spawn(
        'sh',
        [
          '-c',
          `exec 3<>/dev/fuse && mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 hang "${at}" && echo up && exec sleep 60`,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      children.push(daemon)
      const up = await Promise.race([
        new Promise<boolean>((resolve) => daemon.stdout.once('data', () => resolve(true))),
        new Promise<boolean>((resolve) => daemon.once('exit', () => resolve(false))),
      ])
      expect(up).toBe(true)
      mounted.push(at)
      const { document } = await collect(target([], []), [line])
      expect(document.left).toEqual([expect.objectContaining({ point: '/dev/shm', reason: 'stalled' })])
    },
    60_000,
  )
})

describe('without a node', () => {
  it('nothing is read that nobody allowed', async () => {
    const sink = new MemorySink()
    const context = collectContext({
      registry: {} as unknown as Registry,
      sink,
      options: { allow: new Set() },
    })
    await collector.collect(context, WITH_CACHE, sink)
    expect(sink.row('writable-mounts')).toMatchObject({ status: 'skipped', reason: 'not-allowed' })
  })

  const inside: Exec = {
    async exec(_where, argv, sinks) {
      const child = spawn(argv[0]!, [
        argv[1]!,
        argv[2]!.replace(/^point=.*\n/, `point='${cache}'\n`),
        ...argv.slice(3),
      ])
      child.stdout.on('data', (chunk: Buffer) => sinks.stdout.write(chunk))
      child.stderr.on('data', (chunk: Buffer) => sinks.stderr.write(chunk))
      const exitCode = await new Promise<number>((resolve) =>
        child.on('close', (code) => resolve(code ?? 255)),
      )
      return { exitCode, stdoutBytes: 0, stderrBytes: 0 }
    },
  }

  it('the container’s own tar is asked, and trusted as little as that deserves', async () => {
    writeFileSync(join(cache, 'note'), 'x', { mode: 0o755 })
    const { sink, document } = await collect(
      WITH_CACHE,
      [],
      { exec: inside, refuse: new ImpoundError('forbidden', 'no pods here') },
      { allow: new Set(['node', 'exec']) },
    )
    expect(sink.row('writable-mounts on the node')).toMatchObject({ reason: 'forbidden' })
    expect(document.taken.map(({ point, trust, files }) => [point, trust, files])).toEqual([
      ['/cache', 'target-controlled', 1],
      ['/dev/shm', 'target-controlled', 1],
    ])
    expect(listing(sink).get('/note')).toMatchObject({ content: 'kept' })
  })
})
