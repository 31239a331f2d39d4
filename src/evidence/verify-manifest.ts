import { isCode } from '../model/errors.js'
import { readLines } from '../formats/jsonl.js'
import type { HashedBytes } from './read-hashed.js'
import type { CheckName, Findings } from './verify-report.js'

/** What a file of the bag turned out to be. */
export interface SeenFile {
  readonly sha256: string
  readonly bytes: number
}

/** sha256sum's format, two blanks, no escapes: paths in our bags need none (RFC 8493, 2.1.3). */
const LINE = /^([0-9a-f]{64}) {2}([A-Za-z0-9][A-Za-z0-9._/-]*)$/
const MAX_LINE_BYTES = 8192

/** One manifest: path to SHA-256. */
export class ManifestCheck {
  readonly #findings: Findings
  readonly #check: CheckName
  readonly #maxLines: number
  readonly #entries = new Map<string, string>()
  #wasRead = false

  constructor(findings: Findings, check: 'tag-manifest' | 'payload-manifest', maxLines: number) {
    this.#findings = findings
    this.#check = check
    this.#maxLines = maxLines
  }

  get wasRead(): boolean {
    return this.#wasRead
  }

  async read(content: HashedBytes): Promise<void> {
    this.#wasRead = true
    try {
      for await (const line of readLines(content, { lineBytes: MAX_LINE_BYTES, lines: this.#maxLines })) {
        if (line.torn) this.#findings.problem(this.#check, 'its last line has no end')
        const [, sha256, path] = LINE.exec(line.text.toString('utf8')) ?? []
        if (sha256 === undefined || path === undefined) {
          this.#findings.problem(this.#check, `line ${line.index + 1} is no manifest line`)
        } else if (this.#entries.has(path)) {
          this.#findings.problem(this.#check, 'listed twice', path)
        } else {
          this.#entries.set(path, sha256)
        }
      }
    } catch (error) {
      if (!isCode(error, 'too-big')) throw error
      this.#findings.problem(this.#check, error.message)
    }
  }

  lists(path: string): boolean {
    return this.#entries.has(path)
  }

  paths(): Iterable<string> {
    return this.#entries.keys()
  }

  compare(path: string, seen: SeenFile): void {
    const listed = this.#entries.get(path)
    if (listed !== undefined && listed !== seen.sha256) {
      this.#findings.problem(this.#check, `its SHA-256 is ${seen.sha256}, listed is ${listed}`, path)
    }
  }

  finish(): void {
    if (this.#wasRead) this.#findings.detail(this.#check, `${this.#entries.size} files as listed`)
    else this.#findings.skip(this.#check, 'it is not there')
  }
}
