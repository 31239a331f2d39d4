import { stat } from 'node:fs/promises'

import { compareImages } from '../filesystem/compare-trees.js'
import { indexImage } from '../filesystem/image-index.js'
import type { ImageTree } from '../filesystem/image-tree.js'
import type { ComparisonDocument, ComparisonSide } from '../model/filesystem-documents.js'
import { ImpoundError } from '../model/errors.js'
import type { Json } from '../model/json.js'
import type { Platform, Registry, ResolvedImage } from '../model/ports/registry.js'
import {
  createRegistry,
  hostOf,
  type ImageArchive,
  openImageArchive,
  parseRegistryPolicy,
} from '../registry/index.js'
import type { DiffRequest } from './diff-request.js'
import { collected } from './diff-entries.js'
import { compareConfigs } from './image-config.js'
import { dockerConfig, layerCache } from './images.js'
import type { Progress } from './progress.js'

interface Side {
  readonly registry: Registry
  readonly image: ResolvedImage
  readonly tree: ImageTree
  readonly document: ComparisonSide
}

/** Two images, file by file and setting by setting. */
export async function diffImages(
  request: DiffRequest,
  signal: AbortSignal,
  progress: Progress,
): Promise<ComparisonDocument> {
  const a = await sideOf(request.a, request, signal, progress)
  const b = await sideOf(request.b, request, signal, progress)
  const found = await collected(compareImages(a.tree, b.tree), request.limit)
  const shared = b.image.diffIds.filter((id) => a.image.diffIds.includes(id)).length
  const config = compareConfigs(configOf(a.image), configOf(b.image))
  return {
    schema: 'impound/comparison/v1',
    of: 'images',
    a: a.document,
    b: b.document,
    differs: found.total > 0 || config.length > 0,
    complete: true,
    layers: { shared, a: a.image.diffIds.length - shared, b: b.image.diffIds.length - shared },
    config,
    ...found.document,
    notes: [],
  }
}

function configOf(image: ResolvedImage): Json {
  return JSON.parse(image.config.bytes.toString('utf8')) as Json
}

async function sideOf(
  given: string,
  request: DiffRequest,
  signal: AbortSignal,
  progress: Progress,
): Promise<Side> {
  const { path, name } = await fileIn(given)
  const archive = path === undefined ? undefined : await openImageArchive(path, signal)
  try {
    const registry = await registryOf(given, archive, request, progress)
    const image =
      archive === undefined
        ? await registry.resolve(given, request.platform, signal)
        : imageIn(archive, name, request.platform)
    const { tree } = await indexImage(registry, image, layerCache(), {
      signal,
      progress: (bytes) =>
        progress({ type: 'bytes', target: given, collector: 'diff', subject: 'layers', bytes }),
    })
    return { registry, image, tree, document: document(given, image, request.platform, tree) }
  } finally {
    await archive?.close()
  }
}

/** 'FILE', or 'FILE#REFERENCE' where a file holds several images. What is no file is a reference. */
async function fileIn(
  given: string,
): Promise<{ readonly path: string | undefined; readonly name: string | undefined }> {
  const exists = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    )
  if (await exists(given)) return { path: given, name: undefined }
  const hash = given.lastIndexOf('#')
  if (hash > 0 && (await exists(given.slice(0, hash))))
    return { path: given.slice(0, hash), name: given.slice(hash + 1) }
  return { path: undefined, name: undefined }
}

/** A host that is named on the command line may be asked: that is what was meant by naming it. */
async function registryOf(
  given: string,
  archive: ImageArchive | undefined,
  { images, requestTimeoutMs }: DiffRequest,
  progress: Progress,
): Promise<Registry> {
  const notice = (text: string): void => progress({ type: 'notice', text })
  const hosts = archive === undefined ? [hostOf(given)] : []
  const named = images.registry.includes('never') ? [] : hosts
  const known = images.registry.map((value) => value.split('=', 1)[0])
  return createRegistry({
    policy: parseRegistryPolicy([...images.registry, ...named.filter((host) => !known.includes(host))]),
    timeoutMs: requestTimeoutMs,
    credentials: await dockerConfig(images.registryConfig, notice),
    archives: archive === undefined ? [] : [archive],
    notice,
  })
}

function imageIn(archive: ImageArchive, name: string | undefined, platform: Platform): ResolvedImage {
  const isDigest = name !== undefined && /^sha(?:256|512):/.test(name)
  const wanted = { digest: isDigest ? name : undefined, reference: isDigest ? '' : (name ?? '') }
  const image = name === undefined ? archive.only(platform) : archive.find(wanted, platform)
  if (image !== undefined) return image
  const names = [...new Set(archive.images.flatMap((one) => one.names))]
  throw new ImpoundError(
    archive.images.length === 0 || name !== undefined ? 'not-found' : 'ambiguous',
    `${archive.path} holds no one image for ${platform.os}/${platform.architecture} that is meant`,
    { hints: names.slice(0, 10).map((one) => `name it: ${archive.path}#${one}`) },
  )
}

function document(given: string, image: ResolvedImage, platform: Platform, tree: ImageTree): ComparisonSide {
  const { manifest, config, credentials, archive } = image
  return {
    given,
    source: archive === undefined ? 'registry' : 'image-archive',
    ...(manifest === undefined ? {} : { manifestDigest: manifest.descriptor.digest }),
    configDigest: config.descriptor.digest,
    platform: [
      platform.os,
      platform.architecture,
      ...(platform.variant === undefined ? [] : [platform.variant]),
    ].join('/'),
    ...(credentials === undefined ? {} : { credentials }),
    entries: tree.size,
  }
}
