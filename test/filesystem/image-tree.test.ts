import { createHash } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { impliedDirectory } from '../../src/filesystem/facts.js'
import { ImageTree } from '../../src/filesystem/image-tree.js'
import { indexLayer } from '../../src/filesystem/index-layer.js'
import { chunked, type Member, tarOf } from './tars.js'

/** A layer into the tree, without a file between. */
function applyLayer(tree: ImageTree, blob: AsyncIterable<Uint8Array>, id: string): Promise<void> {
  return indexLayer(blob, id, ({ key, facts }) => tree.add(key, facts))
}

function diffId(tar: Buffer): string {
  return `sha256:${createHash('sha256').update(tar).digest('hex')}`
}

async function treeOf(...layers: readonly (readonly Member[])[]): Promise<ImageTree> {
  const tree = new ImageTree()
  for (const [index, members] of layers.entries()) {
    const tar = await tarOf(members)
    tree.beginLayer(index)
    await applyLayer(tree, chunked(gzipSync(tar)), diffId(tar))
    tree.endLayer()
  }
  return tree
}

function paths(tree: ImageTree): readonly string[] {
  return [...tree.paths()]
    .filter(([, row]) => !tree.at(row).implied)
    .map(([key]) => key)
    .sort()
}

const file = (name: string, content = name): Member => ({ name, content })

describe('what the layers of an image add up to', () => {
  it.each<[string, Member[][], string[]]>([
    ['a later file takes the place of an earlier', [[file('a', '1')], [file('./a', '2')]], ['a']],
    ['a whiteout takes a file away', [[file('d/a'), file('d/b')], [file('d/.wh.a', '')]], ['d/b']],
    [
      'a whiteout takes a directory with all below it',
      [[file('d/e/f'), file('dd')], [file('.wh.d', '')]],
      ['dd'],
    ],
    ['a whiteout does not touch its own layer', [[file('d/a')], [file('d/a'), file('d/.wh.a', '')]], ['d/a']],
    [
      'an opaque mark hides what lower layers brought, in any order',
      [
        [file('d/a'), file('d/s/b')],
        [file('d/new'), file('d/.wh..wh..opq', '')],
      ],
      ['d/new'],
    ],
    ['a removed directory can come back empty', [[file('d/a')], [file('.wh.d', ''), { name: 'd/' }]], ['d']],
    ['a file over a directory hides what lay in it', [[file('d/a')], [file('d')]], ['d']],
    [
      'a link over a directory hides what lay in it',
      [[file('d/a'), file('e/x')], [{ name: 'd', type: 'symlink', linkname: 'e' }]],
      ['d', 'e/x'],
    ],
    [
      'a path through a link lands where the link leads',
      [[{ name: 'usr/lib/' }, { name: 'lib', type: 'symlink', linkname: 'usr/lib' }], [file('lib/x.so')]],
      ['lib', 'usr/lib', 'usr/lib/x.so'],
    ],
    [
      'no link leads out of the root',
      [[{ name: 'd/l', type: 'symlink', linkname: '../../../../../etc' }], [file('d/l/x')]],
      ['d/l', 'etc/x'],
    ],
    ['links in a circle end', [[{ name: 'l', type: 'symlink', linkname: 'l' }], [file('l/x')]], ['l', 'l/x']],
    ['names with .. are passed over', [[file('../x'), file('a/../../y'), file('ok')]], ['ok']],
  ])('%s', async (_what, layers, expected) => {
    expect(paths(await treeOf(...layers))).toEqual(expected)
  })

  it('gives a hard link the facts of what it names, across layers', async () => {
    const tree = await treeOf([file('a', 'content')], [{ name: 'b', type: 'link', linkname: './a' }])
    expect(tree.get('b')).toEqual({ ...tree.get('a'), layer: 1 })
    expect(tree.get('b')?.type).toBe('file')
  })

  it('remembers which layer brought a file and what is in it', async () => {
    const tree = await treeOf([file('a', 'one')], [file('b', 'two')])
    expect(tree.get('a')?.layer).toBe(0)
    expect(tree.get('b')).toMatchObject({
      layer: 1,
      size: 3,
      sha256: createHash('sha256').update('two').digest('binary'),
    })
    expect(tree.fileBytes()).toBe(6)
  })

  it('takes directories that no layer names for granted', async () => {
    expect((await treeOf([file('a/b/c')])).get('a/b')).toMatchObject({ type: 'directory', implied: true })
  })

  it('stops at its bound', () => {
    const tree = new ImageTree(3)
    const facts = impliedDirectory(0)
    tree.beginLayer(0)
    tree.add('a', facts)
    tree.add('b', facts)
    expect(() => tree.add('c', facts)).toThrow(expect.objectContaining({ code: 'too-big' }))
  })

  it('is what a naive reading of the specification gives', async () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
    const hide = fc
      .tuple(path, fc.boolean())
      .map(([at, opaque]) => ({ at, kind: opaque ? 'opaque' : 'whiteout' }))
    const layer = fc.tuple(fc.uniqueArray(path, { maxLength: 4 }), fc.array(hide, { maxLength: 2 }))
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { maxLength: 4 }), async (layers) => {
        let model = new Set<string>()
        const built: Member[][] = []
        for (const [files, hidden] of layers) {
          for (const { at, kind } of hidden)
            model = new Set(
              [...model].filter((key) => !key.startsWith(`${at}/`) && (kind === 'opaque' || key !== at)),
            )
          // A file below a file of the same layer is no tree: such layers are not made
          if (files.some((key) => files.some((other) => other.startsWith(`${key}/`)))) return
          for (const key of files)
            model = new Set([...model].filter((other) => !other.startsWith(`${key}/`))).add(key)
          // Nor a file below a file of a lower layer
          if ([...model].some((key) => [...model].some((other) => other.startsWith(`${key}/`)))) return
          built.push([
            ...files.map((key) => file(key)),
            ...hidden.map(({ at, kind }) => {
              const slash = at.lastIndexOf('/') + 1
              return file(
                kind === 'opaque' ? `${at}/.wh..wh..opq` : `${at.slice(0, slash)}.wh.${at.slice(slash)}`,
                '',
              )
            }),
          ])
        }
        const tree = await treeOf(...built)
        expect(
          [...tree.paths()]
            .filter(([, row]) => tree.at(row).type === 'file')
            .map(([key]) => key)
            .sort(),
        ).toEqual([...model].sort())
      }),
      { numRuns: 60 },
    )
  })
})

