import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { diffScreen } from '../../src/cli/diff-screen.js'
import { diff } from '../../src/engine/diff.js'
import type { DiffRequest } from '../../src/engine/diff-request.js'
import { compareConfigs } from '../../src/engine/image-config.js'
import { CapturedLines, compareCaptures } from '../../src/filesystem/compare-captures.js'
import type { DiffEntry } from '../../src/model/filesystem-documents.js'
import { type Member, tarOf } from '../filesystem/tars.js'
import { FakeRegistry } from '../registry/fake-registry.js'
import { asDirectory, asTar, dockerArchive, ociLayout } from '../registry/layouts.js'
import { complaints } from '../schemas/schemas.js'

const { signal } = new AbortController()
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'impound-diff-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const OLD: readonly Member[] = [
  { name: 'bin/' },
  { name: 'bin/sh', content: 'shell', mode: 0o755 },
  { name: 'bin/su', content: 'su', mode: 0o755 },
  { name: 'etc/gone', content: 'x' },
  { name: 'etc/same', content: 'same' },
  { name: 'etc/link', type: 'symlink', linkname: 'same' },
]
const NEW: readonly Member[] = [
  { name: 'bin/' },
  { name: 'bin/sh', content: 'SHELL', mode: 0o755 },
  { name: 'bin/su', content: 'su', mode: 0o4755 },
  { name: 'etc/same', content: 'same' },
  { name: 'etc/link', type: 'symlink', linkname: 'gone' },
  { name: 'tmp/\u001b[2Jx\n', content: 'new', mode: 0o755 },
]

const request = (a: string, b: string, more: Partial<DiffRequest> = {}): DiffRequest => ({
  ...{ a, b, limit: 100, platform: { os: 'linux', architecture: 'amd64' } },
  ...{ images: { registry: ['never'] }, requestTimeoutMs: 5000 },
  ...more,
})

const said = (entries: readonly DiffEntry[]): unknown =>
  entries.map(({ path, change, changed, flags }) => [path, change, changed, flags])

const DIFFERENCES = [
  ['/bin/sh', 'modified', ['content'], ['exec-new', 'timestomp']],
  ['/tmp/\u001b[2Jx\n', 'added', [], ['exec-new']],
  ['/bin/su', 'metadata-only', ['mode'], ['setuid']],
  ['/etc/link', 'modified', ['link'], []],
  ['/etc/gone', 'deleted', [], []],
]

describe('two images', () => {
  it('differ in every file that does, the oddest first, whatever form they are in', async () => {
    const a = asDirectory(ociLayout([await tarOf(OLD)]), join(folder, 'a'))
    const b = await asTar(dockerArchive([await tarOf(NEW)]), join(folder, 'b.tar'))
    const { document, exitStatus } = await diff(request(a, b), signal, () => undefined)
    expect(complaints('impound/comparison/v1', document)).toEqual([])
    expect(new Set((said(document.entries) as unknown[]).map((one) => JSON.stringify(one)))).toEqual(
      new Set(DIFFERENCES.map((one) => JSON.stringify(one))),
    )
    expect(document.entries.slice(0, 3).every(({ flags }) => flags.length > 0)).toBe(true)
    expect([document.differs, document.complete, exitStatus]).toEqual([true, true, 0])
    expect(document.layers).toEqual({ shared: 0, a: 1, b: 1 })
    const screen = diffScreen(document)
    expect(screen).toContain('DIFFERENT')
    expect(screen).not.toContain('\u001b')
    expect(screen).toMatch(/metadata-only \/bin\/su 0755 → 4755 \[mode\] \(setuid\)/)
  })

  it('are the same where only their packing differs, and the count is bounded where they are not', async () => {
    const tars = [await tarOf(OLD)]
    const a = asDirectory(ociLayout(tars), join(folder, 'a'))
    const b = await asTar(dockerArchive(tars), join(folder, 'b.tar'))
    const same = await diff(request(a, b), signal, () => undefined)
    expect([same.document.differs, same.document.layers?.shared]).toEqual([false, 1])
    expect(diffScreen(same.document)).toContain('THE SAME')
    const other = await asTar(ociLayout([await tarOf(NEW)]), join(folder, 'c.tar'))
    const { document } = await diff(request(a, other, { limit: 2 }), signal, () => undefined)
    expect([document.entries.length, document.entriesLeftOut]).toEqual([2, 3])
  })

  it('may come from a registry that is named on the command line, and is asked for nothing else', async () => {
    const fake = await new FakeRegistry().start()
    try {
      fake.image([await tarOf(OLD)], 'old')
      fake.image([await tarOf(NEW)], 'new', { config: { Env: ['A=1'], User: '0' } })
      const images = { registry: [`registry.test=${fake.address}`] }
      const { document } = await diff(
        request('registry.test/web:old', 'registry.test/web:new', { images }),
        signal,
        () => undefined,
      )
      expect(document.entries).toHaveLength(DIFFERENCES.length)
      expect(document.config).toEqual([
        { what: 'user', b: '0' },
        { what: 'env A', b: '1' },
      ])
    } finally {
      await fake.stop()
    }
  })

  it.each([
    ['no such file:', 'usage'],
    ['registry.test/web:1', 'refused'],
  ])('are refused where one is %s', async (given, code) => {
    const a = asDirectory(ociLayout([await tarOf(OLD)]), join(folder, 'a'))
    await expect(diff(request(a, given), signal, () => undefined)).rejects.toMatchObject({ code })
  })
})

