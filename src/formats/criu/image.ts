import { ImpoundError } from '../../model/errors.js'

/** Of images since CRIU 2.0, before the magic of their kind. */
const COMMON = 0x54564319
const SERVICE = 0x55105940

/** By the kind of image. Source: CRIU, criu/include/magic.h. */
const MAGIC = {
  inventory: 0x58313116,
  pstree: 0x50273030,
  core: 0x55053847,
  ids: 0x54432030,
  mm: 0x57492820,
  files: 0x56303138,
  'reg-files': 0x50363636,
  inetsk: 0x56443851,
  fdinfo: 0x56213732,
  stats: 0x57093306,
} as const

export type CriuImageKind = keyof typeof MAGIC

const MOST_ENTRY = 4 << 20
const MOST_ENTRIES = 500_000

/**
 * The entries of one CRIU image, each a protobuf message: a magic or two, then a length (32 bits, little-endian) before each. They share the
 * image's memory. Throws `integrity` where it is another kind of image, `cut` where it ends within an entry, `too-big` past 4 MiB an entry or
 * 500,000 entries.
 */
export function* criuEntries(image: Buffer, kind: CriuImageKind): Generator<Buffer, void, undefined> {
  let at = afterMagic(image, kind)
  for (let count = 0; at < image.length; count += 1) {
    if (count === MOST_ENTRIES) throw new ImpoundError('too-big', `it has more than ${MOST_ENTRIES} entries`)
    if (at + 4 > image.length) throw cut(at)
    const length = image.readUInt32LE(at)
    if (length > MOST_ENTRY) throw new ImpoundError('too-big', `an entry says that it has ${length} bytes`)
    const end = at + 4 + length
    if (end > image.length) throw cut(at)
    yield image.subarray(at + 4, end)
    at = end
  }
}

function afterMagic(image: Buffer, kind: CriuImageKind): number {
  const word = (at: number): number | undefined =>
    at + 4 <= image.length ? image.readUInt32LE(at) : undefined
  const first = word(0)
  // the inventory and images before 2.0 have theirs alone
  if (first === MAGIC[kind]) return 4
  if ((first === COMMON || first === SERVICE) && word(4) === MAGIC[kind]) return 8
  throw new ImpoundError('integrity', `it does not begin as an image of the kind ${kind} does`)
}

function cut(at: number): ImpoundError {
  return new ImpoundError('cut', `it ends within the entry at byte ${at}`)
}
