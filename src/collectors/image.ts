import {
  candidates,
  findImage,
  parseImageID,
  repositoryOf,
  tagOf,
  wantedImage,
} from '../filesystem/image-source.js'
import type { CollectContext, Collector, CollectOptions } from '../model/collector.js'
import type { ImageDocument } from '../model/image-document.js'
import { messageOf } from '../model/errors.js'
import { asArray, asString, at, type Json } from '../model/json.js'
import type { Attachment, ResolvedImage, VerifiedDocument } from '../model/ports/registry.js'
import type { Sink } from '../model/ports/sink.js'
import { safeSegment } from '../model/safe-segment.js'
import { containersOf, pullSecretsOf, type Target, type TargetContainer } from '../model/target.js'
import { keepAttachments, type KeptAttachments } from './attachments.js'
import { type NodePlatform, nodePlatform } from './node-platform.js'

/**
 * What each container's image is: the reference, what the runtime says it runs, and manifest and config from the registry, if
 * that may be asked. Their bytes are kept as they came, verified against the digests that name them.
 */
export const imageCollector: Collector = {
  name: 'image',
  summary:
    'manifest and config of every image, what its tag stands for now, from registries that may be asked',
  phases: ['slow'],
  requirements: imageRequirements,
  async collect(context, target, sink) {
    const platform = await nodePlatform(context, target)
    const asked = new Map<string, Promise<ResolvedImage>>()
    const attached: Attached = new Map()
    const kept: KeptAttachments = new Map()
    const resolve = (container: TargetContainer): Promise<ResolvedImage> => {
      const key = `${container.image} ${container.imageID}`
      const { signal } = context.run
      const image =
        asked.get(key) ?? findImage(context.registry, container.image, container.imageID, platform, signal)
      asked.set(key, image)
      return image
    }
    for (const container of containersOf(target.pod)) {
      await describe(context, target, container, platform, resolve, { attached, kept }, sink)
    }
  },
}

/** Of whatever asks registries. */
export function imageRequirements(
  options: CollectOptions,
  target: Target,
): ReturnType<Collector['requirements']> {
  return {
    access: [
      // what the node is decides which image of an index is meant
      { verb: 'get', group: '', resource: 'nodes' },
      ...(options.usePullSecrets ? pullSecretsOf(target.pod) : []).map(
        (name) =>
          ({ verb: 'get', group: '', resource: 'secrets', namespace: target.namespace, name }) as const,
      ),
    ],
    impact: 'read',
  }
}

async function describe(
  context: CollectContext,
  target: Target,
  container: TargetContainer,
  platform: NodePlatform,
  resolve: (container: TargetContainer) => Promise<ResolvedImage>,
  { attached, kept }: { readonly attached: Attached; readonly kept: KeptAttachments },
  sink: Sink,
): Promise<void> {
  const subject = `image ${container.name}`
  const directory = `image/${safeSegment(container.name)}`
  const notes = notesOn(container, platform)
  const refusals = candidates(container.image, container.imageID).map((reference) =>
    context.registry.allows(reference),
  )
  const first = refusals[0]
  const isArchived =
    context.registry.archived(wantedImage(container.image, container.imageID), platform) !== undefined
  const isAllowed = isArchived || refusals.some(({ allowed }) => allowed)
  let found: Pick<ImageDocument, 'registry' | 'tagNow' | 'attachments'> = {}
  const derivedFrom: string[] = []
  let isCollected = false
  if (!isAllowed) {
    await sink.skip(subject, 'not-allowed', first?.why ?? 'neither the spec nor the status names an image')
  } else {
    try {
      const image = await resolve(container)
      derivedFrom.push(...(await keepDocuments(sink, directory, image)))
      const tagNow = await tagStanding(context, container, image, platform, notes)
      if (image.archive?.matchedBy === 'name')
        notes.push(
          'the image of the archive was found by its name alone: nothing shows that it is the one that runs',
        )
      const attachments = await attachedTo(context, image, attached, notes)
      const keeping = { context, image, directory, kept, sink }
      found = {
        registry: registryFacts(image),
        ...(tagNow === undefined ? {} : { tagNow }),
        ...(attachments === undefined ? {} : { attachments: await keepAttachments(keeping, attachments) }),
      }
      isCollected = true
    } catch (error) {
      if (context.run.signal.aborted) throw error
      await sink.failed(subject, error)
    }
  }
  const { digest } = parseImageID(container.imageID)
  const document: ImageDocument = {
    schema: 'impound/image/v1',
    derivedFrom,
    container: container.name,
    reference: container.image,
    imageID: container.imageID,
    ...(digest === undefined ? {} : { digest }),
    ...found,
    notes,
  }
  await sink.document(
    `${directory}/image.json`,
    document,
    { kind: 'derived', mediaType: 'application/json', trust: 'derived', derivedFrom },
    isCollected ? subject : '',
  )
}

