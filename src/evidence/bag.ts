import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import { isSafeSegment } from '../model/safe-segment.js'
import { isOwnName } from './names.js'
import { compare } from './projection.js'
import { oneLine } from './reason.js'
import { storageError, writeAll } from './storage.js'

/** BagIt 1.0 (RFC 8493), 2.1.1. */
const BAGIT_TXT = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n'
const TAG_MANIFEST = 'tagmanifest-sha256.txt'
/** What the tag manifest lists, in its order. */
const TAG_FILES = [
  'README-VERIFY.txt',
  'acquisition.jsonl',
  'bag-info.txt',
  'bagit.txt',
  'manifest-sha256.txt',
] as const

/** One line of a manifest. */
export interface ManifestEntry {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

export interface BagInfo {
  readonly case: string
  readonly software: string
  /** When it was sealed. */
  readonly sealedAt: Date
  readonly logHead: string
  readonly incomplete: string | undefined
}

/**
 * Makes a directory with its payload and its log a bag: bag-info.txt, manifests, README. What stood there from an earlier
 * attempt is overwritten. Returns every file of the bag, sorted by path.
 */
export async function writeTagFiles(
  directory: string,
  payload: readonly ManifestEntry[],
  info: BagInfo,
  readme: string,
): Promise<readonly ManifestEntry[]> {
  const sorted = [...payload].sort((a, b) => compare(a.path, b.path))
  await putText(directory, 'bagit.txt', BAGIT_TXT)
  await putText(directory, 'bag-info.txt', bagInfo(info, sorted))
  await putText(directory, 'README-VERIFY.txt', readme)
  await putText(directory, 'manifest-sha256.txt', manifest(sorted))
  const tags: ManifestEntry[] = []
  for (const path of TAG_FILES) tags.push({ path, ...(await hashFile(join(directory, path))) })
  await putText(directory, TAG_MANIFEST, manifest(tags))
  const own = { path: TAG_MANIFEST, ...(await hashFile(join(directory, TAG_MANIFEST))) }
  return [...sorted, ...tags, own].sort((a, b) => compare(a.path, b.path))
}

/** sha256sum's format, two spaces. Our paths need none of the escapes of RFC 8493, 2.1.3. */
function manifest(entries: readonly ManifestEntry[]): string {
  return entries.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join('')
}

function bagInfo(info: BagInfo, payload: readonly ManifestEntry[]): string {
  const bytes = payload.reduce((sum, entry) => sum + entry.bytes, 0)
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['Bag-Software-Agent', info.software],
    ['Bagging-Date', info.sealedAt.toISOString().slice(0, 10)],
    ['External-Identifier', info.case],
    ['Impound-Archive-Version', '1'],
    ['Impound-Incomplete', info.incomplete],
    ['Impound-Log-Head', info.logHead],
    ['Payload-Oxum', `${bytes}.${payload.length}`],
  ]
  return lines
    .filter((line): line is readonly [string, string] => line[1] !== undefined)
    .map(([label, value]) => `${label}: ${oneLine(value, 500)}\n`)
    .join('')
}

/** Writes a small file anew (mode 0600) and flushes it. Throws `storage`. */
export async function putText(directory: string, path: string, text: string): Promise<void> {
  const file = join(directory, path)
  try {
    const handle = await open(file, 'w', 0o600)
    try {
      await writeAll(handle, Buffer.from(text))
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw storageError(error, file)
  }
}

export async function hashFile(file: string): Promise<Pick<ManifestEntry, 'sha256' | 'bytes'>> {
  const hash = createHash('sha256')
  let bytes = 0
  await pipeline(
    createReadStream(file, { highWaterMark: 1024 * 1024 }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk)
        bytes += chunk.length
      }
    },
  )
  return { sha256: hash.digest('hex'), bytes }
}

/** What lies in a spool: the payload, and what is not of our making (odd names, links, devices). */
export interface SpoolFiles {
  readonly payload: readonly string[]
  readonly strangers: readonly string[]
}

/** Paths below the spool's directory, sorted. Links are not followed. */
export async function spoolFiles(directory: string): Promise<SpoolFiles> {
  const payload: string[] = []
  const strangers: string[] = []
  const visit = async (path: string): Promise<void> => {
    for (const entry of await readdir(join(directory, path), { withFileTypes: true })) {
      const below = `${path}/${entry.name}`
      const ours = isSafeSegment(entry.name) || (path === 'data/targets' && isOwnName(entry.name))
      if (ours && entry.isDirectory()) await visit(below)
      else if (ours && entry.isFile()) payload.push(below)
      else strangers.push(below)
    }
  }
  for (const entry of await readdir(directory)) {
    if (entry === 'data') await visit('data')
    else if (!([...TAG_FILES, TAG_MANIFEST] as readonly string[]).includes(entry)) strangers.push(entry)
  }
  return { payload: payload.sort(compare), strangers: strangers.sort(compare) }
}
