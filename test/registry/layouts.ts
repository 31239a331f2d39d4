import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { tarOf } from '../filesystem/tars.js'
import { sha256 } from './fake-registry.js'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

export interface Layout {
  readonly files: ReadonlyMap<string, Buffer>
  readonly manifestDigest: string
  readonly configDigest: string
}

function configOf(tars: readonly Buffer[]): Buffer {
  const rootfs = { type: 'layers', diff_ids: tars.map(sha256) }
  return Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs }))
}

/** An OCI layout of one image, gzipped layers, as files by name. */
export function ociLayout(tars: readonly Buffer[], name = 'registry.test/shop/web:1'): Layout {
  const files = new Map<string, Buffer>()
  const blob = (bytes: Buffer): { digest: string; size: number } => {
    files.set(`blobs/${sha256(bytes).replace(':', '/')}`, bytes)
    return { digest: sha256(bytes), size: bytes.length }
  }
  const layers = tars.map((tar) => ({
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    ...blob(gzipSync(tar)),
  }))
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...blob(configOf(tars)) }
  const manifest = blob(
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers })),
  )
  const annotations = { 'org.opencontainers.image.ref.name': name }
  const index = { schemaVersion: 2, manifests: [{ mediaType: MANIFEST, ...manifest, annotations }] }
  files.set('index.json', Buffer.from(JSON.stringify(index)))
  files.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  return { files, manifestDigest: manifest.digest, configDigest: config.digest }
}

/** What `docker save` wrote before it wrote OCI layouts as well. */
export function dockerArchive(tars: readonly Buffer[], name = 'registry.test/shop/web:1'): Layout {
  const config = configOf(tars)
  const hex = sha256(config).slice(7)
  const layers = tars.map((_, index) => `${'0'.repeat(62)}${String(index).padStart(2, '0')}/layer.tar`)
  const files = new Map<string, Buffer>([
    [`${hex}.json`, config],
    ...layers.map((layer, index) => [layer, tars[index]!] as const),
    [
      'manifest.json',
      Buffer.from(JSON.stringify([{ Config: `${hex}.json`, RepoTags: [name], Layers: layers }])),
    ],
  ])
  return { files, manifestDigest: '', configDigest: `sha256:${hex}` }
}

export function asDirectory({ files }: Pick<Layout, 'files'>, directory: string): string {
  for (const [name, bytes] of files) {
    mkdirSync(join(directory, dirname(name)), { recursive: true })
    writeFileSync(join(directory, name), bytes)
  }
  return directory
}

export async function asTar({ files }: Pick<Layout, 'files'>, path: string): Promise<string> {
  writeFileSync(path, await tarOf([...files].map(([name, content]) => ({ name, content }))))
  return path
}
