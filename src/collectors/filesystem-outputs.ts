import { ContentKeeper } from '../filesystem/content-keeper.js'
import { ContentTar } from '../filesystem/content-tar.js'
import type { Completeness } from '../filesystem/completeness.js'
import type { ChangeKind } from '../model/filesystem-documents.js'
import { messageOf } from '../model/errors.js'
import type { CountedReason, Source } from '../model/evidence.js'
import type { ArtefactWriter } from '../model/ports/sink.js'
import type { TargetContainer } from '../model/target.js'

/** Where the results of reading one container go, whatever the way. */
export interface FilesystemJob {
  readonly container: TargetContainer
  /** 'filesystem/app' */
  readonly directory: string
  /** Keys of the volumes that the spec mounts. */
  readonly volumes: readonly string[]
  readonly source: Source
  readonly maxContentBytes: number
  readonly scratchDirectory: string
  /** processes.json, where that collector came before. */
  readonly processes: unknown
  /** Why there is no baseline, where that is because bytes were not those that a digest names. */
  readonly mismatch?: string
  /** What else a reader must know of this reading. */
  readonly remarks?: readonly string[]
}

export type Counts = Record<ChangeKind, number>

export const NO_CHANGES: Counts = {
  added: 0,
  modified: 0,
  deleted: 0,
  'type-changed': 0,
  'metadata-only': 0,
  opaque: 0,
}

export function keeperInto(
  writer: ArtefactWriter,
  job: FilesystemJob,
): { readonly keeper: ContentKeeper; readonly finish: () => Promise<void> } {
  const tar = new ContentTar((chunk) => writer.write(chunk))
  return {
    keeper: new ContentKeeper(tar, job.maxContentBytes, job.scratchDirectory),
    finish: () => tar.finish(),
  }
}

/** Runs what fills the writers; should it fail, what they have is kept and marked before the error travels on. */
export async function whole<Result>(
  writers: readonly ArtefactWriter[],
  fill: () => Promise<Result>,
): Promise<Result> {
  try {
    return await fill()
  } catch (error) {
    for (const writer of writers) await writer.partial('failed', messageOf(error)).catch(() => undefined)
    throw error
  }
}

export async function close(
  writer: ArtefactWriter,
  complete: Completeness,
  tooBig: number,
  job: FilesystemJob,
): Promise<void> {
  const [reason, why] = shortcoming(complete, tooBig, job.maxContentBytes)
  if (reason === undefined) await writer.end()
  else await writer.partial(reason, why)
}

function shortcoming(
  complete: Completeness,
  tooBig: number,
  maxContentBytes: number,
): readonly [CountedReason, string] | readonly [] {
  if (!complete.complete) return [complete.reason, complete.why]
  if (tooBig === 0) return []
  return [
    'too-big',
    `${tooBig} files did not fit into ${maxContentBytes} bytes: they are listed, their content was not kept; first come, first kept`,
  ]
}

/** What is worked out from the stream is trusted as far as the stream. */
export function derived(job: FilesystemJob, mediaType: string): Source {
  const { request, trust } = job.source
  return { kind: 'derived', mediaType, trust, ...(request === undefined ? {} : { request }) }
}

/** Seconds since 1970; undefined where the status does not say it. */
export function startedAt({ startedAt: started }: TargetContainer): number | undefined {
  const seconds = started === undefined ? Number.NaN : Math.floor(Date.parse(started) / 1000)
  return Number.isNaN(seconds) ? undefined : seconds
}