describe('reading a layer', () => {
  const members = [file('a', 'x'.repeat(100_000)), file('b')]

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    [
      'zstd in a small frame and a big one',
      (tar: Buffer): Buffer =>
        Buffer.concat([zstdCompressSync(tar.subarray(0, 512)), zstdCompressSync(tar.subarray(512))]),
    ],
    ['nothing', (tar: Buffer): Buffer => tar],
  ])('reads one packed with %s', async (_what, compress) => {
    const tar = await tarOf(members)
    const tree = new ImageTree()
    tree.beginLayer(0)
    await applyLayer(tree, chunked(compress(tar)), diffId(tar))
    expect(paths(tree)).toEqual(['a', 'b'])
  })

  it.each<[string, (tar: Buffer) => Buffer, string]>([
    [
      'whose content is not that of the diff_id',
      (tar) => Buffer.concat([tar, Buffer.alloc(512)]),
      'integrity',
    ],
    ['that is cut', (tar) => gzipSync(tar).subarray(0, -9), 'cut'],
    ['that is no tar', () => gzipSync(Buffer.alloc(2048, 'x')), 'integrity'],
  ])('refuses one %s', async (_what, change, code) => {
    const tar = await tarOf(members)
    const tree = new ImageTree()
    tree.beginLayer(0)
    await expect(applyLayer(tree, chunked(change(tar)), diffId(tar))).rejects.toMatchObject({ code })
  })

  it('refuses a few bytes that promise exabytes of holes, before it hashes them', async () => {
    const pax = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': String(2 ** 52) }
    const map = Buffer.alloc(512)
    map.write('0\n')
    const tar = await tarOf([{ name: 'holes', pax: { ...pax, 'GNU.sparse.name': 'holes' }, content: map }])
    const tree = new ImageTree()
    tree.beginLayer(0)
    await expect(applyLayer(tree, chunked(tar), diffId(tar))).rejects.toMatchObject({ code: 'too-big' })
  })
})
