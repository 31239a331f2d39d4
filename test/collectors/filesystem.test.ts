import { tmpdir } from 'node:os'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { createFilesystemCollector } from '../../src/collectors/filesystem.js'
import type { CollectOptions } from '../../src/model/collector.js'
import type { DiffEntry, FilesystemSummary } from '../../src/model/filesystem-documents.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { Exec } from '../../src/model/ports/streams.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { sending } from '../filesystem/fake-exec.js'
import { tarOf, unpacked } from '../filesystem/tars.js'
import { FakeRegistry } from '../registry/fake-registry.js'
import { collectContext, type ContainerFacts, LINUX_NODE, targetOf } from './collect-context.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const collector = createFilesystemCollector(
  { captureFilesystem: 'the script', ephemeralFilesystem: 'a third', upperdir: 'another' },
  tmpdir(),
)
const LATER = new Date('2026-11-21T00:00:00Z')
const BIG = Buffer.alloc(1_200_000, 'image')

let fake: FakeRegistry
beforeEach(async () => {
  fake = await new FakeRegistry().start()
})
afterEach(() => fake.stop())

interface Given {
  readonly options?: Partial<CollectOptions>
  readonly signal?: AbortSignal
  readonly container?: Partial<ContainerFacts>
  readonly registries?: readonly string[]
}

async function collect(exec: Exec, given: Given = {}, sink = new MemorySink()): Promise<MemorySink> {
  const registry = createRegistry({
    policy: parseRegistryPolicy(given.registries ?? [`registry.test=${fake.address}`]),
    timeoutMs: 5000,
    notice: () => undefined,
  })
  const { digest } = fake.image([
    await tarOf([
      { name: 'etc/' },
      { name: 'etc/passwd', content: 'root:x:0:0' },
      { name: 'etc/gone', content: 'gone' },
      { name: 'bin/' },
      { name: 'bin/busybox', mode: 0o755, content: BIG },
      { name: 'bin/sh', type: 'symlink', linkname: 'busybox' },
    ]),
    await tarOf([{ name: 'app/' }, { name: 'app/server.js', content: 'serve()' }]),
  ])
  const imageID = `registry.test/shop/web@${digest}`
  const target = targetOf({
    name: 'app',
    image: 'registry.test/shop/web:latest',
    imageID,
    ...given.container,
  })
  const { options, signal } = given
  const context = collectContext({
    exec,
    registry,
    sink,
    node: LINUX_NODE,
    ...(options === undefined ? {} : { options }),
    ...(signal === undefined ? {} : { signal }),
  })
  await collector.collect(context, target, sink)
  return sink
}

function changes(sink: MemorySink): readonly DiffEntry[] {
  const entries = sink.lines('filesystem/app/diff.jsonl') as DiffEntry[]
  expect(entries.flatMap((entry) => objections('diff-entry.v1', entry))).toEqual([])
  return entries
}

function summary(sink: MemorySink): FilesystemSummary {
  const document = sink.json('filesystem/app/summary.json')
  expect(objections('filesystem-summary.v1', document)).toEqual([])
  return document as FilesystemSummary
}

const UNCHANGED = [
  { name: './' },
  { name: './etc/' },
  { name: './etc/passwd', content: 'root:x:0:0' },
  { name: './etc/gone', content: 'gone' },
  { name: './bin/', mtime: LATER },
  { name: './bin/busybox', mode: 0o755, content: BIG },
  { name: './bin/sh', type: 'symlink', linkname: 'busybox' },
  { name: './app/' },
  { name: './app/server.js', content: 'serve()' },
] as const

const COMPROMISED = [
  { name: './' },
  { name: './etc/' },
  { name: './etc/passwd', content: 'evil:x:0:0', mtime: LATER },
  { name: './bin/' },
  { name: './bin/busybox', mode: 0o755, content: Buffer.concat([BIG.subarray(1), Buffer.from('!')]) },
  { name: './bin/sh', type: 'symlink', linkname: '/tmp/.x', mtime: LATER },
  { name: './app/' },
  { name: './app/server.js', content: 'serve()', mtime: LATER },
  { name: './tmp/', mode: 0o1777, mtime: LATER },
  { name: './tmp/.x', mode: 0o4755, content: 'malware', mtime: LATER },
  { name: './tmp/.y', type: 'link', linkname: './tmp/.x', mtime: LATER },
] as const

