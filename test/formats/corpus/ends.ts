import { END, headerBlock, member, tarOf } from '../tar-fixtures.js'
import { read, refused, type HostileArchive } from './archive.js'

const a = member({ name: 'a', content: Buffer.from('abc') })
const ABC = 'file a, 3 bytes'
const ZEROS = Buffer.alloc(512)

function hidden(name: string, ...behind: readonly Buffer[]): HostileArchive {
  const tail = Buffer.concat(behind)
  return {
    name,
    packing: 'tar',
    bytes: Buffer.concat([tarOf(a), tail]),
    entries: [ABC],
    end: `hidden ${tail.length}`,
  }
}

/** How a tar ends, or does not. */
export const ENDS: readonly HostileArchive[] = [
  read('its end mark alone', END),
  read('zeros after its end mark', Buffer.concat([tarOf(a), Buffer.alloc(9216)]), ABC),
  read('one zero byte after its end mark', Buffer.concat([tarOf(a), Buffer.alloc(1)]), ABC),
  hidden('an entry after its end mark', member({ name: 'hidden' })),
  hidden('a whole tar after its end mark', tarOf(a)),
  hidden('an entry far after its end mark', Buffer.alloc(9000), member({ name: 'hidden' })),
  hidden('junk after its end mark', Buffer.from('junk')),
  refused('no end mark', 'cut', a, ABC),
  refused('one block of zeros at its end', 'cut', Buffer.concat([a, ZEROS]), ABC),
  refused('an end mark that lacks a byte', 'cut', tarOf(a).subarray(0, -1), ABC),
  refused('a lone block of zeros', 'integrity', Buffer.concat([a, ZEROS, a, END]), ABC),
  refused(
    'an end mark that does not begin at a block',
    'integrity',
    Buffer.concat([a, Buffer.from('x'), END, ZEROS]),
    ABC,
  ),
  refused('no byte', 'cut', Buffer.alloc(0)),
  refused('half a header', 'cut', headerBlock({ name: 'a' }).subarray(0, 256)),
  refused(
    'half a content',
    'cut',
    tarOf(member({ name: 'a', content: Buffer.alloc(2048, 1) })).subarray(0, 1024),
    'file a, cut',
  ),
  refused('a content without its filling', 'cut', a.subarray(0, 600), ABC),
  refused('text', 'integrity', Buffer.from('this is no tar at all, but long enough. '.repeat(40))),
  refused('a zip', 'integrity', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(1020)])),
]
