import { headerBlock, member, paxMember, tarOf } from '../tar-fixtures.js'
import { read, refused, type HostileArchive } from './archive.js'

const long = (text: string): Buffer =>
  member({ name: '././@LongLink', typeflag: 'L', content: Buffer.from(text, 'latin1') })
const longLink = (text: string): Buffer =>
  member({ name: '././@LongLink', typeflag: 'K', content: Buffer.from(text, 'latin1') })
const a = member({ name: 'a', content: Buffer.from('abc') })
const link = member({ name: 'l', typeflag: '2', fields: { link: 'b' } })

/** GNU's long names ('L') and long link targets ('K'). */
export const LONG_NAMES: readonly HostileArchive[] = [
  read('a long name upwards', tarOf(long('../../x\0'), a), 'file ../../x, 3 bytes'),
  read('a long name without an end', tarOf(long('name'), a), 'file name, 3 bytes'),
  read('a long name with more behind its end', tarOf(long('name\0hidden'), a), 'file name, 3 bytes'),
  read('an empty long name', tarOf(long('\0'), a), "file '', 3 bytes"),
  read('a long name of no bytes', tarOf(long(''), a), "file '', 3 bytes"),
  read(
    'long names one after the other',
    tarOf(long('one\0'), long('two\0'), long('three\0'), a),
    'file three, 3 bytes',
  ),
  read(
    'long links one after the other',
    tarOf(longLink('one\0'), longLink('two\0'), link),
    'symlink l -> two',
  ),
  read(
    'a long name and a long link',
    tarOf(longLink('/etc\0'), long('n\0'), link, a),
    'symlink n -> /etc',
    'file a, 3 bytes',
  ),
  read('a long link for a file', tarOf(longLink('/etc\0'), a), 'file a -> /etc, 3 bytes'),
  read(
    'a PAX header between a long name and its entry',
    tarOf(long('n\0'), paxMember({ uid: '7' }), a),
    'file n uid 7, 3 bytes',
  ),
  refused('a long name and a PAX name', 'integrity', tarOf(long('n\0'), paxMember({ path: 'p' }), a)),
  refused(
    'a PAX target and a long link',
    'integrity',
    tarOf(paxMember({ linkpath: 'p' }), longLink('n\0'), link),
  ),
  refused(
    'a long name past the limit of paths',
    'too-big',
    tarOf(a, long('n'.repeat(2049)), a),
    'file a, 3 bytes',
  ),
  refused('a long link past the limit of paths', 'too-big', tarOf(longLink('n'.repeat(2049)), link)),
  refused('a long name past the limit of headers', 'too-big', tarOf(long('n'.repeat(9000)), a)),
  refused('a long name for nothing', 'integrity', tarOf(a, long('n\0')), 'file a, 3 bytes'),
  refused('a long link for nothing', 'integrity', tarOf(longLink('n\0'))),
  refused(
    'a long name cut off',
    'cut',
    tarOf(headerBlock({ name: 'l', typeflag: 'L', fields: { size: '00000004000\0' } })),
  ),
]
