import { headerBlock, member, paxMember } from '../tar-fixtures.js'
import type { HostileArchive } from './archive.js'

const a = member({ name: 'a', content: Buffer.from('abc') })
const many = (entry: string, count: number): readonly string[] => Array.from({ length: count }, () => entry)

function endlessTar(
  name: string,
  bytes: Buffer,
  forever: Buffer,
  ...entries: readonly string[]
): HostileArchive {
  return { name, packing: 'tar', bytes, forever, entries, end: 'too-big' }
}

const sparseHead = headerBlock({
  name: 's',
  typeflag: 'S',
  fields: { magic: 'ustar  \0', realSize: '00000000000\0', extended: '1' },
})
/** An extension block without a piece that says another one follows. */
const emptyMap = Buffer.alloc(512)
emptyMap.write('1', 504)

/** Tars that never end. */
export const ENDLESS: readonly HostileArchive[] = [
  endlessTar('entries without end', Buffer.alloc(0), member({ name: 'n' }), ...many('file n', 40)),
  endlessTar(
    'big entries without end',
    Buffer.alloc(0),
    member({ name: 'n', content: Buffer.alloc(20_000, 1) }),
    ...many('file n, 20000 bytes', 3),
    'file n, cut',
  ),
  endlessTar('PAX headers without end', a, paxMember({ comment: 'x' }, 'g'), 'file a, 3 bytes'),
  endlessTar(
    'long names without end',
    a,
    member({ name: 'l', typeflag: 'L', content: Buffer.from('n\0') }),
    'file a, 3 bytes',
  ),
  endlessTar(
    'long links without end',
    a,
    member({ name: 'l', typeflag: 'K', content: Buffer.from('n\0') }),
    'file a, 3 bytes',
  ),
  endlessTar('a sparse map without end', Buffer.concat([a, sparseHead]), emptyMap, 'file a, 3 bytes'),
  endlessTar('zeros without end', a, Buffer.alloc(512), 'file a, 3 bytes'),
  endlessTar('zeros without end, byte by byte', Buffer.alloc(0), Buffer.alloc(1)),
]
