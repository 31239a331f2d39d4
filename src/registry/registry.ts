import { ImpoundError } from '../model/errors.js'
import type {
  Attachment,
  Descriptor,
  Platform,
  Registry,
  ResolvedImage,
  VerifiedDocument,
} from '../model/ports/registry.js'
import { attachmentsOf } from './attachments.js'
import { verifiedBlob } from './blob.js'
import { RegistryClient } from './client.js'
import type { CredentialSource } from './credential.js'
import type { ImageArchive } from './image-archive.js'
import { checkBytes, sha256Digest } from './digest.js'
import { headerOf } from './http.js'
import { choosePlatform, DOCUMENT_LIMIT, MANIFEST_TYPES, parseConfig, parseManifest } from './manifest.js'
import { addressOf, type RegistryPolicy, serverNameOf } from './policy.js'
import { isDigest, parseReference, type Reference } from './reference.js'

export interface RegistryOptions {
  readonly policy: RegistryPolicy
  /** For one document, and for the silence within a blob; ms. */
  readonly timeoutMs: number
  /** Where credentials are looked for once a registry wants some. */
  readonly credentials?: readonly CredentialSource[]
  /** Files that the user gave, asked before any registry. */
  readonly archives?: readonly ImageArchive[]
  /** A line for the progress output: which registry is asked, and again. */
  readonly notice: (line: string) => void
}

/** OCI images from the registries that the policy allows, asked as anonymous until they want credentials. */
export function createRegistry(options: RegistryOptions): Registry {
  const clients = new Map<string, RegistryClient>()

  const clientFor = (host: string): RegistryClient => {
    const known = clients.get(host)
    if (known !== undefined) return known
    const address = addressOf(options.policy, host)
    if (address === undefined)
      throw new ImpoundError('refused', notAllowed(host), { hints: [allowHint(host)] })
    options.notice(`asking registry ${host}${address.host === host ? '' : ` at ${address.host}`}`)
    const client = new RegistryClient({
      ...{ host, address, server: serverNameOf(host, address), credentials: options.credentials ?? [] },
      ...{ timeoutMs: options.timeoutMs, notice: options.notice },
    })
    clients.set(host, client)
    return client
  }

  const archives = options.archives ?? []

  return {
    archived(wanted, platform) {
      for (const archive of archives) {
        const found = archive.find(wanted, platform)
        if (found !== undefined) return found
      }
      return undefined
    },

    allows(reference) {
      let host: string
      try {
        ;({ host } = parseReference(reference))
      } catch {
        return { allowed: false, host: '', why: 'the reference can not be read' }
      }
      return addressOf(options.policy, host) === undefined
        ? { allowed: false, host, why: `${notAllowed(host)}; ${allowHint(host)}` }
        : { allowed: true, host, why: '' }
    },

    async digestOf(text, signal) {
      const reference = parseReference(text)
      return head(clientFor(reference.host), reference, signal)
    },

    async resolve(text, platform, signal) {
      const reference = parseReference(text)
      return resolve(clientFor(reference.host), reference, platform, signal)
    },

    async attachments({ repository, archive, index, manifest }, signal) {
      if (archive !== undefined) return []
      const { host, repository: name } = parseReference(repository)
      const found: Attachment[] = []
      for (const document of [index, manifest]) {
        if (document === undefined) continue
        found.push(...(await attachmentsOf(clientFor(host), name, document.descriptor.digest, signal)))
      }
      return found
    },

    async attached({ repository }, { digest }, signal) {
      const reference = { ...parseReference(repository), digest }
      const manifest = await manifestBytes(clientFor(reference.host), reference, signal)
      const parsed = parseManifest(manifest.bytes)
      return { manifest, parts: parsed.kind === 'index' ? [] : parsed.layers }
    },

    async blob({ repository, archive }, descriptor, signal) {
      if (archive === undefined) {
        const { host, repository: name } = parseReference(repository)
        return verifiedBlob(clientFor(host), name, descriptor, signal)
      }
      const from = archives.find(({ path }) => path === archive.path)
      const blob = from?.layer(descriptor, signal)
      if (blob === undefined)
        throw new ImpoundError('integrity', `the image archive has no layer ${descriptor.digest}`)
      return Promise.resolve(blob)
    },
  }
}