describe('what configurations say differently', () => {
  it('is told by name, with both values, what runs first', () => {
    const a = { config: { Env: ['PATH=/bin', 'X=1=2'], Entrypoint: ['/app'], Labels: { v: '1' } } }
    const b = {
      config: { Env: ['PATH=/tmp:/bin'], Entrypoint: ['/evil', '/app'], ExposedPorts: { '22/tcp': {} } },
    }
    const history = {
      a: [{ created_by: 'FROM' }],
      b: [{ created_by: 'FROM' }, { created_by: 'RUN curl | sh' }],
    }
    expect(compareConfigs({ ...a, history: history.a }, { ...b, history: history.b })).toEqual([
      { what: 'entrypoint', a: '["/app"]', b: '["/evil","/app"]' },
      { what: 'env PATH', a: '/bin', b: '/tmp:/bin' },
      { what: 'env X', a: '1=2' },
      { what: 'port 22/tcp', b: 'yes' },
      { what: 'label v', a: '1' },
      { what: 'history', b: 'RUN curl | sh' },
    ])
  })

  it.each([null, 1, [], { config: null }, { config: { Env: {}, Labels: [] }, history: 'x' }])(
    'is nothing where one is %j',
    (config) => expect(compareConfigs(config, {})).toEqual([]),
  )
})

describe('two captures', () => {
  const facts = (sha256: string | undefined, size = 1): object => ({
    ...{ type: 'file', mode: '0644', uid: 0, gid: 0, size, mtime: '2026-11-01T00:00:00Z' },
    ...(sha256 === undefined ? {} : { sha256 }),
  })
  const [ONE, TWO] = ['11'.repeat(32), '22'.repeat(32)]
  const lines = (...values: readonly object[]): CapturedLines => {
    const captured = new CapturedLines()
    for (const value of values) captured.add({ flags: [], class: 'user', ...value })
    return captured
  }
  const compare = (...given: Parameters<typeof compareCaptures>): [unknown, number] => {
    const entries: DiffEntry[] = []
    const comparing = compareCaptures(...given)
    for (;;) {
      const next = comparing.next()
      if (next.done === true) return [said(entries), next.value.unjudged]
      entries.push(next.value)
    }
  }

  it('of one image: what only one changed is in the other as the image has it', () => {
    const a = lines(
      { path: '/both', before: facts(ONE), after: facts(TWO) },
      { path: '/dropped', after: facts(ONE) },
      { path: '/undone', before: facts(ONE), after: facts(TWO) },
      { path: '/removed', before: facts(ONE) },
      { path: '/came-and-went', flags: ['deleted-running'] },
    )
    const b = lines(
      { path: '/both', before: facts(ONE), after: facts(TWO) },
      { path: '/new', after: facts(ONE) },
      { path: '/removed', before: facts(ONE), after: facts(TWO) },
    )
    expect(compare(a, b, 'as-in-image')).toEqual([
      [
        ['/dropped', 'deleted', [], []],
        ['/undone', 'modified', ['content'], ['timestomp']],
        ['/removed', 'added', [], []],
        ['/new', 'added', [], []],
      ],
      0,
    ])
  })

  it('of different images: what one alone names is not judged', () => {
    const a = lines({ path: '/x', after: facts(ONE) }, { path: '/y', after: facts(ONE) })
    const b = lines({ path: '/x', after: facts(TWO) })
    expect(compare(a, b, 'unknown')).toEqual([[['/x', 'modified', ['content'], ['timestomp']]], 1])
  })

  it('as listings: what is not named is not there, and no hash is no proof', () => {
    const a = lines({ path: '/x', facts: facts(ONE) }, { path: '/cut', facts: facts(undefined) })
    const b = lines({ path: '/cut', facts: facts(TWO) })
    expect(compare(a, b, 'not-there')).toEqual([[['/x', 'deleted', [], []]], 1])
  })

  it.each([
    {},
    { path: 'relative', after: facts(ONE) },
    { path: '/x', after: { ...facts(ONE), mode: 'rwx' } },
    { path: '/x', after: { ...facts(ONE), mtime: 'yesterday' } },
  ])('are refused where a line is %j', (line) => {
    expect(() => lines(line)).toThrow(expect.objectContaining({ code: 'integrity' }))
  })
})
