import { headerBlock, member, paxMember, paxRecord, rawPax, tarOf } from '../tar-fixtures.js'
import { read, refused, type HostileArchive } from './archive.js'

const content = Buffer.from('abc')
const a = member({ name: 'a', content })
const after = member({ name: 'after' })
const SEEN = 'file after'
const ABC = 'file a, 3 bytes'
const over = (records: Parameters<typeof paxMember>[0]): Buffer => tarOf(paxMember(records), a, after)
const raw = (text: string): Buffer => tarOf(after, rawPax([Buffer.from(text, 'latin1')]), a)
const CAPABILITY = '0100000200200000000000000000000000000000'

/** PAX headers, which come before what they lie about. */
export const PAX: readonly HostileArchive[] = [
  refused('a PAX length of 0', 'integrity', raw('0 path=x\n'), SEEN),
  refused('a PAX length past its header', 'integrity', raw('99 path=x\n'), SEEN),
  refused('a PAX length of 10^30', 'integrity', raw(`1${'0'.repeat(30)} path=x\n`), SEEN),
  refused('a PAX length one too short', 'integrity', raw('9 path=xx\n'), SEEN),
  refused('a PAX length with a sign', 'integrity', raw('+10 path=x\n'), SEEN),
  refused('a PAX length with a zero first', 'integrity', raw('010 path=x\n'), SEEN),
  refused('a PAX length in hexadecimal', 'integrity', raw('0xa path=x\n'), SEEN),
  refused('a PAX record without a value', 'integrity', raw('8 pathx\n'), SEEN),
  refused('a PAX record whose = belongs to the next', 'integrity', raw('7 path\n10 path=x\n'), SEEN),
  refused('a PAX record without a newline', 'integrity', raw('10 path=xy10 path=x\n'), SEEN),
  refused('NULs behind the PAX records', 'integrity', raw('10 path=x\n\0\0\0'), SEEN),
  refused('a PAX header of blanks', 'integrity', raw('    '), SEEN),
  read('a PAX header of nothing', tarOf(rawPax([]), a, after), ABC, SEEN),
  read('a PAX record without a key', tarOf(rawPax([Buffer.from('6 =xy\n')]), a), ABC),
  read('a newline in a PAX value', over({ path: 'a\nb' }), String.raw`file a\x0ab, 3 bytes`, SEEN),
  read('a PAX record within a PAX value', over({ comment: '\n10 path=x\n' }), ABC, SEEN),
  read(
    'a PAX key three times',
    tarOf(rawPax(['x', 'y', 'z'].map((name) => paxRecord('path', name))), a),
    'file z, 3 bytes',
  ),
  read(
    'a PAX key that is taken away again',
    tarOf(rawPax([paxRecord('path', 'x'), paxRecord('path', '')]), a),
    ABC,
  ),
  read('PAX records as Sun wrote them', tarOf(paxMember({ path: 'sun' }, 'X'), a), 'file sun, 3 bytes'),
  refused(
    'two PAX headers for one entry',
    'integrity',
    tarOf(paxMember({ path: 'x' }), paxMember({ mtime: '1' }), a),
  ),
  refused('a PAX header for nothing', 'integrity', tarOf(after, paxMember({ path: 'x' })), SEEN),
  refused(
    'a PAX header cut off',
    'cut',
    tarOf(headerBlock({ name: 'p', typeflag: 'x', fields: { size: '00000004000\0' } })),
  ),
  refused(
    'a PAX header past the limit',
    'too-big',
    tarOf(after, paxMember({ comment: 'x'.repeat(8 << 10) }), a),
    SEEN,
  ),
  refused(
    'a PAX header of 8 GiB',
    'too-big',
    tarOf(headerBlock({ name: 'p', typeflag: 'x', fields: { size: '77777777777\0' } })),
  ),
  refused('a PAX size less than the header says', 'integrity', tarOf(paxMember({ size: '0' }), a), 'file a'),
  refused('a PAX size greater than what is there', 'cut', over({ size: '4000' }), 'file a, cut'),
  refused('a PAX size past the limit', 'too-big', over({ size: '99999999999' })),
  refused('a PAX size past 2^53', 'integrity', over({ size: '9007199254740993' })),
  refused('a PAX size below zero', 'integrity', over({ size: '-1' })),
  refused('a PAX size with an exponent', 'integrity', over({ size: '3e0' })),
  refused('a PAX size with a fraction', 'integrity', over({ size: '3.0' })),
  refused('a PAX size with a blank', 'integrity', over({ size: ' 3' })),
  read(
    'a PAX size that hides an entry from who does not obey it',
    tarOf(
      paxMember({ size: '1536' }),
      headerBlock({ name: 'a', fields: { size: '00000000000\0' } }),
      member({ name: 'hidden' }),
      Buffer.alloc(1024),
      after,
    ),
    'file a, 1536 bytes',
    SEEN,
  ),
  read(
    'a PAX size of a symlink',
    tarOf(paxMember({ size: '512' }), member({ name: 'l', typeflag: '2' }), after),
    'symlink l',
    SEEN,
  ),
  refused('a PAX time in words', 'integrity', over({ mtime: 'now' })),
  refused('a PAX time with an exponent', 'integrity', over({ mtime: '1e9' })),
  refused('a PAX time past 2^53', 'integrity', over({ mtime: '99999999999999999999' })),
  read(
    'a PAX time finer than nanoseconds',
    over({ mtime: '1.99999999999' }),
    'file a time 1+999999999, 3 bytes',
    SEEN,
  ),
  read('a PAX time just before 1970', over({ mtime: '-0.5' }), 'file a time -1+500000000, 3 bytes', SEEN),
  refused('a PAX uid below zero', 'integrity', over({ uid: '-1' })),
  read('a PAX uid past 32 bits', over({ uid: '4294967296' }), 'file a uid 4294967296, 3 bytes', SEEN),
  read(
    'binary extended attributes',
    over({ 'SCHILY.xattr.security.capability': Buffer.from(CAPABILITY, 'hex') }),
    `file a security.capability=${CAPABILITY}, 3 bytes`,
    SEEN,
  ),
  read(
    'an extended attribute with NUL, = and newline',
    over({ 'SCHILY.xattr.user.x': '\0=\n' }),
    'file a user.x=003d0a, 3 bytes',
    SEEN,
  ),
  read(
    'an extended attribute in base64 that is none',
    over({ 'LIBARCHIVE.xattr.user.%zz': '!!!!' }),
    'file a user.%zz=, 3 bytes',
    SEEN,
  ),
  read(
    'an extended attribute twice in two ways',
    over({ 'LIBARCHIVE.xattr.user.x': 'AAAA', 'SCHILY.xattr.user.x': 'b' }),
    'file a user.x=62, 3 bytes',
    SEEN,
  ),
  read(
    'a global header',
    tarOf(paxMember({ path: 'g', uid: '7' }, 'g'), a, paxMember({ uid: '8' }), a, after),
    'file g uid 7, 3 bytes',
    'file g uid 8, 3 bytes',
    'file g uid 7',
  ),
  read('a global header alone', tarOf(paxMember({ comment: 'an empty tree' }, 'g'))),
  refused('a global size', 'integrity', tarOf(after, paxMember({ size: '0' }, 'g'), a), SEEN),
  refused(
    'a global sparse map',
    'integrity',
    tarOf(paxMember({ 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,3' }, 'g'), a),
  ),
  refused(
    'global headers that add up',
    'too-big',
    tarOf(
      ...Array.from({ length: 9 }, (_, index) =>
        Buffer.concat([paxMember({ [`k${index}`]: 'x'.repeat(1000) }, 'g'), after]),
      ),
    ),
    ...Array.from({ length: 8 }, () => SEEN),
  ),
]
