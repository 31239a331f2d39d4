import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

export function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => boolean

/** A registry on 127.0.0.1 that a test fills, and makes misbehave by a handler that goes first. */
export class FakeRegistry {
  readonly manifests = new Map<string, { mediaType: string; bytes: Buffer }>()
  readonly blobs = new Map<string, Buffer>()
  readonly seen: {
    method: string
    url: string
    authorization: string | undefined
    range: string | undefined
  }[] = []
  first: Handler = () => false
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      this.seen.push({
        method: request.method ?? '',
        url: request.url ?? '',
        authorization: request.headers.authorization,
        range: request.headers.range,
      })
      if (!this.first(request, response)) this.#serve(request, response)
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  blob(bytes: Buffer): { digest: string; size: number } {
    this.blobs.set(sha256(bytes), bytes)
    return { digest: sha256(bytes), size: bytes.length }
  }

  manifest(value: unknown, mediaType: string, ...tags: string[]): { digest: string; size: number } {
    const bytes = Buffer.from(JSON.stringify(value))
    for (const name of [sha256(bytes), ...tags]) this.manifests.set(name, { mediaType, bytes })
    return { digest: sha256(bytes), size: bytes.length }
  }

  /** An image of uncompressed layer tars; stores each layer gzipped. */
  image(layers: readonly Buffer[], tag = 'latest', config: object = {}): { digest: string; size: number } {
    const stored = layers.map((tar) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      ...this.blob(gzipSync(tar)),
    }))
    const configBytes = Buffer.from(
      JSON.stringify({
        os: 'linux',
        architecture: 'amd64',
        created: '2026-11-01T00:00:00Z',
        ...config,
        rootfs: { type: 'layers', diff_ids: layers.map(sha256) },
        history: [{ created: '2026-11-01T00:00:00Z', created_by: 'COPY . /' }],
      }),
    )
    return this.manifest(
      {
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...this.blob(configBytes) },
        layers: stored,
      },
      'application/vnd.oci.image.manifest.v1+json',
      tag,
    )
  }

  /** Wants a token from its own /token before it answers. */
  guard(realm = `${this.address}/token`): void {
    const token = randomBytes(8).toString('hex')
    this.first = (request, response) => {
      if ((request.url ?? '').startsWith('/token')) {
        response.end(JSON.stringify({ token }))
        return true
      }
      if (request.headers.authorization === `Bearer ${token}`) return false
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="fake",scope="admin:*"` })
        .end()
      return true
    }
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const [, kind, name = ''] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? []
    const manifest = kind === 'manifests' ? this.manifests.get(name) : undefined
    const bytes = manifest?.bytes ?? (kind === 'blobs' ? this.blobs.get(name) : undefined)
    if (bytes === undefined) {
      response.writeHead(404).end()
      return
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': bytes.length - from,
      'content-type': manifest?.mediaType ?? 'application/octet-stream',
      ...(manifest === undefined ? {} : { 'docker-content-digest': sha256(bytes) }),
    })
    response.end(request.method === 'HEAD' ? undefined : bytes.subarray(from))
  }
}
