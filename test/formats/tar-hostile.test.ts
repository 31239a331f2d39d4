import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { isCode } from '../../src/model/errors.js'
import { expandSparse } from '../../src/formats/tar-sparse.js'
import { readTar, type TarLimits } from '../../src/formats/tar.js'
import { inChunks } from './streams.js'
import { withGnuTar } from './system-tools.js'
import { END, headerBlock, member, paxMember, paxRecord, rawPax, readAll, tarOf } from './tar-fixtures.js'

const ABC = Buffer.from('abc')
const base256 = (...bytes: readonly number[]): Buffer => Buffer.from(bytes)

describe('a malformed tar', () => {
  it.each([
    ['a wrong checksum', member({ name: 'a', badChecksum: true })],
    ['a size like 1e3', member({ name: 'a', fields: { size: '1e3\0' } })],
    ['a size like 0x10', member({ name: 'a', fields: { size: '0x10\0' } })],
    ['a size with a digit 8', member({ name: 'a', fields: { size: '00000000008\0' } })],
    ['a size with a sign', member({ name: 'a', fields: { size: '-0000000001\0' } })],
    ['a size with something after its end', member({ name: 'a', fields: { size: '0000001\x001234' } })],
    ['a blank size', member({ name: 'a', fields: { size: '            ' } })],
    ['a negative base-256 size', member({ name: 'a', fields: { size: Buffer.alloc(12, 0xff) } })],
    [
      'a base-256 size past 2^53',
      member({ name: 'a', fields: { size: base256(0x80, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0) } }),
    ],
    ['a mode that is no number', member({ name: 'a', fields: { mode: 'rwxr-xr\0' } })],
    ['a PAX size like 1e3', Buffer.concat([paxMember({ size: '1e3' }), member({ name: 'a' })])],
    ['a negative PAX size', Buffer.concat([paxMember({ size: '-1' }), member({ name: 'a' })])],
    ['a PAX size past 2^53', Buffer.concat([paxMember({ size: '9007199254740993' }), member({ name: 'a' })])],
    ['a PAX size with a fraction', Buffer.concat([paxMember({ size: '3.0' }), member({ name: 'a' })])],
    ['a PAX mtime in words', Buffer.concat([paxMember({ mtime: 'now' }), member({ name: 'a' })])],
    [
      'a PAX record longer than its header',
      Buffer.concat([rawPax([Buffer.from('99 path=x\n')]), member({ name: 'a' })]),
    ],
    [
      'a PAX record shorter than it says',
      Buffer.concat([rawPax([Buffer.from('9 path=xyz\n')]), member({ name: 'a' })]),
    ],
    ['a PAX record of length 0', Buffer.concat([rawPax([Buffer.from('0 path=x\n')]), member({ name: 'a' })])],
    ['a PAX record without =', Buffer.concat([rawPax([Buffer.from('8 pathx\n')]), member({ name: 'a' })])],
    [
      'a PAX length with a sign',
      Buffer.concat([rawPax([Buffer.from('+10 path=x\n')]), member({ name: 'a' })]),
    ],
    ['a PAX header that belongs to nothing', paxMember({ path: 'x' })],
    ['a long name that belongs to nothing', member({ name: 'l', typeflag: 'L', content: ABC })],
    ['a lone block of zeros', Buffer.concat([Buffer.alloc(512), member({ name: 'a' })])],
    ['text', Buffer.from('this is no tar at all, but long enough. '.repeat(40))],
  ])('with %s is refused as malformed', async (_, bytes) => {
    await expect(readAll(tarOf(bytes))).rejects.toMatchObject({ code: 'integrity' })
  })

  it('is never read as whole after any one bit of a header was flipped', async () => {
    const block = headerBlock({ name: 'a', content: ABC })
    const tar = tarOf(member({ name: 'a', content: ABC }))
    await fc.assert(
      fc.asyncProperty(fc.nat(511), fc.nat(7), async (offset, bit) => {
        const flipped = Buffer.from(tar)
        flipped[offset] = (block[offset] ?? 0) ^ (1 << bit)
        const outcome = await readAll(flipped).then(
          ({ members }) => ['read', members[0]?.header.path.toString(), members[0]?.content.toString()],
          (error: unknown) => (isCode(error, 'integrity', 'cut', 'too-big') ? ['refused'] : [String(error)]),
        )
        // The checksum's own padding is not summed: a flip there changes nothing that is read.
        const isUnsummed = offset >= 148 && offset < 156
        expect(isUnsummed ? [['refused'], ['read', 'a', 'abc']] : [['refused']]).toContainEqual(outcome)
      }),
      { numRuns: 1000 },
    )
  })

  it('ends every reading of any bytes in a known way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ minLength: 512, maxLength: 512 }),
            fc.constant(Buffer.alloc(512)),
            fc
              .record({ typeflag: fc.constantFrom(...'01234567xgXLKSDMV'.split('')), size: fc.nat(5000) })
              .map(({ typeflag, size }) =>
                headerBlock({
                  name: 'n',
                  typeflag,
                  fields: { size: `${size.toString(8).padStart(11, '0')}\0` },
                }),
              ),
          ),
          { maxLength: 12 },
        ),
        async (blocks) => {
          const outcome = await readAll(inChunks(Buffer.concat(blocks), 999)).then(
            ({ end }) => end.ended,
            (error: unknown) => (isCode(error, 'integrity', 'cut', 'too-big') ? 'refused' : String(error)),
          )
          expect(['refused', 'two-zero-blocks']).toContain(outcome)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('a tar without measure', () => {
  it.each<[string, Partial<TarLimits>, Buffer]>([
    ['entries', { entries: 2 }, tarOf(member({ name: 'a' }), member({ name: 'b' }), member({ name: 'c' }))],
    ['PAX bytes', {}, tarOf(paxMember({ comment: 'x'.repeat(1 << 20) }), member({ name: 'a' }))],
    [
      'GNU long names, one after the other',
      { headerBytes: 4000 },
      tarOf(
        ...Array.from({ length: 9 }, () => member({ name: 'l', typeflag: 'L', content: ABC })),
        member({ name: 'a' }),
      ),
    ],
    [
      'global PAX bytes',
      { headerBytes: 4000 },
      tarOf(
        ...Array.from({ length: 9 }, (_, index) =>
          Buffer.concat([paxMember({ [`k${index}`]: 'x'.repeat(900) }, 'g'), member({ name: 'a' })]),
        ),
      ),
    ],
    [
      'a GNU long name',
      {},
      tarOf(
        member({ name: 'l', typeflag: 'L', content: Buffer.alloc(2 << 20, 0x61) }),
        member({ name: 'a' }),
      ),
    ],
    ['a path', {}, tarOf(paxMember({ path: 'p'.repeat(40_000) }), member({ name: 'a' }))],
    ['a link', {}, tarOf(paxMember({ linkpath: 'p'.repeat(40_000) }), member({ name: 'a', typeflag: '2' }))],
    [
      'the content of an entry',
      { entryBytes: 1000 },
      tarOf(member({ name: 'a', content: Buffer.alloc(1001) })),
    ],
    [
      'all content',
      { totalBytes: 4000 },
      tarOf(...Array.from({ length: 4 }, () => member({ name: 'a', content: Buffer.alloc(1000) }))),
    ],
    ['bytes after the end', { totalBytes: 4000 }, Buffer.concat([END, Buffer.alloc(5000)])],
    [
      'sparse pieces',
      { sparsePieces: 3 },
      tarOf(
        paxMember({ 'GNU.sparse.size': '99', 'GNU.sparse.map': '0,0,1,0,2,0,3,0' }),
        member({ name: 'a' }),
      ),
    ],
    [
      'blocks of a sparse map, though none holds a piece',
      { sparsePieces: 3 },
      tarOf(
        headerBlock({
          name: 's',
          typeflag: 'S',
          fields: { magic: 'ustar  \0', realSize: '00000000000\0', extended: '1' },
        }),
        ...Array.from({ length: 6 }, (_, index) => {
          const block = Buffer.alloc(512)
          block.write(index < 5 ? '1' : '\0', 504)
          return block
        }),
      ),
    ],
    [
      'sparse pieces in a content map',
      { sparsePieces: 3 },
      tarOf(
        paxMember({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9' }),
        member({ name: 'a', content: Buffer.from('400000\n0\n0\n'.padEnd(1024, '\0')) }),
      ),
    ],
  ])('is stopped at its %s', async (_, limits, tar) => {
    await expect(readAll(tar, limits)).rejects.toMatchObject({ code: 'too-big' })
  })

  it('is stopped before a promised exabyte is waited for', async () => {
    const size = base256(0x80, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
    await expect(readAll(tarOf(headerBlock({ name: 'a', fields: { size } })))).rejects.toMatchObject({
      code: 'too-big',
    })
  })
})

describe('PAX and GNU extensions', () => {
  it('take their values over the header, the last of a key and local over global', async () => {
    const { members } = await readAll(
      tarOf(
        paxMember({ mtime: '5', uid: '7', path: 'global' }, 'g'),
        rawPax([
          paxRecord('path', 'first'),
          paxRecord('path', 'näme'),
          paxRecord('mtime', '-1.25'),
          paxRecord('size', '3'),
          paxRecord('uname', 'root'),
        ]),
        member({ name: 'short', content: ABC }),
        member({ name: 'next' }),
        paxMember({ path: '' }),
        member({ name: 'own' }),
      ),
    )
    expect(
      members.map(({ header }) => [
        header.path.toString(),
        header.uid,
        header.mtime,
        header.uname.toString(),
      ]),
    ).toEqual([
      ['näme', 7, { seconds: -2, nanoseconds: 750_000_000 }, 'root'],
      ['global', 7, { seconds: 5, nanoseconds: 0 }, ''],
      ['own', 7, { seconds: 5, nanoseconds: 0 }, ''],
    ])
  })

  it('apply a PAX size to the entry, not to the GNU long name between them', async () => {
    const { members } = await readAll(
      tarOf(
        paxMember({ size: '3' }),
        member({ name: '././@LongLink', typeflag: 'L', content: Buffer.from('a-long-name\0') }),
        Buffer.concat([
          headerBlock({ name: 'a', fields: { size: '00000000000\0' } }),
          ABC,
          Buffer.alloc(509),
        ]),
        member({ name: 'b' }),
      ),
    )
    expect(members.map(({ header, content }) => [header.path.toString(), content.toString()])).toEqual([
      ['a-long-name', 'abc'],
      ['b', ''],
    ])
  })

  it('keep binary extended attributes byte for byte', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
    const { members } = await readAll(
      tarOf(
        paxMember({
          'SCHILY.xattr.security.capability': capability,
          'LIBARCHIVE.xattr.user.a%3Db': capability.toString('base64'),
        }),
        member({ name: 'ping' }),
      ),
    )
    expect([...(members[0]?.header.xattrs ?? [])]).toEqual(
      expect.arrayContaining([
        ['security.capability', capability],
        ['user.a=b', capability],
      ]),
    )
  })

  it.each([
    ['octal filled with blanks', '  1750 \0', 0o1750],
    ['base-256', base256(0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff), 0x7fffffff],
    ['negative base-256', base256(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe), -2],
    ['blank', '\0\0\0\0\0\0\0\0', 0],
  ])('read a uid that is %s', async (_, uid, expected) => {
    const { members } = await readAll(tarOf(member({ name: 'a', fields: { uid } })))
    expect(members[0]?.header.uid).toBe(expected)
  })

  it('give no content to a link, a device or a directory that claims a size', async () => {
    const size = '00000000003\0'
    const parts = ['1', '2', '3', '4', '5', '6'].map((typeflag) =>
      headerBlock({ name: typeflag, typeflag, fields: { size } }),
    )
    const { members } = await readAll(tarOf(...parts))
    expect(members.map(({ header }) => [header.type, header.size])).toEqual([
      ['hardlink', 0],
      ['symlink', 0],
      ['char', 0],
      ['block', 0],
      ['directory', 0],
      ['fifo', 0],
    ])
  })
})

describe('sparse files', () => {
  withGnuTar.each([
    ['oldgnu', []],
    ['posix', ['--sparse-version=0.0']],
    ['posix', ['--sparse-version=0.1']],
    ['posix', ['--sparse-version=1.0']],
  ])('as the system tar writes them (%s %s) are read with map and real size', async (format, options) => {
    const root = mkdtempSync(join(tmpdir(), 'impound-sparse-'))
    try {
      const file = await open(join(root, 'holes'), 'w')
      // More pieces than a header block holds, so that extension blocks are read too.
      for (let index = 0; index < 40; index += 1) {
        await file.write(
          Buffer.alloc(4096, index + 1),
          0,
          4096,
          index * 1_000_000 - ((index * 1_000_000) % 4096),
        )
      }
      await file.truncate(50_000_000)
      await file.close()
      writeFileSync(join(root, 'after'), 'after')
      const tar = execFileSync(
        'tar',
        [`--format=${format}`, ...options, '--sparse', '-cf', '-', 'holes', 'after'],
        {
          cwd: root,
          maxBuffer: 1 << 28,
        },
      )
      const whole = createHash('sha256')
        .update(readFileSync(join(root, 'holes')))
        .digest('hex')
      expect(tar.length).toBeLessThan(2_000_000)
      const { members } = await readAll(inChunks(tar, 10_007))
      expect(members.map(({ header }) => header.path.toString())).toEqual(['holes', 'after'])
      expect(members[0]?.header.sparse?.realSize).toBe(50_000_000)
      expect(members[1]?.content.toString()).toBe('after')
      expect(await expandedSha256(tar)).toBe(whole)
    } finally {
      rmSync(root, { recursive: true })
    }
  })

  it.each([
    ['overlap', { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,2,1,1' }],
    ['end past the real size', { 'GNU.sparse.size': '2', 'GNU.sparse.map': '0,3' }],
    ['do not add up to the content', { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,2' }],
    ['are no pairs', { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,2,3' }],
    ['are no numbers', { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,1e1' }],
    ['promise a map that is not there', { 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9' }],
  ])('whose pieces %s are refused', async (_, records) => {
    const tar = tarOf(paxMember(records), member({ name: 'a', content: ABC }))
    await expect(readAll(tar)).rejects.toMatchObject({ code: 'integrity' })
  })
})

async function expandedSha256(tar: Buffer): Promise<string> {
  for await (const { header, content } of readTar(inChunks(tar, 4999))) {
    if (header.sparse === undefined) continue
    const hash = createHash('sha256')
    for await (const chunk of expandSparse(header.sparse, content)) hash.update(chunk)
    return hash.digest('hex')
  }
  return 'no sparse file'
}
