import { readGzip } from '../../../src/formats/gzip.js'
import { keepReturn, type KeptReturn } from '../../../src/formats/keep-return.js'
import { readTar, type TarHeader, type TarLimits } from '../../../src/formats/tar.js'
import type { Trailing } from '../../../src/formats/trailing.js'
import { readZstd } from '../../../src/formats/zstd.js'
import { ImpoundError } from '../../../src/model/errors.js'
import type { End } from './archive.js'

export type Packing = 'tar' | 'tar.gz' | 'tar.zst'

export interface SourceBytes {
  readonly packing: Packing
  readonly bytes: Buffer
  /** Follows again and again. */
  readonly forever?: Buffer
}

export interface Outcome {
  readonly entries: readonly string[]
  readonly end: End
  /** Of all content that came out. */
  readonly contentBytes: number
}

/** Narrow, so that what never ends is over soon. */
export const LIMITS = {
  tar: {
    entries: 40,
    headerBytes: 8 << 10,
    pathBytes: 2 << 10,
    entryBytes: 32 << 10,
    totalBytes: 64 << 10,
    sparsePieces: 60,
  } satisfies TarLimits,
  packed: { storedBytes: 64 << 10, outputBytes: 64 << 10, members: 40, frames: 40, windowBytes: 1 << 20 },
} as const

/**
 * Reads it as any consumer would: unpacked where it is packed, every entry with its whole content, at once where it is in
 * memory. Never rejects.
 */
export async function outcomeOf(packing: Packing, source: AsyncIterable<Uint8Array>): Promise<Outcome> {
  const entries: string[] = []
  let contentBytes = 0
  try {
    const packed = unpacked(packing, source)
    const tar = keepReturn(readTar(packed ?? source, LIMITS.tar))
    for await (const { header, content } of tar) {
      const described = entries.push(`${describeEntry(header)}, cut`) - 1
      let length = content.whole()?.length ?? 0
      for await (const chunk of content) length += chunk.length
      contentBytes += length
      entries[described] = `${describeEntry(header)}${length > 0 ? `, ${length} bytes` : ''}`
    }
    return { entries, end: endOf(tar.returned?.trailing, packed?.returned?.trailing), contentBytes }
  } catch (error) {
    return { entries, end: error instanceof ImpoundError ? error.code : notOurs(error), contentBytes }
  }
}

function unpacked(
  packing: Packing,
  source: AsyncIterable<Uint8Array>,
): KeptReturn<Buffer, { readonly trailing: Trailing }> | undefined {
  if (packing === 'tar.gz') return keepReturn(readGzip(source, LIMITS.packed))
  if (packing === 'tar.zst') return keepReturn(readZstd(source, LIMITS.packed))
  return undefined
}

function endOf(tar: Trailing | undefined, packing: Trailing | undefined): End {
  if (tar === undefined) return 'bug'
  if (!tar.zero) return `hidden ${tar.bytes}`
  return packing !== undefined && packing.bytes > 0 ? `after packing ${packing.bytes}` : 'whole'
}

/** Whatever a reader throws is an ImpoundError; anything else is a fault, as is a 'bug'. */
function notOurs(error: unknown): never {
  throw new Error('a reader threw what is no ImpoundError', { cause: error })
}

/** Type and path, and whatever is not usual: 'file a', 'symlink a -> b', 'file a mode 4755 uid 7'. */
function describeEntry(header: TarHeader): string {
  const { seconds, nanoseconds } = header.mtime
  const xattrs = [...header.xattrs].map(([name, value]) => `${name}=${value.toString('hex')}`)
  return [
    header.type === 'other' ? `type ${shown(header.typeflag)}` : header.type,
    shown(header.path),
    header.linkPath === undefined ? '' : `-> ${shown(header.linkPath)}`,
    header.mode === 0o644 ? '' : `mode ${header.mode.toString(8)}`,
    header.uid === 0 ? '' : `uid ${header.uid}`,
    header.gid === 0 ? '' : `gid ${header.gid}`,
    seconds === 0 && nanoseconds === 0 ? '' : `time ${seconds}+${nanoseconds}`,
    header.deviceMajor + header.deviceMinor === 0 ? '' : `device ${header.deviceMajor}:${header.deviceMinor}`,
    header.sparse === undefined ? '' : `of ${header.sparse.realSize} in ${header.sparse.pieces.length}`,
    ...xattrs,
  ]
    .filter((part) => part !== '')
    .join(' ')
}

/** Latin-1, with everything but plain characters escaped; long names by their length. */
function shown(raw: Buffer | string): string {
  const text = typeof raw === 'string' ? raw : raw.toString('latin1')
  if (text.length > 120) return `${text.slice(0, 3)}… of ${text.length}`
  return text === '' ? "''" : text.replaceAll(/[^\x20-\x7e]/g, (char) => `\\x${hex(char)}`)
}

function hex(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(2, '0')
}
