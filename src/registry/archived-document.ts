import { ImpoundError } from '../model/errors.js'
import type { ArchiveFiles } from './archive-files.js'

/** A whole file of an archive. Throws `integrity` where it is missing, `too-big` past the limit in bytes. */
export async function archivedDocument(
  files: ArchiveFiles,
  name: string,
  limit: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const size = files.size(name)
  if (size === undefined)
    throw new ImpoundError('integrity', `an image archive has no ${JSON.stringify(name.slice(0, 200))}`)
  if (size > limit)
    throw new ImpoundError(
      'too-big',
      `${JSON.stringify(name.slice(0, 200))} of an image archive has ${size} bytes`,
    )
  const chunks: Buffer[] = []
  for await (const chunk of files.read(name, signal)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