function notAllowed(host: string): string {
  return `registry ${host} is not known`
}

function allowHint(host: string): string {
  return `allow it with --registry ${host}`
}

async function head(client: RegistryClient, reference: Reference, signal: AbortSignal): Promise<Descriptor> {
  const answer = await client.ask({
    method: 'HEAD',
    repository: reference.repository,
    path: `manifests/${wanted(reference)}`,
    headers: { accept: MANIFEST_TYPES.join(', ') },
    signal,
  })
  await answer.body.dump()
  const digest = headerOf(answer, 'docker-content-digest') ?? ''
  const size = Number(headerOf(answer, 'content-length') ?? Number.NaN)
  if (isDigest(digest) && Number.isSafeInteger(size))
    return { mediaType: headerOf(answer, 'content-type') ?? '', digest, size }
  return (await manifestBytes(client, reference, signal)).descriptor
}

/** Digest before tag: what runs, not what the tag stands for now. */
function wanted(reference: Reference): string {
  return reference.digest ?? reference.tag ?? 'latest'
}

async function resolve(
  client: RegistryClient,
  reference: Reference,
  platform: Platform,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const first = await manifestBytes(client, reference, signal)
  const parsed = parseManifest(first.bytes)
  if (parsed.kind === 'manifest') return complete(client, reference, first, undefined, signal)
  const chosen = choosePlatform(parsed, platform)
  const byDigest: Reference = { ...reference, digest: chosen.digest }
  const manifest = await manifestBytes(client, byDigest, signal)
  if (manifest.bytes.length !== chosen.size) {
    throw new ImpoundError(
      'integrity',
      `the manifest has ${manifest.bytes.length} bytes, the index says ${chosen.size}`,
    )
  }
  return complete(client, reference, manifest, first, signal)
}

async function complete(
  client: RegistryClient,
  reference: Reference,
  manifest: VerifiedDocument,
  index: VerifiedDocument | undefined,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const parsed = parseManifest(manifest.bytes)
  if (parsed.kind === 'index') throw new ImpoundError('unsupported', 'an index within an index')
  const { repository } = reference
  const path = `blobs/${parsed.config.digest}`
  if (parsed.config.size > DOCUMENT_LIMIT)
    throw new ImpoundError('too-big', `the image config has ${parsed.config.size} bytes`)
  const { bytes } = await client.document({ method: 'GET', repository, path, signal }, DOCUMENT_LIMIT)
  checkBytes(bytes, parsed.config, 'the image config')
  const { diffIds } = parseConfig(bytes)
  if (diffIds.length !== parsed.layers.length) {
    throw new ImpoundError(
      'integrity',
      `the manifest has ${parsed.layers.length} layers, the config ${diffIds.length}`,
    )
  }
  const credentials = client.credentialsFor(repository)
  return {
    repository: `${reference.host}/${repository}`,
    ...(credentials === undefined ? {} : { credentials }),
    ...(index === undefined ? {} : { index }),
    manifest,
    config: { descriptor: parsed.config, bytes, request: requested(client, repository, path) },
    layers: parsed.layers,
    diffIds,
  }
}

async function manifestBytes(
  client: RegistryClient,
  reference: Reference,
  signal: AbortSignal,
): Promise<VerifiedDocument> {
  const { repository } = reference
  const path = `manifests/${wanted(reference)}`
  const headers = { accept: MANIFEST_TYPES.join(', ') }
  const { bytes, answer } = await client.document(
    { method: 'GET', repository, path, headers, signal },
    DOCUMENT_LIMIT,
  )
  const announced = headerOf(answer, 'docker-content-digest')
  const digest =
    reference.digest ?? (announced !== undefined && isDigest(announced) ? announced : sha256Digest(bytes))
  const mediaType = headerOf(answer, 'content-type')?.split(';', 1)[0]?.trim() ?? ''
  const descriptor = { mediaType, digest, size: bytes.length }
  checkBytes(bytes, descriptor, 'the manifest')
  return { descriptor, bytes, request: requested(client, repository, path) }
}

function requested(client: RegistryClient, repository: string, path: string): string {
  return `GET ${client.urlOf(repository, path).href}`
}
