import { randomBytes } from 'node:crypto'
import {
  access,
  chmod,
  constants,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  utimes,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { ImpoundError } from '../model/errors.js'
import { openLayerIndex, type LayerIndexFile } from './layer-index-file.js'

/** Bytes that the kept indexes may take: some five hundred images of twenty thousand files. */
const MOST_BYTES = 512 << 20
/** A file that is being written is younger. */
const LEFT_BEHIND_MS = 24 * 3600 * 1000

/** Where indexes are kept, and for how much of them there is room. */
export interface LayerCacheOptions {
  /** Made at the first use. */
  readonly directory: string
  /** Our uid, where the system has such: what another owns is not believed. */
  readonly owner: number | undefined
  readonly maxBytes?: number
}

/**
 * Indexes of layers whose diff_id was verified, kept from one run to the next by that diff_id. They hold names, owners, modes
 * and hashes of images, no content. Without a folder that is ours alone nothing is kept: an index lives in a temporary
 * file without a name then, as long as it is open.
 */
export class LayerCache {
  readonly #options: LayerCacheOptions | undefined
  #folder: Promise<string | undefined> | undefined
  #shrunk: Promise<void> | undefined

  constructor(options?: LayerCacheOptions) {
    this.#options = options
  }

  /** What is known of a layer; undefined where it must be read. */
  async find(diffId: string): Promise<LayerIndexFile | undefined> {
    const folder = await this.#kept()
    if (folder === undefined) return undefined
    const path = join(folder, nameOf(diffId))
    const index = await openLayerIndex(path, diffId, this.#options?.owner)
    const now = new Date()
    if (index !== undefined) await utimes(path, now, now).catch(() => undefined)
    return index
  }

  /** A path to write an index to: {@link keep} makes it known, {@link discard} takes it away. Throws `storage`. */
  async draft(): Promise<string> {
    const folder = await this.#kept()
    const name = `.${randomBytes(12).toString('hex')}.draft`
    if (folder !== undefined) return join(folder, name)
    try {
      return join(await mkdtemp(join(tmpdir(), 'impound-layer-')), name)
    } catch (cause) {
      throw new ImpoundError('storage', 'no temporary folder can be made', { cause })
    }
  }

  /** Takes a whole index, whose layer was verified. Throws `storage` where it can't be had back. */
  async keep(draft: string, diffId: string): Promise<LayerIndexFile> {
    const folder = await this.#kept()
    const path = folder === undefined ? draft : join(folder, nameOf(diffId))
    if (path !== draft) {
      await rename(draft, path).catch((cause: unknown) => {
        throw new ImpoundError('storage', 'the index of a layer can not be kept', { cause })
      })
    }
    const index = await openLayerIndex(path, diffId, this.#options?.owner)
    if (index === undefined) throw new ImpoundError('storage', 'the index of a layer is not what was written')
    if (folder === undefined) await this.discard(draft)
    else this.#shrunk ??= shrink(folder, this.#options?.maxBytes ?? MOST_BYTES).catch(() => undefined)
    return index
  }

  async discard(draft: string): Promise<void> {
    const isTemporary = (await this.#kept()) === undefined
    await rm(isTemporary ? dirname(draft) : draft, { recursive: true, force: true }).catch(() => undefined)
  }

  #kept(): Promise<string | undefined> {
    this.#folder ??= this.#options === undefined ? Promise.resolve(undefined) : ownFolder(this.#options)
    return this.#folder
  }
}

function nameOf(diffId: string): string {
  return diffId.replace(':', '-')
}

/** The folder, made where it was not; undefined where it can't be, or where it belongs to another. */
async function ownFolder({ directory, owner }: LayerCacheOptions): Promise<string | undefined> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const facts = await lstat(directory)
    if (!facts.isDirectory() || (owner !== undefined && facts.uid !== owner)) return undefined
    if ((facts.mode & 0o022) !== 0) await chmod(directory, 0o700)
    await access(directory, constants.W_OK)
    return directory
  } catch {
    return undefined
  }
}

/** Takes away the least recently used past the bound, and what a killed run left. */
async function shrink(directory: string, maxBytes: number): Promise<void> {
  const files: { readonly path: string; readonly size: number; readonly usedAt: number }[] = []
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const { size, mtimeMs } = await stat(path)
    if (!name.endsWith('.draft')) files.push({ path, size, usedAt: mtimeMs })
    else if (Date.now() - mtimeMs > LEFT_BEHIND_MS) await rm(path, { force: true })
  }
  let bytes = 0
  for (const { path, size } of files.sort((a, b) => b.usedAt - a.usedAt)) {
    bytes += size
    if (bytes > maxBytes) await rm(path, { force: true })
  }
}
