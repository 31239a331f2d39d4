import { ByteReader } from '../../formats/byte-reader.js'
import type { CollectContext } from '../../model/collector.js'
import { ImpoundError } from '../../model/errors.js'
import type { NodeSession } from '../../model/ports/node-pod.js'
import type { ArtefactWriter } from '../../model/ports/sink.js'
import { nodePayload, type NodePayloadEnd } from '../node-payload.js'
import type { CheckpointArchive } from './archive.js'

const MOST_LINE = 4_096
/** Words of what is no checkpoint at all: another version, another runtime, no CRIU. */
const CANT =
  /unimplemented|not implemented|unknown (?:service|method)|not supported|no help topic|flag provided but not defined|criu (?:binary|is|must|version)|criu.{0,40}(?:not found|not installed)|checkpoint.{0,40}(?:not enabled|disabled)/i

export interface Taken {
  /** What is odd about how it came; undefined where it is whole. */
  readonly failure: ImpoundError | undefined
  /** Whether the node has it no more; undefined where the node did not say. */
  readonly removed: boolean | undefined
}

/**
 * Has the checkpoint made, keeps its bytes as they come and reads them on the way. Throws where none came. `script`: of
 * templates/node/checkpoint.sh, with the arguments of take.
 */
export async function takeCheckpoint(
  context: CollectContext,
  session: NodeSession,
  script: { readonly name: string; readonly text: string; readonly args: readonly string[] },
  mostBytes: number,
  open: () => Promise<ArtefactWriter>,
  archive: CheckpointArchive,
  progress: (bytes: number) => void,
): Promise<{ readonly taken: Taken; readonly writer: ArtefactWriter }> {
  const payload = nodePayload(context, session, script, mostBytes + 2 * MOST_LINE, progress)
  const reader = new ByteReader(payload.bytes, 'the checkpoint')
  const sizes = /^size (\d{1,15}) (\d{1,15})$/.exec(await secondLine(reader))
  if (sizes === null) {
    await reader.close()
    throw whyNone(await payload.end)
  }
  const [size, sent] = [Number(sizes[1]), Number(sizes[2])]
  const writer = await open()
  await archive.read(kept(reader, sent, writer))
  const [, word] = /^end (removed|left)$/.exec(await line(reader)) ?? []
  while ((await reader.some()) !== undefined);
  const { run, failure } = await payload.end
  const removed = word === undefined ? undefined : word === 'removed'
  const broken =
    failure ??
    (writer.bytesWritten < sent
      ? new ImpoundError('cut', `${writer.bytesWritten} of ${sent} bytes came`)
      : run?.complete !== true
        ? new ImpoundError('cut', 'the node did not count as many bytes as arrived')
        : sent < size
          ? new ImpoundError('too-big', `${size} bytes are more than --max-checkpoint allows`)
          : undefined)
  return { taken: { failure: broken, removed }, writer }
}

async function* kept(
  reader: ByteReader,
  bytes: number,
  writer: ArtefactWriter,
): AsyncGenerator<Buffer, void, undefined> {
  for (let left = bytes; left > 0;) {
    const chunk = await reader.some(left)
    if (chunk === undefined) return
    left -= chunk.length
    await writer.write(chunk)
    yield chunk
  }
}

async function secondLine(reader: ByteReader): Promise<string> {
  return (await line(reader)) === 'impound-checkpoint v1' ? line(reader) : ''
}

/** '' at the end, and where there is none within bounds. */
async function line(reader: ByteReader): Promise<string> {
  const bytes: number[] = []
  while (bytes.length < MOST_LINE) {
    const [byte] = (await reader.some(1)) ?? []
    if (byte === undefined) return ''
    if (byte === 0x0a) return Buffer.from(bytes).toString('latin1')
    bytes.push(byte)
  }
  return ''
}

function whyNone({ run, failure }: NodePayloadEnd): ImpoundError {
  if (failure !== undefined) return failure
  const said = (run?.stderr ?? '')
    .trim()
    .split('\n')
    .filter((one) => one !== '' && one !== 'impound-checkpoint: it is being made')
  const words = said.slice(-3).join('; ').slice(0, 500)
  if (run?.exitCode === 3) return new ImpoundError('not-found', words)
  const isMissing = run?.exitCode === 4 || CANT.test(words)
  return new ImpoundError(isMissing ? 'unsupported' : 'target-refused', words || 'the runtime made none')
}
