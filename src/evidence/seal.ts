import { rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { ImpoundError } from '../model/errors.js'
import { adoptStrays } from './adopt.js'
import { checkedName } from './artefact-store.js'
import { hashFile, putText, spoolFiles, writeTagFiles, type ManifestEntry } from './bag.js'
import { packTar, type Packed } from './pack.js'
import { ledgerDocument } from './projection.js'
import type { Spool } from './spool.js'
import { exists, flush, storageError } from './storage.js'

const INDEX = 'data/index.jsonl'
const LEDGER = 'data/ledger.json'
/** Flushed side by side small files share the disk's commits; each holds a thread that could pack. */
const FLUSHED_AT_ONCE = 3

export interface SealOptions {
  /** Why the run is incomplete as a whole: 'interrupted by Ctrl-C'. One collector's failure is not that. */
  readonly incomplete?: string
  /** README-VERIFY.txt. */
  readonly readme: string
  /** Documents for the reader, put beside the archive as `<archive's name>.<name>`. */
  readonly besides: readonly { readonly name: string; readonly text: string }[]
  readonly signal: AbortSignal
}

export interface SealedArchive {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  readonly logHead: string
  readonly incomplete: string | undefined
  /** `<path>.sha256`, in sha256sum's format. */
  readonly sha256File: string
  readonly besides: readonly string[]
  /** Where the spool still is, because it could not be removed or holds files that are not of our making. */
  readonly spoolLeft?: string
}

/**
 * Makes the archive of a spool, and only then removes the spool. The archive appears under its name in one step, whole and
 * flushed. On any failure the spool stays as it is and can be taken up by reopenSpool. Throws `storage`, `integrity`,
 * `aborted`, and `usage` where an archive of that name is there already.
 */
export async function sealSpool(spool: Spool, options: SealOptions): Promise<SealedArchive> {
  const { directory, name } = spool
  const output = dirname(directory)
  const path = join(output, `${name}.tar.gz`)
  if (await exists(path)) {
    throw new ImpoundError('usage', `${path} is there already`, {
      hints: [`check it with impound verify; if it is whole, ${directory} can go`],
    })
  }
  if (options.signal.aborted) {
    throw new ImpoundError('aborted', 'the archive was not begun', { cause: options.signal.reason })
  }
  const besides = options.besides.map(({ name: kind, text }) => ({
    path: join(output, `${name}.${checkedName(kind)}`),
    text,
  }))
  const strangers = await settle(spool)
  const members = await closeBag(spool, options)
  const packed = await publish(spool, members, path, besides, options.signal)
  const removed = strangers.length === 0 && (await remove(directory))
  return {
    path,
    ...packed,
    logHead: spool.log.head(),
    incomplete: options.incomplete,
    sha256File: `${path}.sha256`,
    besides: besides.map((beside) => beside.path),
    ...(removed ? {} : { spoolLeft: directory }),
  }
}

/** Concludes what is open and lists what the log doesn't know; returns what can't be in a bag. */
async function settle(spool: Spool): Promise<readonly string[]> {
  await spool.interruptOpen()
  const { payload, strangers } = await spoolFiles(spool.directory)
  await adoptStrays(spool, payload)
  if (strangers.length > 0) {
    const text = 'files that are not of our making lie in the spool; they are left where they are'
    await spool.log.append({ type: 'remark', text, data: strangers.slice(0, 100) })
  }
  return strangers
}

/** The last lines of the log, the projections of it, and the tag files. Nothing changes in the spool after it. */
async function closeBag(spool: Spool, options: SealOptions): Promise<readonly ManifestEntry[]> {
  const { incomplete, readme } = options
  const payload = await closePayload(spool)
  const sealedAt = spool.clock.now()
  await spool.log.appendDurably({
    type: 'sealed',
    incomplete: incomplete !== undefined,
    ...(incomplete === undefined ? {} : { why: incomplete }),
  })
  const info = {
    case: spool.scene.case,
    software: `impound ${spool.scene.tool.version}`,
    sealedAt,
    logHead: spool.log.head(),
    incomplete,
  }
  await spool.close()
  return writeTagFiles(spool.directory, payload, info, readme)
}

/** Writes index and ledger, and lists the payload. */
async function closePayload(spool: Spool): Promise<readonly ManifestEntry[]> {
  const { directory } = spool
  const index = spool.index()
  await putText(directory, INDEX, index.map((record) => `${JSON.stringify(record)}\n`).join(''))
  await putText(directory, LEDGER, `${JSON.stringify(ledgerDocument(spool.ledger()), undefined, 2)}\n`)
  const ours = await Promise.all(
    [INDEX, LEDGER].map(async (path) => ({ path, ...(await hashFile(join(directory, path))) })),
  )
  return [...index.map(({ path, sha256, bytes }) => ({ path, sha256, bytes })), ...ours]
}

/** Packs under another name, puts the companions beside, and only then gives the archive its name. */
async function publish(
  spool: Spool,
  members: readonly ManifestEntry[],
  path: string,
  besides: readonly { readonly path: string; readonly text: string }[],
  signal: AbortSignal,
): Promise<Packed> {
  const unfinished = `${path}.partial`
  const output = dirname(path)
  try {
    // the disk has time while the processors pack
    const flushed = flushAll(spool.directory, members, signal)
    flushed.catch(() => undefined)
    const packed = await packTar(spool.directory, members, unfinished, {
      folder: spool.name,
      mtime: new Date(spool.scene.clock.local),
      signal,
    })
    await flushed
    for (const beside of besides) await putText(output, basename(beside.path), beside.text)
    await putText(output, `${basename(path)}.sha256`, `${packed.sha256}  ${basename(path)}\n`)
    await rename(unfinished, path)
    await flush(output)
    return packed
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined)
    throw storageError(error, path)
  }
}

/** Else a crash of the machine could take what was received while it is packed; reopenSpool tells what did get lost. */
async function flushAll(
  directory: string,
  members: readonly ManifestEntry[],
  signal: AbortSignal,
): Promise<void> {
  const left = members.values()
  const one = async (): Promise<void> => {
    for (const { path } of left) {
      if (signal.aborted) return
      await flush(join(directory, path))
    }
  }
  await Promise.all(Array.from({ length: FLUSHED_AT_ONCE }, one))
}

/** False where the disk would not let go of it: the archive is whole all the same. */
async function remove(directory: string): Promise<boolean> {
  return rm(directory, { recursive: true }).then(
    () => true,
    () => false,
  )
}
