import { rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { ImpoundError } from '../model/errors.js'
import { adoptStrays } from './adopt.js'
import { hashFile, putText, spoolFiles, writeTagFiles, type ManifestEntry } from './bag.js'
import { packTar } from './pack.js'
import { ledgerDocument } from './projection.js'
import type { Spool } from './spool.js'
import { exists, flush, storageError } from './storage.js'

const INDEX = 'data/index.jsonl'
const LEDGER = 'data/ledger.json'

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
  options.signal.throwIfAborted()
  const strangers = await settle(spool)
  const payload = await closePayload(spool)
  const sealedAt = spool.clock.now()
  await spool.log.appendDurably({
    type: 'sealed',
    incomplete: options.incomplete !== undefined,
    ...(options.incomplete === undefined ? {} : { why: options.incomplete }),
  })
  const logHead = spool.log.head()
  await spool.close()
  const members = await writeTagFiles(
    directory,
    payload,
    {
      case: spool.scene.case,
      software: `impound ${spool.scene.tool.version}`,
      sealedAt,
      logHead,
      incomplete: options.incomplete,
    },
    options.readme,
  )

  const unfinished = `${path}.partial`
  const packed = await pack(spool, members, unfinished, options.signal)
  const besides: string[] = []
  for (const { name: kind, text } of options.besides) {
    besides.push(join(output, `${name}.${kind}`))
    await putText(output, `${name}.${kind}`, text)
  }
  await putText(output, `${basename(path)}.sha256`, `${packed.sha256}  ${basename(path)}\n`)
  try {
    await rename(unfinished, path)
    await flush(output)
    if (strangers.length === 0) await rm(directory, { recursive: true })
  } catch (error) {
    throw storageError(error, path)
  }
  return {
    path,
    ...packed,
    logHead,
    incomplete: options.incomplete,
    sha256File: `${path}.sha256`,
    besides,
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

/** Writes index and ledger, flushes the payload, and lists it. */
async function closePayload(spool: Spool): Promise<readonly ManifestEntry[]> {
  const { directory } = spool
  const index = spool.index()
  await putText(directory, INDEX, index.map((record) => `${JSON.stringify(record)}\n`).join(''))
  await putText(directory, LEDGER, `${JSON.stringify(ledgerDocument(spool.ledger()), undefined, 2)}\n`)
  try {
    for (const { path } of index) await flush(join(directory, path))
  } catch (error) {
    throw storageError(error, directory)
  }
  const ours = await Promise.all(
    [INDEX, LEDGER].map(async (path) => ({ path, ...(await hashFile(join(directory, path))) })),
  )
  return [...index.map(({ path, sha256, bytes }) => ({ path, sha256, bytes })), ...ours]
}

async function pack(
  spool: Spool,
  members: readonly ManifestEntry[],
  file: string,
  signal: AbortSignal,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  try {
    return await packTar(spool.directory, members, file, {
      folder: spool.name,
      mtime: new Date(spool.scene.clock.local),
      signal,
    })
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
}
