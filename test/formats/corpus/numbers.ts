import { headerBlock, member, tarOf, type Member } from '../tar-fixtures.js'
import { read, refused, type HostileArchive } from './archive.js'

const content = Buffer.from('abc')
const after = member({ name: 'after' })
const withFields = (fields: NonNullable<Member['fields']>): Buffer =>
  tarOf(member({ name: 'a', content, fields }), after)
const bytes = (...values: readonly number[]): Buffer => Buffer.from(values)
const SEEN = 'file after'
const ABC = 'file a, 3 bytes'

/** The header of 'a' with another checksum field, which is not summed. */
function withChecksum(field: (unsigned: number, signed: number) => string, name = 'a'): Buffer {
  const block = headerBlock({ name })
  block.fill(0x20, 148, 156)
  const unsigned = block.reduce((sum, byte) => sum + byte, 0)
  const signed = block.reduce((sum, byte) => sum + (byte > 127 ? byte - 256 : byte), 0)
  block.write(field(unsigned, signed), 148, 8, 'latin1')
  return tarOf(block, after)
}
const octal = (value: number): string => value.toString(8).padStart(6, '0')

/** Numbers of the header, in all the ways that writers and liars write them. */
export const NUMBERS: readonly HostileArchive[] = [
  read('a size in blanks', withFields({ size: '         3 \0' }), ABC, SEEN),
  read('a size without an end', withFields({ size: '000000000003' }), ABC, SEEN),
  read('a size in base-256', withFields({ size: bytes(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3) }), ABC, SEEN),
  refused(
    'a size of an exabyte',
    'too-big',
    withFields({ size: bytes(0x80, 0, 0, 0, 0, 0x0f, 0xff, 0, 0, 0, 0, 0) }),
  ),
  refused(
    'a size past 2^53',
    'integrity',
    withFields({ size: bytes(0x80, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0) }),
  ),
  refused('a size below zero', 'integrity', withFields({ size: Buffer.alloc(12, 0xff) })),
  refused(
    'the lowest size of base-256',
    'integrity',
    withFields({ size: bytes(0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }),
  ),
  refused('a size past the limit', 'too-big', withFields({ size: '00000100001\0' })),
  refused('a size of 8 GiB less one', 'too-big', withFields({ size: '77777777777\0' })),
  refused('a size greater than what is there', 'cut', withFields({ size: '00000040000\0' }), 'file a, cut'),
  refused(
    'a size less than what is there',
    'integrity',
    tarOf(member({ name: 'a', content: Buffer.alloc(600, 1), fields: { size: '00000000003\0' } })),
    ABC,
  ),
  refused('a size of nothing', 'integrity', withFields({ size: '\0'.repeat(12) })),
  refused('a size with an exponent', 'integrity', withFields({ size: '1e3\0' })),
  refused('a size in hexadecimal', 'integrity', withFields({ size: '0x10\0' })),
  refused('a size with an 8', 'integrity', withFields({ size: '00000000008\0' })),
  refused('a size with a sign', 'integrity', withFields({ size: '-0000000003\0' })),
  refused('a size with a second one behind its end', 'integrity', withFields({ size: '0000003\x000007' })),
  read(
    'a uid in base-256',
    withFields({ uid: bytes(0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff) }),
    'file a uid 4294967295, 3 bytes',
    SEEN,
  ),
  read('a uid below zero', withFields({ uid: Buffer.alloc(8, 0xff) }), 'file a uid -1, 3 bytes', SEEN),
  refused(
    'a uid past 2^53',
    'integrity',
    withFields({ uid: bytes(0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) }),
  ),
  read('blank ids', withFields({ uid: '        ', gid: '\0'.repeat(8) }), ABC, SEEN),
  read(
    'a time before 1970',
    withFields({ mtime: Buffer.alloc(12, 0xff) }),
    'file a time -1+0, 3 bytes',
    SEEN,
  ),
  read(
    'a time in a far year',
    withFields({ mtime: bytes(0x80, 0, 0, 0, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) }),
    'file a time 9007199254740991+0, 3 bytes',
    SEEN,
  ),
  refused(
    'a time past 2^53',
    'integrity',
    withFields({ mtime: bytes(0x80, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0) }),
  ),
  read(
    'a checksum in blanks',
    withChecksum((sum) => ` ${sum.toString(8)}\0 `),
    'file a',
    SEEN,
  ),
  read(
    'a checksum that fills its field',
    withChecksum((sum) => sum.toString(8).padStart(8, '0')),
    'file a',
    SEEN,
  ),
  read(
    'a checksum of signed bytes',
    withChecksum((_, sum) => `${octal(sum)}\0 `, 'ä'),
    String.raw`file \xc3\xa4`,
    SEEN,
  ),
  refused(
    'a checksum off by one',
    'integrity',
    withChecksum((sum) => `${octal(sum + 1)}\0 `),
  ),
  refused(
    'a checksum off by 256 without a high byte',
    'integrity',
    withChecksum((sum) => `${octal(sum - 256)}\0 `),
  ),
  refused(
    'a checksum of nothing',
    'integrity',
    withChecksum(() => '        '),
  ),
  refused(
    'a checksum in letters',
    'integrity',
    withChecksum(() => 'checksum'),
  ),
]
