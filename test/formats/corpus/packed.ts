import { constants, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib'

import { member, tarOf } from '../tar-fixtures.js'
import { blockBytes, frameHeader, skippableFrame, zstdBomb, zstdFrame } from '../zstd-fixtures.js'
import type { HostileArchive } from './archive.js'

const tar = tarOf(member({ name: 'a', content: Buffer.from('abc') }))
const ABC = 'file a, 3 bytes'
const gzipped = gzipSync(tar)
const CHECKED = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }
const packed = zstdCompressSync(tar, CHECKED)
const zeros = tarOf(
  member({ name: 'a', content: Buffer.alloc(30_000) }),
  member({ name: 'b', content: Buffer.alloc(30_000) }),
  member({ name: 'c', content: Buffer.alloc(30_000) }),
)

function gz(
  name: string,
  bytes: Buffer,
  end: HostileArchive['end'],
  ...entries: readonly string[]
): HostileArchive {
  return { name, packing: 'tar.gz', bytes, entries, end }
}
function zst(
  name: string,
  bytes: Buffer,
  end: HostileArchive['end'],
  ...entries: readonly string[]
): HostileArchive {
  return { name, packing: 'tar.zst', bytes, entries, end }
}

function changed(bytes: Buffer, offset: number): Buffer {
  const copy = Buffer.from(bytes)
  const at = offset < 0 ? copy.length + offset : offset
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
const blocks = { window: 1 << 20, isOpen: true } as const

/** Tars in gzip and zstd: bombs, lies of the packing, and what hides behind it. */
export const PACKED: readonly HostileArchive[] = [
  gz(
    'gzip in two members',
    Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))]),
    'whole',
    ABC,
  ),
  gz('empty gzip members between', Buffer.concat([gzipSync(''), gzipped, gzipSync('')]), 'whole', ABC),
  gz('a gzip bomb', gzipSync(Buffer.concat([tar.subarray(0, 1024), Buffer.alloc(8 << 20)])), 'too-big', ABC),
  gz(
    'a gzip bomb of entries',
    gzipSync(zeros),
    'too-big',
    'file a, 30000 bytes',
    'file b, 30000 bytes',
    'file c, cut',
  ),
  gz(
    'a gzip bomb within a gzip',
    gzipSync(tarOf(member({ name: 'inner.gz', content: gzipSync(Buffer.alloc(1 << 20)) }))),
    'whole',
    'file inner.gz, 1051 bytes',
  ),
  gz('a gzip in a gzip in a gzip', gzipSync(gzipSync(gzipSync(tar))), 'cut'),
  gz(
    'gzip members one too many',
    Buffer.concat([gzipped, ...Array.from({ length: 40 }, () => gzipSync(''))]),
    'too-big',
    ABC,
  ),
  gz('a tar that is cut in a whole gzip', gzipSync(tar.subarray(0, 1024)), 'cut', ABC),
  gz('a gzip that is cut', gzipped.subarray(0, gzipped.length / 2), 'cut'),
  gz('a gzip without its trailer', gzipped.subarray(0, -8), 'cut', ABC),
  gz('a gzip with half a trailer', gzipped.subarray(0, -4), 'cut', ABC),
  gz('a wrong gzip checksum', changed(gzipped, -8), 'integrity', ABC),
  gz('a wrong gzip length', changed(gzipped, -4), 'integrity', ABC),
  gz('a gzip header of unknown method', changed(gzipped, 2), 'integrity'),
  gz(
    'a gzip header with reserved flags',
    Buffer.concat([GZIP_HEADER.subarray(0, 3), Buffer.from([0xe0]), gzipped.subarray(4)]),
    'integrity',
  ),
  gz('deflate noise', Buffer.concat([GZIP_HEADER, Buffer.alloc(600, 0xff)]), 'integrity'),
  gz(
    'a deflate stream that reaches before its beginning',
    Buffer.concat([GZIP_HEADER, Buffer.from([0x4b, 0x04, 0x02, 0x00]), Buffer.alloc(9)]),
    'integrity',
  ),
  gz('zeros after a gzip', Buffer.concat([gzipped, Buffer.alloc(77)]), 'after packing 77', ABC),
  gz('junk after a gzip', Buffer.concat([gzipped, Buffer.from('junk')]), 'after packing 4', ABC),
  gz('a second tar in a second member', Buffer.concat([gzipped, gzipSync(tar)]), `hidden ${tar.length}`, ABC),
  gz('a zstd called gzip', packed, 'integrity'),
  gz('a tar called gzip', tar, 'integrity'),
  gz('an empty gzip', gzipSync(''), 'cut'),
  zst(
    'zstd in many frames',
    Buffer.concat(
      Array.from({ length: 20 }, (_, index) =>
        zstdCompressSync(tar.subarray(index * 77, index === 19 ? undefined : (index + 1) * 77)),
      ),
    ),
    'whole',
    ABC,
  ),
  zst(
    'zstd frames that hide something between',
    Buffer.concat([skippableFrame(tar), packed, skippableFrame(tar, 15)]),
    'whole',
    ABC,
  ),
  zst('a zstd bomb', zstdBomb(200), 'too-big'),
  zst('a zstd bomb of entries', zstdCompressSync(zeros), 'too-big'),
  zst(
    'a zstd bomb of entries that does not say so',
    Buffer.concat(
      Array.from({ length: 12 }, (_, index) =>
        zstdCompressSync(zeros.subarray(index * 8000, (index + 1) * 8000)),
      ),
    ),
    'too-big',
    'file a, 30000 bytes',
    'file b, 30000 bytes',
    'file c, cut',
  ),
  zst(
    'a zstd window past the limit',
    zstdFrame({ window: 2 << 20, blocks: [{ type: 'raw', content: tar }] }),
    'too-big',
  ),
  zst(
    'a zstd window of 3 TiB',
    zstdFrame({ window: 2 ** 41, blocks: [{ type: 'raw', content: tar }] }),
    'too-big',
  ),
  zst(
    'a zstd frame that promises an exabyte',
    zstdFrame({ window: 1024, contentBytes: 2n ** 60n, blocks: [{ type: 'raw', content: tar }] }),
    'too-big',
  ),
  zst(
    'a zstd frame that is shorter than it says',
    zstdFrame({ window: 4096, contentBytes: tar.length + 1, blocks: [{ type: 'raw', content: tar }] }),
    'integrity',
  ),
  zst(
    'zstd frames one too many',
    Buffer.concat([packed, ...Array.from({ length: 40 }, () => zstdCompressSync(''))]),
    'too-big',
    ABC,
  ),
  zst(
    'a zstd that needs a dictionary',
    zstdFrame({ window: 4096, dictionary: 1, blocks: [{ type: 'raw', content: tar }] }),
    'integrity',
  ),
  zst('a wrong zstd checksum', changed(packed, -1), 'integrity'),
  zst(
    'a zstd block of no type',
    zstdFrame({ window: 4096, blocks: [{ type: 'raw', content: tar }, { type: 'reserved' }] }),
    'integrity',
  ),
  zst(
    'a zstd block greater than its window',
    zstdFrame({ window: 1024, blocks: [{ type: 'raw', content: tar }] }),
    'integrity',
  ),
  zst(
    'zstd noise',
    zstdFrame({ window: 4096, blocks: [{ type: 'compressed', content: Buffer.alloc(900, 0xff) }] }),
    'integrity',
  ),
  zst('a zstd that is cut', packed.subarray(0, -5), 'cut'),
  zst('a zstd without its checksum', packed.subarray(0, -4), 'cut'),
  zst('a zstd cut in the name of its next frame', Buffer.concat([packed, packed.subarray(0, 3)]), 'cut', ABC),
  zst('a tar that is cut in a whole zstd', zstdCompressSync(tar.subarray(0, 1024)), 'cut', ABC),
  zst('junk after a zstd', Buffer.concat([packed, Buffer.from('junk')]), 'after packing 4', ABC),
  zst('zeros after a zstd', Buffer.concat([packed, Buffer.alloc(9)]), 'after packing 9', ABC),
  zst('a second tar in a second frame', Buffer.concat([packed, packed]), `hidden ${tar.length}`, ABC),
  zst('a gzip called zstd', gzipped, 'integrity'),
  zst('nothing but a skippable frame', skippableFrame(tar), 'cut'),
  { ...gz('gzip members without end', gzipped, 'too-big', ABC), forever: gzipSync('') },
  {
    ...gz('deflate blocks without end', GZIP_HEADER, 'too-big'),
    forever: Buffer.from([0, 0, 0, 0xff, 0xff]),
  },
  {
    ...gz('a gzip name without end', Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]), 'too-big'),
    forever: Buffer.from('name'),
  },
  { ...gz('zeros without end after a gzip', gzipped, 'too-big', ABC), forever: Buffer.alloc(512) },
  {
    ...gz(
      'a gzip of entries without end',
      gzipped.subarray(0, 0),
      'too-big',
      ...Array.from({ length: 40 }, () => 'file n'),
    ),
    forever: gzipSync(member({ name: 'n' })),
  },
  { ...zst('zstd frames without end', packed, 'too-big', ABC), forever: zstdCompressSync('') },
  {
    ...zst('skippable frames without end', Buffer.alloc(0), 'too-big'),
    forever: skippableFrame(Buffer.alloc(9)),
  },
  {
    ...zst('empty zstd blocks without end', frameHeader(blocks), 'too-big'),
    forever: blockBytes({ type: 'raw', content: Buffer.alloc(0) }, false),
  },
  {
    ...zst('full zstd blocks without end', frameHeader(blocks), 'too-big'),
    forever: blockBytes({ type: 'rle', byte: 0, times: 128 << 10 }, false),
  },
  { ...zst('zeros without end after a zstd', packed, 'too-big', ABC), forever: Buffer.alloc(512) },
  gz(
    'deflate that ends within its first byte',
    Buffer.concat([GZIP_HEADER, deflateRawSync(tar).subarray(0, 1)]),
    'cut',
  ),
]
