import { headerBlock, member, paxMember, paxRecord, rawPax, tarOf } from '../tar-fixtures.js'
import { read, refused, type HostileArchive } from './archive.js'

const content = Buffer.from('abc')
const a = member({ name: 'a', content })
const after = member({ name: 'after' })
const SEEN = 'file after'
const mapped = (size: string, map: string): Buffer =>
  tarOf(paxMember({ 'GNU.sparse.size': size, 'GNU.sparse.map': map }), a, after)
const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`

/** An old GNU sparse file; the map is offset, length, offset, length…, four pairs at most. */
function oldGnu(map: readonly (number | Buffer)[], realSize: number | Buffer = 9, extended = '\0'): Buffer {
  const field = (value: number | Buffer): Buffer =>
    Buffer.isBuffer(value) ? value : Buffer.from(octal(value), 'latin1')
  return headerBlock({
    name: 'a',
    typeflag: 'S',
    content,
    fields: {
      magic: 'ustar  \0',
      sparse: Buffer.concat(map.map(field)),
      realSize: field(realSize),
      extended,
    },
  })
}
const NEGATIVE = Buffer.alloc(12, 0xff)
const body = Buffer.concat([content, Buffer.alloc(509)])

/** A file of PAX form 1.0, whose content begins with its map. */
const inContent = (map: string, realSize = '9'): Buffer =>
  tarOf(
    paxMember({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': realSize }),
    member({ name: 'a', content: Buffer.concat([Buffer.from(map.padEnd(512, '\0')), content]) }),
    after,
  )

/** Maps of sparse files. */
export const SPARSE: readonly HostileArchive[] = [
  read('a sparse file', mapped('9', '0,1,5,2'), 'file a of 9 in 2, 3 bytes', SEEN),
  read(
    'a sparse file of 8 PB in no byte',
    tarOf(paxMember({ 'GNU.sparse.size': '9007199254740991', 'GNU.sparse.map': '' }), member({ name: 'a' })),
    'file a of 9007199254740991 in 0',
  ),
  refused('sparse pieces that overlap', 'integrity', mapped('9', '0,2,1,1')),
  refused('sparse pieces that go back', 'integrity', mapped('9', '5,2,0,1')),
  refused('a sparse piece past the end of its file', 'integrity', mapped('2', '0,3')),
  refused('sparse pieces of more than is stored', 'integrity', mapped('9', '0,4')),
  refused('sparse pieces of less than is stored', 'integrity', mapped('9', '0,2')),
  refused('a sparse offset without a length', 'integrity', mapped('9', '0,2,3')),
  refused('a sparse offset below zero', 'integrity', mapped('9', '-1,3')),
  refused('a sparse offset that wraps around', 'integrity', mapped('9', '9007199254740991,3')),
  refused('a sparse offset past 2^53', 'integrity', mapped('9', '9007199254740993,3')),
  refused('a sparse map of words', 'integrity', mapped('9', '0,three')),
  refused('a sparse map of commas', 'integrity', mapped('9', ',,,')),
  refused('a sparse size below zero', 'integrity', mapped('-9', '0,3')),
  refused('a sparse map past the limit', 'too-big', mapped('9', `0,0,`.repeat(60).concat('0,3'))),
  read(
    'a sparse map in records',
    tarOf(
      rawPax([
        paxRecord('GNU.sparse.size', '9'),
        ...['0', '1', '5', '2'].map((value, index) =>
          paxRecord(index % 2 === 0 ? 'GNU.sparse.offset' : 'GNU.sparse.numbytes', value),
        ),
      ]),
      a,
    ),
    'file a of 9 in 2, 3 bytes',
  ),
  refused(
    'a sparse map in records, one missing',
    'integrity',
    tarOf(rawPax([paxRecord('GNU.sparse.size', '9'), paxRecord('GNU.sparse.offset', '0')]), a),
  ),
  read('a sparse map in the content', inContent('2\n0\n1\n5\n2\n'), 'file a of 9 in 2, 3 bytes', SEEN),
  refused('a content map that is longer than its file', 'integrity', inContent(`40\n${'0\n'.repeat(250)}`)),
  refused('a content map of 10^15 pieces', 'too-big', inContent('1000000000000000\n')),
  refused('a content map without a count', 'integrity', inContent('\n0\n3\n')),
  refused('a content map of words', 'integrity', inContent('one\n0\n3\n')),
  refused('a content map without newlines', 'integrity', inContent('1'.repeat(512))),
  refused('a content map that overlaps', 'integrity', inContent('2\n0\n2\n1\n1\n')),
  refused('a content map with a wrong real size', 'integrity', inContent('1\n0\n3\n', '2')),
  refused(
    'a content map that is not there',
    'integrity',
    tarOf(paxMember({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9' }), a),
  ),
  read('an old GNU sparse file', tarOf(oldGnu([0, 1, 5, 2]), body, after), 'file a of 9 in 2, 3 bytes', SEEN),
  refused('old GNU pieces that overlap', 'integrity', tarOf(oldGnu([0, 2, 1, 1]), body)),
  refused('an old GNU offset below zero', 'integrity', tarOf(oldGnu([NEGATIVE, 3]), body)),
  refused('an old GNU length below zero', 'integrity', tarOf(oldGnu([0, 3, 5, NEGATIVE]), body)),
  refused('an old GNU real size below zero', 'integrity', tarOf(oldGnu([0, 3], NEGATIVE), body)),
  refused('an old GNU piece past the end', 'integrity', tarOf(oldGnu([0, 3], 2), body)),
  refused('an old GNU map that goes on where the tar ends', 'cut', Buffer.concat([oldGnu([0, 3], 9, '1')])),
  refused(
    'an old GNU map that goes on in noise',
    'integrity',
    tarOf(oldGnu([0, 3], 9, '1'), Buffer.alloc(512, 0x39)),
  ),
]