describe('the filesystem collector', () => {
  it('asks for the rights of exec only where exec is allowed', () => {
    const target = targetOf()
    const requirements = (allow: readonly 'exec'[]): unknown =>
      collector.requirements({ allow: new Set(allow) } as unknown as CollectOptions, target)
    const rule = { group: '', resource: 'pods', subresource: 'exec', namespace: 'shop' }
    expect(requirements(['exec'])).toMatchObject({
      access: [
        { verb: 'get', ...rule },
        { verb: 'create', ...rule },
      ],
      impact: 'exec',
    })
    expect(requirements([])).toMatchObject({
      access: [],
      impact: 'exec',
      ways: ['node', 'ephemeral', 'exec'],
    })
  })

  it('finds nothing where nothing changed', async () => {
    const sink = await collect(sending(await tarOf(UNCHANGED)))
    expect(changes(sink)).toEqual([])
    expect(summary(sink)).toMatchObject({
      schema: 'impound/filesystem-summary/v1',
      method: 'exec',
      trust: 'target-controlled',
      baseline: { source: 'registry', verified: true, entries: 9 },
      capture: { entries: 9, complete: true },
      contentKeptBytes: 0,
    })
    expect(await unpacked(sink.files.get('filesystem/app/changed.tar')!)).toEqual([])
    expect(sink.rows.map(({ subject, status }) => [subject, status])).toEqual([
      ['filesystem app content', 'collected'],
      ['filesystem app', 'collected'],
    ])
  })

  it('tells what was added, changed, deleted and touched, sorted by path', async () => {
    const sink = await collect(sending(await tarOf(COMPROMISED)))
    expect(
      changes(sink).map(({ path, change, changed, flags, content }) => [
        path,
        change,
        changed,
        flags,
        content,
      ]),
    ).toEqual([
      ['/app/server.js', 'metadata-only', ['mtime'], [], undefined],
      ['/bin/busybox', 'modified', ['content'], ['exec-new', 'timestomp'], 'kept'],
      ['/bin/sh', 'modified', ['mtime', 'link'], [], undefined],
      ['/etc/gone', 'deleted', [], [], undefined],
      ['/etc/passwd', 'modified', ['content', 'mtime'], [], 'kept'],
      ['/tmp', 'added', [], [], undefined],
      ['/tmp/.x', 'added', [], ['setuid', 'exec-new'], 'kept'],
      ['/tmp/.y', 'added', [], ['setuid', 'exec-new'], 'kept'],
    ])
    expect(summary(sink).counts).toEqual({
      added: 3,
      modified: 3,
      deleted: 1,
      'type-changed': 0,
      'metadata-only': 1,
      opaque: 0,
    })
    const gone = changes(sink).find(({ path }) => path === '/etc/gone')
    expect(gone?.before).toMatchObject({
      type: 'file',
      mode: '0644',
      size: 4,
      mtime: '2026-11-01T00:00:00Z',
      layer: 0,
    })
    expect(gone?.after).toBeUndefined()
  })

  it('keeps the changed content with its metadata in a tar that others read as well', async () => {
    const sink = await collect(sending(await tarOf(COMPROMISED)))
    const members = await unpacked(sink.files.get('filesystem/app/changed.tar')!)
    expect(
      members.map(({ header, content }) => [header.path.toString(), header.type, content.length]),
    ).toEqual([
      ['etc/passwd', 'file', 10],
      ['bin/busybox', 'file', BIG.length],
      ['bin/sh', 'symlink', 0],
      ['tmp/', 'directory', 0],
      ['tmp/.x', 'file', 7],
      ['tmp/.y', 'hardlink', 0],
    ])
    const dropped = members.find(({ header }) => header.path.toString() === 'tmp/.x')!
    expect(dropped.header).toMatchObject({ mode: 0o4755, mtime: { seconds: LATER.getTime() / 1000 } })
    expect(dropped.content.toString()).toBe('malware')
    expect(sink.text('filesystem/app/bodyfile')).toContain('/etc/gone (deleted)|0|r/rrw-r--r--|')
  })

  it('lists what does not fit and says so', async () => {
    const sink = await collect(sending(await tarOf(COMPROMISED)), { options: { maxContentBytes: 1_000_000 } })
    expect(changes(sink).find(({ path }) => path === '/bin/busybox')).toMatchObject({
      change: 'modified',
      content: 'too-big',
      after: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
    expect(sink.row('filesystem app content')).toMatchObject({ status: 'partial', reason: 'too-big' })
    expect(sink.row('filesystem app')).toMatchObject({ status: 'collected' })
    expect(summary(sink).contentKeptBytes).toBe(17)
  })

  it.each([
    ['no trailer', { noTrailer: true }, 'cut', /last line is missing/],
    ['another count', { bytes: 1 }, 'cut', /sent 1 bytes/],
    ['another digest', { sha256: 'a'.repeat(64) }, 'failed', /digest/],
    ['no means to count', { bytes: '-' }, 'unsupported', /sha256sum/],
    [
      'a tar that complained',
      { tar: 2, complaints: ['tar: ./root: Cannot open'] },
      'target-refused',
      /\.\/root/,
    ],
    ['another exit status', { exitCode: 3 }, 'target-refused', /exit status 3/],
  ] as const)('calls it partial where the far end has %s', async (_what, saying, reason, why) => {
    const sink = await collect(sending(await tarOf(UNCHANGED), saying))
    expect(sink.row('filesystem app')).toMatchObject({ status: 'partial', reason })
    expect(summary(sink).capture).toMatchObject({ complete: false, why: expect.stringMatching(why) })
  })

  it('keeps what came before the stream broke and calls nothing deleted', async () => {
    const error = new ImpoundError('stalled', 'no byte for 30 s')
    const tar = await tarOf(COMPROMISED)
    const sink = await collect(sending(tar, { breaks: { after: tar.length - 4096, error } }))
    expect(sink.row('filesystem app')).toMatchObject({
      status: 'partial',
      reason: 'stalled',
      detail: error.message,
    })
    expect(changes(sink).map(({ path }) => path)).toContain('/bin/busybox')
    expect(summary(sink).counts.deleted).toBe(0)
    expect(summary(sink).degraded.join('\n')).toMatch(/not called deleted/)
  })

  it('marks the file in which the stream broke', async () => {
    const members = [{ name: './new', content: Buffer.alloc(100_000, 'n'), mtime: LATER }]
    const error = new ImpoundError('cut', 'closed without a status')
    const sink = await collect(sending(await tarOf(members), { breaks: { after: 50_000, error } }))
    expect(changes(sink)).toEqual([
      expect.objectContaining({ path: '/new', change: 'added', content: 'cut' }),
    ])
    expect(changes(sink)[0]?.after?.sha256).toBeUndefined()
    expect(sink.files.get('filesystem/app/changed.tar')?.length).toBeGreaterThan(40_000)
    await expect(unpacked(sink.files.get('filesystem/app/changed.tar')!)).rejects.toMatchObject({
      code: 'cut',
    })
  })

  it('does not call deleted what its tar could not read, nor what is mounted over', async () => {
    const tar = await tarOf(UNCHANGED.filter(({ name }) => !/passwd|gone|app/.test(name)))
    const sink = await collect(
      sending(tar, {
        tar: 2,
        complaints: ['tar: ./etc/passwd: Cannot open: Permission denied'],
        mounts: ['/app'],
      }),
      { container: { volumeMounts: [{ name: 'v', mountPath: '/app' }] } },
    )
    expect(changes(sink).map(({ path, change }) => [path, change])).toEqual([['/etc/gone', 'deleted']])
    expect(summary(sink).degraded.join('\n')).toMatch(/2 paths of the image were not seen/)
  })

  it('knows the work of the runtime, and a mount that nobody explains', async () => {
    const extra = [
      { name: './etc/hosts', content: '10.0.0.1 web', mtime: LATER },
      { name: './.dockerenv', content: '' },
      { name: './run/' },
      { name: './run/secrets/' },
      { name: './run/payload', content: 'x' },
    ]
    const mounts = ['/proc', '/run/secrets/kubernetes.io', '/opt/hidden\\040place']
    const sink = await collect(sending(await tarOf([...UNCHANGED, ...extra]), { mounts }))
    expect(changes(sink).map(({ path, class: kind }) => [path, kind])).toEqual([
      ['/.dockerenv', 'runtime'],
      ['/etc/hosts', 'runtime'],
      ['/run', 'runtime'],
      ['/run/payload', 'user'],
      ['/run/secrets', 'runtime'],
    ])
    const unexplained = summary(sink).degraded.filter((line) => line.startsWith('a mount at'))
    expect(unexplained).toEqual([expect.stringContaining('/opt/hidden place')])
  })

  it('keeps names that are no UTF-8 and contents that pretend to be deletions', async () => {
    const tar = await tarOf([
      ...UNCHANGED,
      { name: './tmp/aXb', content: 'raw' },
      { name: './tmp/.wh.passwd', content: 'hi' },
    ])
    const at = tar.indexOf('./tmp/aXb')
    tar[at + 7] = 0xff
    const sum = tar.subarray(at, at + 512)
    sum.fill(0x20, 148, 156)
    sum.write(
      `${sum
        .reduce((a, b) => a + b, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
      'latin1',
    )
    const sink = await collect(sending(tar))
    expect(changes(sink).map(({ path, pathB64, flags }) => [path, pathB64, flags])).toEqual([
      ['/tmp/.wh.passwd', undefined, ['fake-whiteout']],
      ['/tmp/a\uFFFDb', Buffer.from('/tmp/a\xffb', 'latin1').toString('base64'), []],
    ])
    const [first] = await unpacked(sink.files.get('filesystem/app/changed.tar')!)
    expect(first?.header.path).toEqual(Buffer.from('tmp/a\xffb', 'latin1'))
    expect(sink.text('filesystem/app/bodyfile')).toContain('|/tmp/a%FFb|')
  })

  it('passes over members that no file can be and that come twice', async () => {
    const twice = [
      ...UNCHANGED,
      { name: './../../etc/cron.d/x', content: 'x' },
      { name: './etc/passwd', content: 'other' },
    ]
    const sink = await collect(sending(await tarOf(twice)))
    expect(changes(sink)).toEqual([])
    expect(summary(sink).degraded.filter((line) => line.includes('passed over'))).toHaveLength(2)
  })

  it('has schemas that object to what is none of theirs', () => {
    const entry = { path: '/x', change: 'added', changed: [], class: 'user', flags: [] }
    expect(objections('diff-entry.v1', entry)).not.toEqual([])
    expect(objections('diff-entry.v1', { ...entry, change: 'opaque' })).toEqual([])
    expect(objections('filesystem-summary.v1', { schema: 'impound/filesystem-summary/v1' })).not.toEqual([])
  })

  it('gives a row to a container without shell or tar', async () => {
    const refused: Exec = {
      exec: () =>
        Promise.reject(new ImpoundError('target-refused', 'exec: "sh": executable file not found in $PATH')),
    }
    const sink = await collect(refused)
    expect(sink.rows).toEqual([
      {
        subject: 'filesystem app',
        status: 'failed',
        reason: 'target-refused',
        detail: expect.stringContaining('"sh"'),
      },
    ])
    const silent: Exec = {
      exec: (_where, _argv, { stderr }) => {
        stderr.write('impound-begin v1 mounts=known xattrs=no\nimpound: tar: not found\n')
        return Promise.resolve({ exitCode: 127, stdoutBytes: 0, stderrBytes: 0 })
      },
    }
    expect((await collect(silent)).row('filesystem app')).toMatchObject({
      reason: 'target-refused',
      detail: expect.stringContaining('tar: not found'),
    })
  })

  it('starts nothing without --allow exec, and nothing in a container that is not running', async () => {
    const exec: Exec = { exec: () => Promise.reject(new Error('was started')) }
    const forbidden = await collect(exec, { options: { allow: new Set() } })
    expect(forbidden.rows).toEqual([
      expect.objectContaining({
        status: 'skipped',
        reason: 'not-allowed',
        detail: expect.stringContaining('--allow exec'),
      }),
    ])
    const stopped = await collect(exec, { container: { running: false } })
    expect(stopped.rows).toEqual([expect.objectContaining({ status: 'skipped', reason: 'not-applicable' })])
  })

  it('lists the container where its image can not be had, and claims no change', async () => {
    const sink = await collect(sending(await tarOf(COMPROMISED)), { registries: ['never'] })
    expect(sink.row('filesystem app baseline')).toMatchObject({
      status: 'skipped',
      reason: 'not-allowed',
      detail: expect.stringContaining('--registry registry.test'),
    })
    expect(sink.files.has('filesystem/app/diff.jsonl')).toBe(false)
    const listing = sink.lines('filesystem/app/listing.jsonl') as { path: string; recent: boolean }[]
    expect(listing.filter(({ recent }) => recent).map(({ path }) => path)).toEqual([
      '/etc/passwd',
      '/bin/sh',
      '/app/server.js',
      '/tmp',
      '/tmp/.x',
      '/tmp/.y',
    ])
    const kept = await unpacked(sink.files.get('filesystem/app/recent.tar')!)
    expect(kept.map(({ header }) => header.path.toString())).toEqual([
      'etc/passwd',
      'app/server.js',
      'tmp/.x',
    ])
    expect(summary(sink)).toMatchObject({
      baseline: { source: 'none', verified: false, entries: 0 },
      counts: { added: 0, modified: 0, deleted: 0 },
    })
    expect(sink.row('filesystem app listing')).toMatchObject({ status: 'collected' })
  })

  it('lets an interrupt travel on after it kept what came', async () => {
    const stop = new AbortController()
    const tar = await tarOf(COMPROMISED)
    const exec: Exec = {
      exec: (_where, _argv, { stdout }) => {
        stdout.write(tar.subarray(0, 4096))
        setTimeout(() => stop.abort(), 20)
        return new Promise((_resolve, reject) => {
          stop.signal.addEventListener('abort', () => reject(new ImpoundError('aborted', 'interrupted')))
        })
      },
    }
    const sink = new MemorySink()
    await expect(collect(exec, { signal: stop.signal }, sink)).rejects.toMatchObject({ code: 'aborted' })
    expect(sink.row('filesystem app')).toMatchObject({ status: 'partial', reason: 'interrupted' })
    expect(summary(sink).capture.complete).toBe(false)
  })
})
