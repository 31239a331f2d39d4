import { ImpoundError } from '../model/errors.js'
import { asArray, asString, at } from '../model/json.js'
import { archivedDocument } from './archived-document.js'
import type { ArchiveFiles } from './archive-files.js'
import { sha256Digest } from './digest.js'
import type { ArchivedImage } from './archived-image.js'
import { DOCUMENT_LIMIT, parseConfig, parsedJson } from './manifest.js'

const MOST_IMAGES = 1000
const LAYER = 'application/vnd.docker.image.rootfs.diff.tar'

/**
 * The images of a tar of `docker save`. It has no manifest in the registry's sense: an image is known by its config's digest
 * and by name, its layers by their diff_ids. Throws `integrity` where a config is not what its own name says.
 * Source: moby image specification 1.2, "Combined Image JSON + Filesystem Changeset Format".
 */
export async function readDockerArchive(
  files: ArchiveFiles,
  archive: string,
  signal: AbortSignal,
): Promise<readonly ArchivedImage[]> {
  const listed = asArray(
    parsedJson(await archivedDocument(files, 'manifest.json', DOCUMENT_LIMIT, signal), 'manifest.json'),
  )
  if (listed.length > MOST_IMAGES)
    throw new ImpoundError('too-big', `${archive} lists more than ${MOST_IMAGES} images`)
  const images: ArchivedImage[] = []
  for (const entry of listed) images.push(await imageOf(files, archive, entry, signal))
  return images
}

async function imageOf(
  files: ArchiveFiles,
  archive: string,
  entry: unknown,
  signal: AbortSignal,
): Promise<ArchivedImage> {
  const name = asString(at(entry, 'Config')) ?? ''
  const bytes = await archivedDocument(files, name, DOCUMENT_LIMIT, signal)
  const digest = sha256Digest(bytes)
  const said = /([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1]
  if (said !== undefined && `sha256:${said}` !== digest)
    throw new ImpoundError('integrity', `${archive}: the config ${said} is not what its name says`)
  const facts = parseConfig(bytes)
  const layers = asArray(at(entry, 'Layers')).map((layer) => asString(layer) ?? '')
  if (layers.length !== facts.diffIds.length)
    throw new ImpoundError('integrity', `${archive}: layers and config of an image do not belong together`)
  const descriptors = facts.diffIds.map((diffId, index) => {
    const size = files.size(layers[index] ?? '')
    if (size === undefined)
      throw new ImpoundError('integrity', `${archive} has no layer ${JSON.stringify(layers[index])}`)
    return { mediaType: LAYER, digest: diffId, size }
  })
  return {
    names: asArray(at(entry, 'RepoTags')).flatMap((tag) => asString(tag) ?? []),
    platform: facts.platform,
    digests: new Map([[digest, 'config-digest']]),
    image: {
      config: {
        descriptor: {
          mediaType: 'application/vnd.docker.container.image.v1+json',
          digest,
          size: bytes.length,
        },
        bytes,
        request: `image archive ${archive}: ${name}`,
      },
      layers: descriptors,
      diffIds: facts.diffIds,
    },
    layerFiles: new Map(facts.diffIds.map((diffId, index) => [diffId, layers[index] ?? ''])),
  }
}
