import { findImage, candidates, wantedImage } from '../filesystem/image-source.js'
import type { CollectContext, Collector } from '../model/collector.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { REASON_OF } from '../model/evidence.js'
import type { ImageExportDocument } from '../model/image-document.js'
import type { Descriptor, ResolvedImage, VerifiedDocument } from '../model/ports/registry.js'
import type { Sink } from '../model/ports/sink.js'
import { safeSegment } from '../model/safe-segment.js'
import { containersOf, type TargetContainer } from '../model/target.js'
import { imageRequirements } from './image.js'
import { type NodePlatform, nodePlatform } from './node-platform.js'

/** Of a pod: an OCI layout (OCI image specification, image-layout.md), which skopeo, podman and umoci read. */
const LAYOUT = 'image-export'

/**
 * The images themselves: a registry may lose them before anybody has looked. Blobs are kept as the registry has them, each
 * checked against its digest on the way; an image that is not whole is not listed in the layout's index.
 */
export const imageExportCollector: Collector = {
  name: 'image-export',
  summary: 'every image whole, as an OCI layout, from registries that may be asked',
  phases: ['slow'],
  requirements: imageRequirements,
  async collect(context, target, sink) {
    const platform = await nodePlatform(context, target)
    const images = new Map<string, Wanted>()
    for (const container of containersOf(target.pod)) {
      const image = await resolve(context, container, platform, sink)
      const { manifest } = image ?? {}
      if (image === undefined || manifest === undefined) continue
      const known = images.get(manifest.descriptor.digest)
      if (known === undefined)
        images.set(manifest.descriptor.digest, { image, manifest, containers: [container.name] })
      else known.containers.push(container.name)
    }
    const layout = new Layout(context, sink)
    for (const wanted of images.values()) await layout.add(wanted)
    await layout.end()
  },
}

interface Wanted {
  readonly image: ResolvedImage
  readonly manifest: VerifiedDocument
  readonly containers: string[]
}

/** Undefined, with a row that says why, where there is nothing that a layout could hold. */
async function resolve(
  context: CollectContext,
  { name, image: reference, imageID }: TargetContainer,
  platform: NodePlatform,
  sink: Sink,
): Promise<ResolvedImage | undefined> {
  const { registry, run } = context
  const subject = subjectOf([name])
  const answers = candidates(reference, imageID).map((one) => registry.allows(one))
  const isArchived = registry.archived(wantedImage(reference, imageID), platform) !== undefined
  if (!isArchived && !answers.some(({ allowed }) => allowed)) {
    await sink.skip(
      subject,
      'not-allowed',
      answers[0]?.why ?? 'neither the spec nor the status names an image',
    )
    return undefined
  }
  try {
    const image = await findImage(registry, reference, imageID, platform, run.signal)
    if (image.manifest !== undefined) return image
    await sink.skip(
      subject,
      'not-applicable',
      `${image.repository} is a docker-archive, which has no manifest: keep that file itself`,
    )
  } catch (error) {
    if (run.signal.aborted) throw error
    await sink.failed(subject, error)
  }
  return undefined
}

class Layout {
  readonly #context: CollectContext
  readonly #sink: Sink
  /** Archive path of each blob that is here whole. */
  readonly #blobs = new Map<string, string>()
  /** What broke a blob off: its place in the archive is taken, and no other image gets it whole. */
  readonly #broken = new Map<string, ImpoundError>()
  readonly #index: object[] = []
  readonly #images: ImageExportDocument['images'][number][] = []

  constructor(context: CollectContext, sink: Sink) {
    this.#context = context
    this.#sink = sink
  }

