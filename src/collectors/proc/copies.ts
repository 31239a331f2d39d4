import { readCapture } from '../../formats/proc/capture.js'
import { linkTarget } from '../../formats/proc/link-target.js'
import { parseStat } from '../../formats/proc/stat.js'
import type { CollectContext } from '../../model/collector.js'
import { ImpoundError } from '../../model/errors.js'
import { type CountedReason, REASON_OF } from '../../model/evidence.js'
import type { KeptFile } from '../../model/process-documents.js'
import type { ArtefactWriter, Sink } from '../../model/ports/sink.js'
import { safeSegment } from '../../model/safe-segment.js'
import type { Captured } from './captures.js'
import { isRegular } from './opened-file.js'
import type { RecordedLink } from './process-record.js'
import { runScript } from './script-run.js'

/** Of one file, and of all files of one capture: the volatile phase has seconds. */
const MOST_OF_ONE = 64 << 20
const MOST_OF_ALL = 256 << 20
const MOST_FILES = 32
const ALLOWANCE = 16 << 20

/** A file that has no name any more, to be copied by the link of a process that holds it. */
interface Wanted {
  readonly container: string
  readonly pid: number
  /** 'exe' or 'fd/7' */
  readonly link: string
  readonly starttime: number
  readonly size: number
}

/** Where the bytes of a nameless file were kept, by `device inode`. */
export type KeptFiles = ReadonlyMap<string, KeptFile>

/** Which file it is; undefined where nobody knows. */
export function fileKey(link: RecordedLink | undefined): string | undefined {
  const { identity } = link ?? {}
  return identity === undefined ? undefined : `${identity.device} ${identity.inode}`
}

/**
 * Copies what runs or is open and has no name any more: executables first, each file once, hashed while it is received. What does
 * not fit, or could not be read, has a row in the ledger.
 */
export async function copyNameless(
  context: CollectContext,
  captured: Captured,
  sink: Sink,
): Promise<KeptFiles> {
  const { wanted, left } = wantedFrom(captured)
  if (left > 0) {
    await sink.skip(
      'processes deleted files',
      'too-big',
      `${left} more files without a name are open: ${MOST_FILES} files and ${MOST_OF_ALL} bytes are copied at most`,
    )
  }
  return wanted.size === 0 ? new Map() : receive(context, captured, wanted, sink)
}

function wantedFrom({ table, naming }: Captured): {
  readonly wanted: ReadonlyMap<string, Wanted>
  readonly left: number
} {
  const wanted = new Map<string, Wanted>()
  let left = 0
  let bytes = 0
  const consider = (pid: number, name: string, link: RecordedLink | undefined): void => {
    const key = fileKey(link)
    const container = naming.container(pid)
    const { first } = table.processes.get(pid) ?? {}
    if (key === undefined || link === undefined || container === undefined || first === undefined) return
    const target = linkTarget(link.target)
    const isMarked = target.kind === 'memfd' || (target.kind === 'path' && target.marked)
    const { links = 1, size = 0 } = link.identity ?? {}
    // An executable of a layer keeps its name there when it is deleted above: worth a copy all the same
    const isNameless = name === 'exe' ? isMarked : isMarked && links === 0
    if (!isNameless || !isRegular(link) || size === 0 || wanted.has(key)) return
    const expected = Math.min(size, MOST_OF_ONE)
    if (wanted.size >= MOST_FILES || bytes + expected > MOST_OF_ALL) {
      left += 1
      return
    }
    bytes += expected
    wanted.set(key, { container, pid, link: name, starttime: first.starttime, size })
  }
  const records = [...table.processes.values()].sort((a, b) => a.pid - b.pid)
  for (const { pid, exe } of records) consider(pid, 'exe', exe)
  for (const { pid, files } of records) {
    for (const file of files.toSorted((a, b) => a.fd - b.fd)) consider(pid, `fd/${file.fd}`, file)
  }
  return { wanted, left }
}

