import { CriLogReader } from '../formats/cri-log.js'
import type { CollectContext } from '../model/collector.js'
import type { LogFile } from '../model/log-documents.js'
import type { Sink } from '../model/ports/sink.js'

/** A log file that is coming from a node. */
export interface LogFileSource extends Omit<LogFile, 'kept'> {
  readonly artefact: string
  readonly subject: string
  readonly request: string
  /** To be read once. */
  readonly content: AsyncIterable<Buffer>
}

/**
 * Keeps a log file as it lies on the node, and reads on the way what it covers; of a compressed one that is left for later, because
 * inflating takes longer than what comes.
 */
export async function keepLogFile(
  sink: Sink,
  context: CollectContext,
  { artefact, subject, request, content, ...file }: LogFileSource,
): Promise<LogFile> {
  const lines = file.compressed === true ? undefined : new CriLogReader()
  const record = await sink.attempt(
    artefact,
    {
      kind: 'stream',
      mediaType: file.compressed === true ? 'application/gzip' : 'text/plain',
      trust: 'node-kernel',
      request,
    },
    subject,
    async (writer) => {
      for await (const piece of content) {
        context.run.signal.throwIfAborted()
        await writer.write(piece)
        lines?.push(piece)
      }
    },
  )
  return {
    ...file,
    ...(record === undefined ? {} : { path: record.path, bytes: record.bytes }),
    kept: record === undefined ? 'no' : record.status === 'collected' ? 'whole' : 'cut',
    ...(record === undefined ? { why: 'nothing of it came' } : {}),
    ...(lines === undefined ? {} : { covers: lines.end() }),
  }
}
