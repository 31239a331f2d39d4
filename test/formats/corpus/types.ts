import { member, tarOf, type Member } from '../tar-fixtures.js'
import { read, refused, type HostileArchive } from './archive.js'

const content = Buffer.from('abc')
const after = member({ name: 'after' })
const typed = (typeflag: string, fields: Member['fields'] = {}): Buffer =>
  tarOf(member({ name: 'a', typeflag, fields }), after)
const SIZED = { size: '00000001000\0' }
const SEEN = 'file after'

/** Types, links, devices and modes. */
export const TYPES: readonly HostileArchive[] = [
  read(
    'a character device',
    typed('3', { major: '0000001\0', minor: '0000003\0' }),
    'char a device 1:3',
    SEEN,
  ),
  read('a block device', typed('4', { major: '0000010\0', minor: '0000000\0' }), 'block a device 8:0', SEEN),
  read('a pipe', typed('6'), 'fifo a', SEEN),
  read('a device that claims a body', typed('4', SIZED), 'block a', SEEN),
  read('a pipe that claims a body', typed('6', SIZED), 'fifo a', SEEN),
  read('a directory that claims a body', typed('5', SIZED), 'directory a', SEEN),
  read('a symlink that claims a body', typed('2', { ...SIZED, link: 'b' }), 'symlink a -> b', SEEN),
  refused(
    'a hardlink that has a body',
    'integrity',
    tarOf(member({ name: 'a', typeflag: '1', content, fields: { link: 'b' } }), after),
    'hardlink a -> b',
  ),
  refused('device numbers that are none', 'integrity', typed('3', { major: 'zzzzzzz\0' })),
  read(
    'device numbers where a V7 header has none',
    typed('0', { magic: '', major: 'zzzzzzz\0' }),
    'file a',
    SEEN,
  ),
  read('a hardlink to itself', typed('1', { link: 'a' }), 'hardlink a -> a', SEEN),
  read(
    'hardlinks in a circle',
    tarOf(
      member({ name: 'a', typeflag: '1', fields: { link: 'b' } }),
      member({ name: 'b', typeflag: '1', fields: { link: 'c' } }),
      member({ name: 'c', typeflag: '1', fields: { link: 'a' } }),
    ),
    'hardlink a -> b',
    'hardlink b -> c',
    'hardlink c -> a',
  ),
  read(
    'a hardlink upwards',
    typed('1', { link: '../../etc/shadow' }),
    'hardlink a -> ../../etc/shadow',
    SEEN,
  ),
  read('a hardlink to what comes later', typed('1', { link: 'after' }), 'hardlink a -> after', SEEN),
  read('a link to nothing', typed('2'), 'symlink a', SEEN),
  read('a symlink to itself', typed('2', { link: 'a' }), 'symlink a -> a', SEEN),
  read(
    'a link whose target fills its field',
    typed('2', { link: 'l'.repeat(100) }),
    `symlink a -> ${'l'.repeat(100)}`,
    SEEN,
  ),
  read('a file with a link target', typed('0', { link: '/etc' }), 'file a -> /etc', SEEN),
  read(
    'types that nobody knows',
    tarOf(
      ...['8', 'Z', 'a', ' ', '\xff', '\x01'].map((typeflag) => member({ name: 'n', typeflag, content })),
      after,
    ),
    'type 8 n, 3 bytes',
    'type Z n, 3 bytes',
    'type a n, 3 bytes',
    'type   n, 3 bytes',
    String.raw`type \xff n, 3 bytes`,
    String.raw`type \x01 n, 3 bytes`,
    SEEN,
  ),
  read(
    "GNU's label, volume, old name and dump directory",
    tarOf(...['V', 'M', 'N', 'D'].map((typeflag) => member({ name: 'n', typeflag, content })), after),
    'type V n, 3 bytes',
    'type M n, 3 bytes',
    'type N n, 3 bytes',
    'directory n, 3 bytes',
    SEEN,
  ),
  read('every mode bit', typed('0', { mode: '0007777\0' }), 'file a mode 7777', SEEN),
  read('a directory with setuid', typed('5', { mode: '0004755\0' }), 'directory a mode 4755', SEEN),
  read('mode bits that are no permissions', typed('0', { mode: '77777777' }), 'file a mode 7777', SEEN),
  read('a mode below zero', typed('0', { mode: Buffer.alloc(8, 0xff) }), 'file a mode 7777', SEEN),
  refused('a mode in letters', 'integrity', typed('0', { mode: 'rwxr-xr\0' })),
]