function notesOn(container: TargetContainer, platform: NodePlatform): string[] {
  const running = parseImageID(container.imageID)
  const notes: string[] = []
  if (container.imageID === '')
    notes.push(
      'the runtime says no image ID: the container never started, and what the reference stands for now is no proof',
    )
  else if (running.digest === undefined) notes.push('the image ID names no digest')
  else if (running.reference === undefined)
    notes.push('the image ID is the digest of an image config: no registry finds an image by it')
  if (!platform.known) notes.push('the node could not be read: linux/amd64 is a guess')
  return notes
}

/** The raw documents, in the archive under fixed names; returns their archive paths. */
async function keepDocuments(
  sink: Sink,
  directory: string,
  image: ResolvedImage,
): Promise<readonly string[]> {
  const documents: readonly (readonly [string, VerifiedDocument])[] = [
    ...(image.index === undefined ? [] : [['index.json', image.index] as const]),
    ...(image.manifest === undefined ? [] : [['manifest.json', image.manifest] as const]),
    ['config.json', image.config],
  ]
  const paths: string[] = []
  for (const [name, { bytes, descriptor, request }] of documents) {
    const mediaType = descriptor.mediaType === '' ? 'application/json' : descriptor.mediaType
    const source = { kind: 'registry', mediaType, trust: 'registry-verified', request } as const
    const writer = await sink.open(`${directory}/${name}`, source, '')
    await writer.write(bytes)
    paths.push((await writer.end()).path)
  }
  return paths
}

function registryFacts(image: ResolvedImage): NonNullable<ImageDocument['registry']> {
  const config = JSON.parse(image.config.bytes.toString('utf8')) as Json
  const created = asString(at(config, 'created'))
  const variant = asString(at(config, 'variant'))
  const platform = [
    asString(at(config, 'os')) ?? 'unknown',
    asString(at(config, 'architecture')) ?? 'unknown',
  ]
  return {
    source: image.archive === undefined ? 'registry' : 'image-archive',
    repository: image.repository,
    ...(image.archive === undefined ? {} : { matchedBy: image.archive.matchedBy }),
    ...(image.credentials === undefined ? {} : { credentials: image.credentials }),
    ...(image.manifest === undefined ? {} : { manifestDigest: image.manifest.descriptor.digest }),
    ...(image.index === undefined ? {} : { indexDigest: image.index.descriptor.digest }),
    configDigest: image.config.descriptor.digest,
    platform: [...platform, ...(variant === undefined || variant === '' ? [] : [variant])].join('/'),
    ...(created === undefined ? {} : { created }),
    layers: image.layers.map((layer, index) => {
      const diffId = image.diffIds[index]
      return { ...layer, ...(diffId === undefined ? {} : { diffId }) }
    }),
    history: asArray(at(config, 'history')).map((step) => {
      const when = asString(at(step, 'created'))
      return {
        ...(when === undefined ? {} : { created: when }),
        createdBy: asString(at(step, 'created_by')) ?? '',
        emptyLayer: at(step, 'empty_layer') === true,
      }
    }),
  }
}

/** What was asked already: containers share images. */
type Attached = Map<ResolvedImage, ReturnType<CollectContext['registry']['attachments']>>

/** Undefined, with a note, where the registry does not tell. */
async function attachedTo(
  context: CollectContext,
  image: ResolvedImage,
  attached: Attached,
  notes: string[],
): Promise<readonly Attachment[] | undefined> {
  const { signal } = context.run
  if (image.archive !== undefined) return undefined
  try {
    const asked = attached.get(image) ?? context.registry.attachments(image, signal)
    attached.set(image, asked)
    return await asked
  } catch (error) {
    if (signal.aborted) throw error
    notes.push(`signatures and what else is attached to the image could not be listed: ${messageOf(error)}`)
    return undefined
  }
}

/** What the tag of the spec stands for now. It drifted if it leads to another image for this platform than the one that runs. */
async function tagStanding(
  context: CollectContext,
  container: TargetContainer,
  image: ResolvedImage,
  platform: NodePlatform,
  notes: string[],
): Promise<ImageDocument['tagNow']> {
  const tag = tagOf(container.image)
  if (tag === undefined || container.image === '') return undefined
  const allowance = context.registry.allows(container.image)
  if (!allowance.allowed) {
    notes.push(`what the tag ${tag} stands for now is not known: ${allowance.why}`)
    return undefined
  }
  const reference = `${repositoryOf(container.image)}:${tag}`
  const { signal } = context.run
  try {
    const { digest } = await context.registry.digestOf(reference, signal)
    const known = [image.manifest?.descriptor.digest, image.index?.descriptor.digest]
    if (known.includes(digest)) return { tag, digest, drifted: false }
    const now = await context.registry.resolve(reference, platform, signal)
    return { tag, digest, drifted: now.config.descriptor.digest !== image.config.descriptor.digest }
  } catch (error) {
    if (signal.aborted) throw error
    notes.push(`what the tag ${tag} stands for now is not known: ${messageOf(error)}`)
    return undefined
  }
}