async function receive(
  context: CollectContext,
  captured: Captured,
  wanted: ReadonlyMap<string, Wanted>,
  sink: Sink,
): Promise<KeptFiles> {
  const { place } = captured.reading
  const { signal } = context.run
  const bySource = new Map([...wanted].map(([key, file]) => [`${file.pid} ${file.link}`, { key, file }]))
  const run = runScript(
    place,
    ['copy', String(MOST_OF_ONE), ...[...wanted.values()].map(({ pid, link }) => `${pid}/${link}`)],
    {
      signal,
      stallTimeoutMs: context.options.stallTimeoutMs,
      maxBytes: MOST_OF_ALL + wanted.size * ALLOWANCE,
    },
    (bytes) => context.progress('processes deleted files', bytes),
  )
  const kept = new Map<string, KeptFile>()
  const missing = new Set(wanted.keys())
  let open: { readonly key: string; readonly copy: Copy } | undefined
  let failure: ImpoundError | undefined
  const finish = async (reason?: CountedReason, why?: string): Promise<void> => {
    if (open === undefined) return
    const { key, copy } = open
    open = undefined
    missing.delete(key)
    kept.set(key, await copy.close(reason, why))
  }
  try {
    const items = readCapture(run.stdout, {
      divert: (of, link) => {
        const found = bySource.get(`${of} ${link}`)
        if (found === undefined) return undefined
        const { key, file } = found
        return async (bytes) => {
          open ??= { key, copy: await Copy.open(captured, file, sink) }
          await open.copy.write(bytes)
        }
      },
    })
    let readWhole = false
    for await (const item of items) {
      if (item.kind !== 'file') continue
      if (bySource.has(`${item.of} ${item.name}`)) readWhole = item.whole
      else if (item.name === 'stat' && open !== undefined) {
        const file = wanted.get(open.key)
        const isSame = parseStat(item.content)?.starttime === file?.starttime
        if (!isSame) await finish('target-gone', 'its process ended or was replaced while it was read')
        else if (!readWhole) await finish('timeout', 'reading it hung')
        else if ((file?.size ?? 0) > MOST_OF_ONE) {
          await finish('too-big', `of ${file?.size ?? 0} bytes the first ${MOST_OF_ONE} were kept`)
        } else await finish()
      }
    }
  } catch (error) {
    if (!(error instanceof ImpoundError) || error.code === 'storage') throw error
    failure = error
  }
  const end = await run.end
  failure ??= end.failure ?? (signal.aborted ? asImpoundError(signal.reason) : undefined)
  await finish(failure === undefined ? 'cut' : REASON_OF[failure.code], failure?.message ?? 'it ended early')
  for (const key of missing) {
    const { container, pid, link } = wanted.get(key) ?? { container: '', pid: 0, link: '' }
    await sink.failed(
      `processes ${container} ${pid} ${link}`,
      failure ?? new ImpoundError('not-found', 'its process ended before it could be copied'),
    )
  }
  return kept
}

function asImpoundError(reason: unknown): ImpoundError {
  return reason instanceof ImpoundError ? reason : new ImpoundError('aborted', 'stopped')
}

/** One file being received. */
class Copy {
  readonly #writer: ArtefactWriter
  readonly #size: number

  private constructor(writer: ArtefactWriter, size: number) {
    this.#writer = writer
    this.#size = size
  }

  static async open(captured: Captured, file: Wanted, sink: Sink): Promise<Copy> {
    const { container, pid, link } = file
    const folder = link === 'exe' ? 'executables' : 'deleted-files'
    const name = `processes/${safeSegment(container)}/${folder}/${pid}${link === 'exe' ? '' : `-${link.slice(3)}`}.bin`
    const { place } = captured.reading
    const writer = await sink.open(
      name,
      {
        kind: 'stream',
        mediaType: 'application/octet-stream',
        trust: captured.capture.trust,
        request: `${place.request} copy ${pid}/${link}`,
      },
      `processes ${container} ${pid} ${link}`,
    )
    return new Copy(writer, file.size)
  }

  async write(bytes: Buffer): Promise<void> {
    await this.#writer.write(bytes)
  }

  async close(reason?: CountedReason, why?: string): Promise<KeptFile> {
    const isWhole = reason === undefined && this.#writer.bytesWritten >= this.#size
    const record = isWhole
      ? await this.#writer.end()
      : await this.#writer.partial(reason ?? 'cut', why ?? `it had ${this.#size} bytes when it was listed`)
    return { path: record.path, sha256: record.sha256, bytes: record.bytes, whole: isWhole }
  }
}
