import { isCode } from '../model/errors.js'
import type { HashedBytes } from './read-hashed.js'
import { BagInfo } from './verify-bag-info.js'
import { LogCheck } from './verify-log.js'
import { ManifestCheck, type SeenFile } from './verify-manifest.js'
import type { Findings } from './verify-report.js'

/** Files in one bag; a bag with more is not checked to its end. About 1 KiB of memory each. */
export const MAX_FILES = 500_000
const MAX_TAG_BYTES = 1 << 20

const BAGIT = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n'
const TAG_MANIFEST = 'tagmanifest-sha256.txt'
const PAYLOAD_MANIFEST = 'manifest-sha256.txt'
const LOG = 'acquisition.jsonl'
/** What sealing adds. */
const TAG_FILES = ['bagit.txt', 'bag-info.txt', PAYLOAD_MANIFEST, TAG_MANIFEST, 'README-VERIFY.txt']
const OF_TAG_FILES = ['bag', 'tag-manifest', 'payload-manifest', 'files', 'payload-oxum'] as const

/** Checks one bag, file by file in any order, then all together. Every mismatch goes to the findings; nothing is thrown for it. */
export class BagCheck {
  readonly #findings: Findings
  readonly #seen = new Map<string, SeenFile>()
  readonly #tagManifest: ManifestCheck
  readonly #payloadManifest: ManifestCheck
  readonly log: LogCheck
  info: BagInfo | undefined

  constructor(findings: Findings) {
    this.#findings = findings
    this.#tagManifest = new ManifestCheck(findings, 'tag-manifest', MAX_FILES)
    this.#payloadManifest = new ManifestCheck(findings, 'payload-manifest', MAX_FILES)
    this.log = new LogCheck(findings, MAX_FILES)
  }

  get files(): number {
    return this.#seen.size
  }

  has(path: string): boolean {
    return this.#seen.has(path)
  }

  /** Takes one file, by its path inside the bag. What the source of its bytes throws is thrown. */
  async file(path: string, content: HashedBytes): Promise<void> {
    switch (path) {
      case LOG:
        await this.log.read(content)
        break
      case TAG_MANIFEST:
        await this.#tagManifest.read(content)
        break
      case PAYLOAD_MANIFEST:
        await this.#payloadManifest.read(content)
        break
      case 'bagit.txt':
        if ((await this.#tagText(path, content)) !== BAGIT) {
          this.#findings.problem('bag', 'it does not say BagIt 1.0 in UTF-8', path)
        }
        break
      case 'bag-info.txt':
        this.info = new BagInfo(await this.#tagText(path, content), this.#findings)
        break
      default:
    }
    const sha256 = await content.digest()
    this.#seen.set(path, { sha256, bytes: content.bytes })
  }

  async #tagText(path: string, content: HashedBytes): Promise<string> {
    try {
      return (await content.whole(MAX_TAG_BYTES)).toString('utf8')
    } catch (error) {
      if (!isCode(error, 'too-big')) throw error
      this.#findings.problem('bag', error.message, path)
      return ''
    }
  }

  /** Whether it is a spool as a run leaves it: evidence and log, and none of what sealing adds. */
  get isUnsealed(): boolean {
    return this.has(LOG) && !TAG_FILES.some((path) => this.has(path))
  }

  /** What only all files together can tell. `isWhole` is false where the reading ended early: what is missing is then not told. */
  finish(isWhole: boolean): void {
    const why = this.isUnsealed ? 'not sealed yet' : 'it could not be read to its end'
    if (!isWhole || this.isUnsealed) {
      for (const check of OF_TAG_FILES) this.#findings.skip(check, why)
    }
    if (!this.isUnsealed) {
      this.#requireTags(isWhole)
      this.#compareManifests(isWhole)
      if (isWhole) this.#compareOxum()
    }
    this.log.finish(this.#seen, this.info, { isWhole, isUnsealed: this.isUnsealed })
  }

  #requireTags(isWhole: boolean): void {
    const missing = [...TAG_FILES, LOG].filter((path) => !this.has(path))
    if (isWhole) for (const path of missing) this.#findings.problem('bag', 'missing', path)
    else if (missing.length > 0) this.#findings.skip('bag', `not seen: ${missing.join(', ')}`)
    this.#findings.detail('bag', 'BagIt 1.0')
  }

  #compareManifests(isWhole: boolean): void {
    for (const [path, seen] of this.#seen) {
      const isPayload = path.startsWith('data/')
      const manifest = isPayload ? this.#payloadManifest : this.#tagManifest
      if (manifest.wasRead) manifest.compare(path, seen)
      const isListed = manifest.lists(path) || path === TAG_MANIFEST
      if (isWhole && manifest.wasRead && !isListed)
        this.#findings.problem('files', 'no manifest lists it', path)
    }
    for (const manifest of [this.#tagManifest, this.#payloadManifest]) {
      manifest.finish()
      if (!isWhole) continue
      for (const path of manifest.paths()) {
        if (!this.has(path)) this.#findings.problem('files', 'listed, but missing', path)
      }
    }
    for (const path of this.#payloadManifest.paths()) {
      if (!path.startsWith('data/')) this.#findings.problem('payload-manifest', 'it is no payload', path)
    }
    for (const path of this.#tagManifest.paths()) {
      if (path.startsWith('data/')) this.#findings.problem('tag-manifest', 'it is payload', path)
    }
    if (!this.#tagManifest.wasRead || !this.#payloadManifest.wasRead) {
      this.#findings.skip('files', 'a manifest is not there')
    } else if (isWhole) this.#findings.detail('files', `${this.#seen.size} files, each listed, none missing`)
  }

  #compareOxum(): void {
    const payload = [...this.#seen].filter(([path]) => path.startsWith('data/'))
    const bytes = payload.reduce((sum, [, seen]) => sum + seen.bytes, 0)
    const counted = `${bytes}.${payload.length}`
    const said = this.info?.value('Payload-Oxum')
    if (this.info === undefined) this.#findings.skip('payload-oxum', 'there is no bag-info.txt')
    else if (said !== counted) {
      this.#findings.problem(
        'payload-oxum',
        `it says ${said ?? 'nothing'}, counted ${counted}`,
        'bag-info.txt',
      )
    }
    this.#findings.detail('payload-oxum', counted)
  }
}
