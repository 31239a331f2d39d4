import { createHash, type Hash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

import { pack, type Pack } from 'tar-stream'

import { mixedFiles, type DataFile } from './data.js'

export interface WrittenImage {
  /** Of an OCI layout. */
  readonly folder: string
  /** Paths of its layers, base first. */
  readonly layers: readonly string[]
  readonly diffIds: readonly string[]
  readonly files: number
}

/** An OCI layout of one image for linux/amd64, with so many layers of the same size, packed as `gzip` does; `total` bytes unpacked. */
export async function writeImage(folder: string, layers: number, total: number): Promise<WrittenImage> {
  const blobs = join(folder, 'blobs/sha256')
  await mkdir(blobs, { recursive: true })
  const files = mixedFiles(total)
  const written: Layer[] = []
  for (let layer = 0; layer < layers; layer += 1)
    written.push(await writeLayer(blobs, upTo(files, total / layers)))
  const config = await writeBlob(blobs, {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: written.map(({ diffId }) => diffId) },
  })
  const manifest = await writeBlob(blobs, {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: written.map(({ digest, size }) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest,
      size,
    })),
  })
  const entry = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest }
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  return {
    folder,
    layers: written.map(({ path }) => path),
    diffIds: written.map(({ diffId }) => diffId),
    files: written.reduce((sum, layer) => sum + layer.files, 0),
  }
}

interface Layer {
  readonly path: string
  readonly digest: string
  readonly size: number
  readonly diffId: string
  readonly files: number
}

async function writeLayer(blobs: string, files: Iterable<DataFile>): Promise<Layer> {
  const archive = pack()
  const [plain, packed] = [createHash('sha256'), createHash('sha256')]
  const draft = join(blobs, 'draft')
  let size = 0
  const written = pipeline(
    archive,
    hashed(plain),
    createGzip(),
    hashed(packed, (bytes) => {
      size += bytes
    }),
    createWriteStream(draft),
  )
  const [count] = await Promise.all([fill(archive, files), written])
  const hex = packed.digest('hex')
  await rename(draft, join(blobs, hex))
  const digest = `sha256:${hex}`
  return { path: join(blobs, hex), digest, size, diffId: `sha256:${plain.digest('hex')}`, files: count }
}

function hashed(
  hash: Hash,
  count: (bytes: number) => void = () => undefined,
): (source: AsyncIterable<unknown>) => AsyncGenerator<Buffer> {
  return async function* (source) {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      hash.update(chunk)
      count(chunk.length)
      yield chunk
    }
  }
}

/** A tar of them, as a layer has them. */
export async function writeLayerTar(path: string, files: Iterable<DataFile>): Promise<number> {
  const archive = pack()
  const [count] = await Promise.all([fill(archive, files), pipeline(archive, createWriteStream(path))])
  return count
}

async function fill(archive: Pack, files: Iterable<DataFile>): Promise<number> {
  let count = 0
  for (const { name, body } of files) {
    await new Promise<void>((resolve, reject) => {
      archive.entry({ name, mtime: new Date(0) }, body, (error) => {
        if (error instanceof Error) reject(error)
        else resolve()
      })
    })
    count += 1
  }
  archive.finalize()
  return count
}

/** The next ones, till they have so many bytes; the rest stays for who asks next. */
function* upTo(files: Iterator<DataFile>, bytes: number): Generator<DataFile> {
  for (let taken = 0; taken < bytes;) {
    const next = files.next()
    if (next.done === true) return
    taken += next.value.body.length
    yield next.value
  }
}

async function writeBlob(blobs: string, document: unknown): Promise<{ digest: string; size: number }> {
  const bytes = Buffer.from(JSON.stringify(document))
  const hex = createHash('sha256').update(bytes).digest('hex')
  await writeFile(join(blobs, hex), bytes)
  return { digest: `sha256:${hex}`, size: bytes.length }
}
