import { Readable } from 'node:stream'
import { tmpdir } from 'node:os'

import { describe, expect, it } from '@jest/globals'

import { ContentKeeper } from '../../src/filesystem/content-keeper.js'
import { ContentTar } from '../../src/filesystem/content-tar.js'
import { diffCapture, type DiffCaptureEnd } from '../../src/filesystem/diff-capture.js'
import type { ExecCapture } from '../../src/filesystem/exec-capture.js'
import { factsOf } from '../../src/filesystem/facts.js'
import { hashContent } from '../../src/filesystem/content-hash.js'
import { ImageTree } from '../../src/filesystem/image-tree.js'
import { MountTable } from '../../src/filesystem/mounts.js'
import { pathKey } from '../../src/filesystem/path-key.js'
import { TreeDiff } from '../../src/filesystem/tree-diff.js'
import { readTar } from '../../src/formats/tar.js'
import type { DiffEntry } from '../../src/model/filesystem-documents.js'
import { tarOf } from './tars.js'

const MTIME = new Date('2026-01-01T00:00:00Z')
const BEFORE = MTIME.getTime() / 1000
const SINCE = Date.parse('2026-11-20T00:00:00Z') / 1000
type Members = Parameters<typeof tarOf>[0]

const IMAGE: Members = [
  { name: './', mtime: MTIME },
  { name: './bin/', mtime: MTIME },
  { name: './bin/a', content: 'aaaa', mtime: MTIME },
  { name: './bin/b', content: 'bbbb', mtime: MTIME },
  { name: './bin/gone', content: 'x', mtime: MTIME },
]

async function imageOf(members: Members): Promise<ImageTree> {
  const tree = new ImageTree()
  tree.beginLayer(0)
  for await (const entry of readTar(Readable.from([await tarOf(members)]))) {
    const facts = factsOf(entry.header)!
    const sha256 = facts.type === 'file' ? await hashContent(entry) : undefined
    tree.add(pathKey(entry.header.path)!, { ...facts, sha256 })
  }
  tree.endLayer()
  return tree
}

/** A line of the list: path, type, size and ctime; the rest is as the image has it. */
function line(path: string, type: string, size: number, ctime: number, mode = '644', mtime = BEFORE): string {
  return `${type} 7 1 8 ${size} ${mode} 0 0 ${ctime}.0 ${mtime}.0000000000 ${ctime}.5000000000 ${path}\0`
}

const UNCHANGED = [
  line('.', 'd', 4096, SINCE + 5, '755'),
  line('./bin', 'd', 4096, BEFORE, '755'),
  line('./bin/a', 'f', 4, BEFORE),
]

interface Told {
  readonly end: DiffCaptureEnd
  readonly entries: readonly string[]
  readonly asked: readonly string[]
}

async function told(list: readonly string[], tar: Members, odd: Members = []): Promise<Told> {
  const image = await imageOf(IMAGE)
  const kept = new ContentTar(() => Promise.resolve())
  const keeper = new ContentKeeper(kept, 1e6, tmpdir())
  const diff = new TreeDiff(image, keeper)
  const stream = [Buffer.from(`impound-list v1\n/proc\0\0${list.join('')}\0`, 'latin1'), await tarOf(tar)]
  const asked: string[] = []
  const end = await diffCapture(Readable.from(stream), diff, {
    volumes: [],
    since: SINCE,
    fetch: async (paths) => {
      asked.push(...paths)
      return captureOf(await tarOf(odd))
    },
  }).finally(() => keeper.close())
  const knowledge = { mounts: new MountTable([], []), hasXattrs: true, isAbsenceProven: () => true }
  const entries = [...diff.entries(knowledge)].map(({ change, path, changed, content }: DiffEntry) =>
    [change, path, ...changed, content].join(' ').trim(),
  )
  return { end, entries, asked }
}

function captureOf(tar: Buffer): ExecCapture {
  const report = { hasXattrs: true, mounts: [], complaints: [], overflowed: false }
  const trailer = { bytes: tar.length, sha256: 'x', tar: 0 }
  const end = {
    bytes: tar.length,
    sha256: 'x',
    report: { ...report, trailer },
    exitCode: 0,
    failure: undefined,
  }
  return { tar: Readable.from([tar]), end: Promise.resolve(end) }
}

describe('a capture that begins with a list', () => {
  it('takes for the image’s what has its state from before the container, and says how many files', async () => {
    const { end, entries, asked } = await told([...UNCHANGED, line('./bin/b', 'f', 4, BEFORE)], [])
    expect(entries).toEqual(['deleted /bin/gone'])
    expect(end).toMatchObject({ entries: 4, unread: 2, fetched: 0, failure: undefined })
    expect(asked).toEqual([])
  })

  it('finds by its ctime the file whose size and time are the image’s', async () => {
    const list = [...UNCHANGED, line('./bin/b', 'f', 4, SINCE + 60)]
    const { entries } = await told(list, [{ name: './bin/b', content: 'evil', mtime: MTIME }])
    expect(entries).toEqual(['modified /bin/b content kept', 'deleted /bin/gone'])
  })

  it('asks for what is older than the container and not the image’s', async () => {
    const list = [...UNCHANGED, line('./bin/b', 'f', 5, BEFORE), line('./bin/a b\xff', 'f', 1, BEFORE)]
    const odd: Members = [
      { name: './bin/b', content: 'bbbbb', mtime: MTIME },
      { name: './bin/a b', content: 'n', mtime: MTIME },
    ]
    const { entries, asked, end } = await told(list, [], odd)
    expect(asked).toEqual(['./bin/b', './bin/a\\0040b\\0377'])
    expect(end.fetched).toBe(2)
    expect(entries).toContain('modified /bin/b content kept')
  })

  it('tells of what was listed and did not come, without a claim on its content', async () => {
    const list = [
      ...UNCHANGED,
      line('./bin/b', 'f', 4, SINCE + 60),
      line('./bin/secret', 'f', 9, SINCE + 60, '600'),
      line('./bin/sock', 's', 0, SINCE + 60, '755'),
    ]
    const { entries } = await told(list, [])
    expect(entries).toEqual(['deleted /bin/gone', 'added /bin/secret cut', 'added /bin/sock'])
  })

  it.each([
    ['a line that find does not write', 'f 7 1 nonsense\0'],
    ['a name that no file has', line('./../etc', 'f', 1, BEFORE)],
  ])('ends at %s, and calls nothing whole', async (_what, bad) => {
    const { end } = await told([...UNCHANGED, bad], [])
    expect(end.ended).toBeUndefined()
    expect(['integrity', 'cut']).toContain(end.failure?.code)
  })
})