  async add({ image, manifest, containers }: Wanted): Promise<void> {
    const subject = subjectOf(containers)
    const bytes = image.layers.reduce((sum, { size }) => sum + size, 0)
    const facts = {
      names: containers.map((name) => safeSegment(name)),
      containers,
      image: `${image.repository}@${manifest.descriptor.digest}`,
      layers: image.layers.length,
      bytes,
    }
    try {
      this.#guardSize(bytes)
      await this.#document(image.config, '')
      let received = 0
      for (const [index, layer] of image.layers.entries()) {
        await this.#layer(image, layer, `${subject} layer ${index + 1}`, (count) => {
          received += count
          this.#context.progress(subject, received)
        })
      }
      if (this.#isHere(manifest.descriptor))
        await this.#sink.skip(
          subject,
          'not-applicable',
          'its manifest is here already, as a blob of another image',
        )
      else await this.#document(manifest, subject)
      for (const name of facts.names) this.#index.push(named(manifest.descriptor, name))
      this.#images.push({ ...facts, whole: true })
    } catch (error) {
      if (this.#context.run.signal.aborted || isCode(error, 'storage', 'bug')) throw error
      await this.#sink.failed(subject, error)
      this.#images.push({ ...facts, whole: false, why: messageOf(error) })
    }
  }

  /** What makes a layout of the blobs, and what is in it. */
  async end(): Promise<void> {
    if (this.#images.length === 0) return
    const derivedFrom = [...this.#blobs.values()]
    const source = { kind: 'derived', mediaType: 'application/json', trust: 'derived', derivedFrom } as const
    const put = (name: string, value: unknown) => this.#sink.document(name, value, source, '')
    if (this.#index.length > 0) {
      await put(`${LAYOUT}/oci-layout`, { imageLayoutVersion: '1.0.0' })
      const mediaType = 'application/vnd.oci.image.index.v1+json'
      await put(`${LAYOUT}/index.json`, { schemaVersion: 2, mediaType, manifests: this.#index })
    }
    const document: ImageExportDocument = {
      schema: 'impound/image-export/v1',
      derivedFrom,
      images: this.#images,
    }
    await put('image-export.json', document)
  }

  #guardSize(bytes: number): void {
    const most = this.#context.options.maxImageBytes ?? 0
    if (bytes <= most) return
    throw new ImpoundError(
      'too-big',
      `its layers have ${bytes} bytes, and ${most} are the most that is kept`,
      {
        hints: ['allow more with --max-image'],
      },
    )
  }

  /** Throws what broke it off, where that happened with an image before. */
  #isHere({ digest }: Descriptor): boolean {
    const broken = this.#broken.get(digest)
    if (broken !== undefined) throw broken
    return this.#blobs.has(digest)
  }

  async #document({ bytes, descriptor, request }: VerifiedDocument, subject: string): Promise<void> {
    if (this.#isHere(descriptor)) return
    const source = {
      kind: 'registry',
      mediaType: mediaTypeOf(descriptor),
      trust: 'registry-verified',
    } as const
    const writer = await this.#sink.open(blobPath(descriptor), { ...source, request }, subject)
    await writer.write(bytes)
    this.#blobs.set(descriptor.digest, (await writer.end()).path)
  }

  /** Throws what broke it off; what had come of it is kept as partial, and is listed nowhere. */
  async #layer(
    image: ResolvedImage,
    layer: Descriptor,
    subject: string,
    count: (bytes: number) => void,
  ): Promise<void> {
    if (this.#isHere(layer)) return
    const { registry, run } = this.#context
    const source = {
      kind: 'registry',
      mediaType: mediaTypeOf(layer),
      trust: 'registry-verified',
      request: `GET ${image.repository}@${layer.digest}`,
    } as const
    const writer = await this.#sink.open(blobPath(layer), source, subject)
    try {
      const blob = await registry.blob(image, layer, run.signal)
      for await (const chunk of blob as AsyncIterable<Buffer>) {
        await writer.write(chunk)
        count(chunk.length)
      }
    } catch (error) {
      if (isCode(error, 'storage', 'bug')) throw error
      const broken = notWhole(layer, error)
      this.#broken.set(layer.digest, broken)
      await writer.partial(REASON_OF[broken.code], broken.message)
      throw broken
    }
    this.#blobs.set(layer.digest, (await writer.end()).path)
  }
}

function notWhole({ digest, mediaType }: Descriptor, cause: unknown): ImpoundError {
  const code = cause instanceof ImpoundError ? cause.code : 'cut'
  const foreign = /foreign|nondistributable/.test(mediaType)
    ? '; it is a layer of those that registries don’t keep'
    : ''
  return new ImpoundError(code, `layer ${digest}: ${messageOf(cause)}${foreign}`, { cause })
}

function named({ mediaType, digest, size }: Descriptor, name: string): object {
  return { mediaType, digest, size, annotations: { 'org.opencontainers.image.ref.name': name } }
}

function subjectOf(containers: readonly string[]): string {
  return `image of ${containers.join(', ')}`
}

function blobPath({ digest }: Descriptor): string {
  return `${LAYOUT}/blobs/${digest.replace(':', '/')}`
}

function mediaTypeOf({ mediaType }: Descriptor): string {
  return mediaType === '' ? 'application/octet-stream' : mediaType
}
