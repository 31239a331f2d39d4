import type { CollectContext } from '../model/collector.js'
import type { ImageDocument } from '../model/image-document.js'
import { isCode, messageOf } from '../model/errors.js'
import type { Attachment, Descriptor, ResolvedImage } from '../model/ports/registry.js'
import type { Sink } from '../model/ports/sink.js'

/** Bytes of one part: an SBOM of a big image has some ten million. */
const MOST_BYTES = 16 << 20
const MOST_ATTACHMENTS = 50
const MOST_PARTS = 16

type Kept = Pick<NonNullable<ImageDocument['attachments']>[number], 'kept' | 'notKept'>

/** By digest of what was kept already: containers share images. */
export type KeptAttachments = Map<string, Kept>

export interface Keeping {
  readonly context: CollectContext
  readonly image: ResolvedImage
  /** 'image/app' */
  readonly directory: string
  readonly kept: KeptAttachments
  readonly sink: Sink
}

/** Keeps the bytes of signatures, attestations and lists of parts beside the image's own: nobody can say later what the registry had. */
export async function keepAttachments(
  keeping: Keeping,
  attachments: readonly Attachment[],
): Promise<NonNullable<ImageDocument['attachments']>> {
  const listed = []
  for (const [position, attachment] of attachments.entries()) {
    const known = keeping.kept.get(attachment.digest)
    const kept =
      known ??
      (position < MOST_ATTACHMENTS
        ? await keep(keeping, attachment)
        : { kept: [], notKept: `the first ${MOST_ATTACHMENTS} are kept` })
    keeping.kept.set(attachment.digest, kept)
    listed.push({ ...attachment, ...kept })
  }
  return listed
}

async function keep(of: Keeping, attachment: Attachment): Promise<Kept> {
  const { context, image, directory, sink } = of
  const { signal } = context.run
  const folder = `${directory}/attachments/${attachment.digest.replace(':', '-')}`
  const paths: string[] = []
  const missing: string[] = []
  const write = async (name: string, bytes: Buffer, { mediaType }: Descriptor): Promise<void> => {
    const source = {
      kind: 'registry',
      mediaType: mediaType === '' ? 'application/octet-stream' : mediaType,
      trust: 'registry-verified',
      request: `GET ${image.repository}@${attachment.digest}`,
    } as const
    const writer = await sink.open(`${folder}/${name}`, source, '')
    await writer.write(bytes)
    paths.push((await writer.end()).path)
  }
  try {
    const { manifest, parts } = await context.registry.attached(image, attachment, signal)
    await write('manifest.json', manifest.bytes, manifest.descriptor)
    for (const [index, part] of parts.entries()) {
      if (index >= MOST_PARTS || part.size > MOST_BYTES) {
        missing.push(
          `${part.digest} of ${part.size} bytes: it keeps ${MOST_PARTS} parts of at most ${MOST_BYTES} bytes`,
        )
        continue
      }
      await write(`part-${index}`, await wholeOf(of, part), part)
    }
  } catch (error) {
    if (signal.aborted || isCode(error, 'storage', 'bug')) throw error
    missing.push(messageOf(error))
  }
  return { kept: paths, ...(missing.length === 0 ? {} : { notKept: missing.slice(0, 3).join('; ') }) }
}

/** Whole, and so checked against its digest before a byte of it is kept; the stream fails past the size that it says. */
async function wholeOf({ context, image }: Keeping, part: Descriptor): Promise<Buffer> {
  const chunks: Buffer[] = []
  const blob = await context.registry.blob(image, part, context.run.signal)
  for await (const chunk of blob as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
