import { basename } from 'node:path'
import { Readable } from 'node:stream'

import { ImpoundError } from '../model/errors.js'
import type { Descriptor, MatchedBy, Platform, ResolvedImage, WantedImage } from '../model/ports/registry.js'
import type { ArchiveFiles } from './archive-files.js'
import { openArchiveFiles } from './archive-files.js'
import { checkedBytes } from './blob.js'
import type { ArchivedImage } from './archived-image.js'
import { readDockerArchive } from './docker-archive.js'
import { readOciLayout } from './oci-layout.js'
import { parseReference, type Reference } from './reference.js'

/** Images in a file or folder that the user gave. */
export interface ImageArchive {
  /** As the user gave it. */
  readonly path: string
  readonly images: readonly ArchivedImage[]
  find(wanted: WantedImage, platform: Platform): ResolvedImage | undefined
  /** The image for a platform, where there is one alone. */
  only(platform: Platform): ResolvedImage | undefined
  /** A layer's bytes as stored; undefined where no image here has it. Fails with `integrity` at its end, as {@link Registry.blob}. */
  layer(descriptor: Descriptor, signal: AbortSignal): Readable | undefined
  close(): Promise<void>
}

/**
 * Opens an OCI layout (directory or tar) or a docker-archive. Every document is checked against the digest that names it.
 * Throws `usage`, `unsupported` (neither of the two), `integrity`.
 */
export async function openImageArchive(path: string, signal: AbortSignal): Promise<ImageArchive> {
  const files = await openArchiveFiles(path, signal)
  try {
    const images = await imagesIn(files, path, signal)
    return {
      path,
      images,
      find: (wanted, platform) => find(images, wanted, platform, path),
      only(platform) {
        const [one, ...more] = images.filter((archived) => fitting([archived], platform) !== undefined)
        return one === undefined || more.length > 0 ? undefined : resolved(one, 'name', path)
      },
      layer(descriptor, readSignal) {
        const file = images.find(({ layerFiles }) => layerFiles.has(descriptor.digest))?.layerFiles
        const name = file?.get(descriptor.digest)
        if (name === undefined) return undefined
        const isOci = name.startsWith('blobs/')
        const bytes = files.read(name, readSignal)
        // A docker-archive names no digest of what it stores: the diff_id is the check then
        const checked = isOci ? checkedBytes(bytes, descriptor) : bytes
        return Readable.from(checked, { objectMode: false, highWaterMark: 1 << 20 })
      },
      close: () => files.close(),
    }
  } catch (error) {
    await files.close()
    throw error
  }
}

async function imagesIn(
  files: ArchiveFiles,
  path: string,
  signal: AbortSignal,
): Promise<readonly ArchivedImage[]> {
  // Docker writes both forms into one tar; the OCI one has digests of all that is in it
  if (files.size('index.json') !== undefined && files.size('oci-layout') !== undefined)
    return readOciLayout(files, basename(path), signal)
  if (files.size('manifest.json') !== undefined) return readDockerArchive(files, basename(path), signal)
  throw new ImpoundError('unsupported', `${path} is neither an OCI layout nor a docker-archive`, {
    hints: ['make one with: skopeo copy docker://REFERENCE oci-archive:FILE'],
  })
}

function find(
  images: readonly ArchivedImage[],
  wanted: WantedImage,
  platform: Platform,
  path: string,
): ResolvedImage | undefined {
  const { digest } = wanted
  const byDigest = digest === undefined ? [] : images.filter((archived) => archived.digests.has(digest))
  const exact = fitting(byDigest, platform)
  if (digest !== undefined && exact !== undefined)
    return resolved(exact, exact.digests.get(digest) ?? 'manifest-digest', path)
  const byName = fitting(
    images.filter(
      ({ names, image }) =>
        names.some((name) => isSameName(name, wanted.reference)) &&
        // one with a manifest of another digest is another image
        (digest === undefined || image.manifest === undefined),
    ),
    platform,
  )
  return byName === undefined ? undefined : resolved(byName, 'name', path)
}

function resolved(archived: ArchivedImage, matchedBy: MatchedBy, path: string): ResolvedImage {
  return { ...archived.image, repository: basename(path), archive: { path, matchedBy } }
}

function fitting(images: readonly ArchivedImage[], wanted: Platform): ArchivedImage | undefined {
  const same = images.filter(
    ({ platform }) =>
      (platform.os ?? wanted.os) === wanted.os &&
      (platform.architecture ?? wanted.architecture) === wanted.architecture,
  )
  return same.find(({ platform }) => platform.variant === wanted.variant) ?? same[0]
}

/** Whether two references name the same tag of the same repository, defaults filled in. */
function isSameName(name: string, reference: string): boolean {
  const [one, other] = [parsed(name), parsed(reference)]
  return (
    one !== undefined &&
    other !== undefined &&
    one.host === other.host &&
    one.repository === other.repository &&
    one.tag !== undefined &&
    one.tag === other.tag
  )
}

function parsed(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch {
    return undefined
  }
}
