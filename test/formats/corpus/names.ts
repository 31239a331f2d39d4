import { member, paxMember, tarOf } from '../tar-fixtures.js'
import { read, refused, type HostileArchive } from './archive.js'

const content = Buffer.from('abc')
const after = member({ name: 'after', content })
const named = (name: string | Buffer): Buffer => tarOf(member({ name, content }), after)
const SEEN = 'file after, 3 bytes'

/** Names are data: the reader gives them byte for byte, whoever uses them refuses what is not safe. */
export const NAMES: readonly HostileArchive[] = [
  read('a path upwards', named('../../etc/cron.d/x'), 'file ../../etc/cron.d/x, 3 bytes', SEEN),
  read('a path upwards in its middle', named('a/b/../../../x'), 'file a/b/../../../x, 3 bytes', SEEN),
  read('an absolute path', named('/etc/shadow'), 'file /etc/shadow, 3 bytes', SEEN),
  read('two slashes first', named('//host/share'), 'file //host/share, 3 bytes', SEEN),
  read('a Windows path', named(String.raw`C:\Windows\x`), String.raw`file C:\Windows\x, 3 bytes`, SEEN),
  read('the name ..', named('..'), 'file .., 3 bytes', SEEN),
  read('the name .', named('.'), 'file ., 3 bytes', SEEN),
  read('an empty name', named(''), "file '', 3 bytes", SEEN),
  read('a name of slashes', named('////'), 'file ////, 3 bytes', SEEN),
  read('a file whose name ends in a slash', named('a/'), 'file a/, 3 bytes', SEEN),
  read(
    'an old directory that has a body',
    tarOf(member({ name: 'a/', typeflag: '\0', content }), after),
    'directory a/, 3 bytes',
    SEEN,
  ),
  read('a newline in a name', named('a\nb'), String.raw`file a\x0ab, 3 bytes`, SEEN),
  read('an escape in a name', named('\x1b[2Ja'), String.raw`file \x1b[2Ja, 3 bytes`, SEEN),
  read(
    'a name that turns the text around',
    named('\u202etxt.exe'),
    String.raw`file \xe2\x80\xaetxt.exe, 3 bytes`,
    SEEN,
  ),
  read(
    'a name that is no UTF-8',
    named(Buffer.from([0x61, 0xff, 0xfe])),
    String.raw`file a\xff\xfe, 3 bytes`,
    SEEN,
  ),
  read('something behind the NUL of a name', named('a\0hidden'), 'file a, 3 bytes', SEEN),
  read('a name that fills its field', named('n'.repeat(100)), `file ${'n'.repeat(100)}, 3 bytes`, SEEN),
  read('a name of blanks', named('   '), 'file    , 3 bytes', SEEN),
  read(
    'a prefix that leads upwards',
    tarOf(member({ name: 'x', content, fields: { prefix: '../..' } })),
    'file ../../x, 3 bytes',
  ),
  read(
    'a prefix without a name',
    tarOf(member({ name: '', content, fields: { prefix: 'p' } })),
    'file p/, 3 bytes',
  ),
  read(
    "GNU's magic, whose prefix is none",
    tarOf(member({ name: 'x', content, fields: { magic: 'ustar  \0', prefix: '12345' } })),
    'file x, 3 bytes',
  ),
  read(
    'one name three times',
    tarOf(member({ name: 'a', content }), member({ name: 'a' }), member({ name: './a', content })),
    'file a, 3 bytes',
    'file a',
    'file ./a, 3 bytes',
  ),
  read(
    'a name that is a directory, a file and a link',
    tarOf(
      member({ name: 'a/', typeflag: '5' }),
      member({ name: 'a', content }),
      member({ name: 'a', typeflag: '2', fields: { link: '/' } }),
    ),
    'directory a/',
    'file a, 3 bytes',
    'symlink a -> /',
  ),
  read(
    'a file below a symlink that leads out',
    tarOf(
      member({ name: 'a', typeflag: '2', fields: { link: '/etc' } }),
      member({ name: 'a/passwd', content }),
    ),
    'symlink a -> /etc',
    'file a/passwd, 3 bytes',
  ),
  read(
    'whiteouts with content',
    tarOf(member({ name: '.wh.a', content }), member({ name: 'd/.wh..wh..opq', content })),
    'file .wh.a, 3 bytes',
    'file d/.wh..wh..opq, 3 bytes',
  ),
  read(
    'a NUL in a PAX name',
    tarOf(paxMember({ path: 'a\0b' }), member({ name: 'x' })),
    String.raw`file a\x00b`,
  ),
  read('a PAX name upwards', tarOf(paxMember({ path: '../x' }), member({ name: 'x' })), 'file ../x'),
  read(
    'a name of 2 KiB',
    tarOf(paxMember({ path: 'd/'.repeat(1024) }), member({ name: 'x' })),
    'file d/d… of 2048',
  ),
  refused(
    'a name past the limit',
    'too-big',
    tarOf(after, paxMember({ path: 'd/'.repeat(1025) }), member({ name: 'x' })),
    SEEN,
  ),
]
