import { createHash } from 'node:crypto'

import type { LogBody } from '../model/acquisition.js'
import { ImpoundError, isCode } from '../model/errors.js'
import { asObject, asString, type JsonObject } from '../model/json.js'
import { readLines, type Line } from '../formats/jsonl.js'
import { EMPTY_CHAIN, lineHash } from './acquisition-log.js'
import { ledgerDocument, Projection } from './projection.js'
import type { HashedBytes } from './read-hashed.js'
import type { SeenFile } from './verify-manifest.js'
import type { BagInfo } from './verify-bag-info.js'
import type { Findings } from './verify-report.js'
import { isLogBody } from './verify-log-line.js'

const LOG = 'acquisition.jsonl'
const INDEX = 'data/index.jsonl'
const LEDGER = 'data/ledger.json'
const MAX_LINE_BYTES = 32 << 20
/** What index and ledger are made of is held in memory. */
const MAX_LOG_BYTES = 512 << 20
/** `seq` and `prev` stand first, so that a shell can read them. */
const START = /^\{"seq":(0|[1-9][0-9]{0,15}),"prev":"([0-9a-f]{64})",/

/** Files that one line of the report names. */
const MAX_NAMED = 20

/** What a bag was read as. */
export interface Reading {
  /** False where the reading ended early: what is missing is then not told. */
  readonly isWhole: boolean
  /** A spool: files may lie in it that were still being received. */
  readonly isUnsealed: boolean
}

/** acquisition.jsonl: its chain, and whether manifest, index, ledger and bag-info say what it says. */
export class LogCheck {
  readonly #findings: Findings
  readonly #maxLines: number
  readonly #projection = new Projection()
  #lines = 0
  #head = EMPTY_CHAIN.head
  #wasRead = false
  #isWhole = true
  #case: string | undefined
  #last: JsonObject | undefined

  constructor(findings: Findings, maxFiles: number) {
    this.#findings = findings
    this.#maxLines = maxFiles * 4
  }

  /** SHA-256 of the last line, undefined where no line was read. */
  get head(): string | undefined {
    return this.#lines === 0 ? undefined : this.#head
  }

  /** Why the tool called the archive incomplete, by the log's last line; undefined where it did not. */
  get incomplete(): string | undefined {
    if (this.#last?.['type'] !== 'sealed' || this.#last['incomplete'] !== true) return undefined
    return asString(this.#last['why']) ?? 'no reason given'
  }

  async read(content: HashedBytes): Promise<void> {
    this.#wasRead = true
    try {
      for await (const line of readLines(content, { lineBytes: MAX_LINE_BYTES, lines: this.#maxLines })) {
        this.#line(line)
        if (content.bytes > MAX_LOG_BYTES)
          throw new ImpoundError('too-big', `the log has more than ${MAX_LOG_BYTES} bytes`)
      }
    } catch (error) {
      if (!isCode(error, 'too-big')) throw error
      this.#broken(error.message)
    }
  }

  #line({ raw, text, index, torn }: Line): void {
    if (torn) this.#broken(`line ${index} has no end: it was cut`)
    const [, seq, prev] = START.exec(text.toString('latin1', 0, 200)) ?? []
    const parsed = asObject(parse(text))
    if (parsed === undefined) this.#broken(`line ${index} is no JSON object`)
    else if (seq === undefined || parsed['seq'] !== Number(seq) || parsed['prev'] !== prev) {
      this.#broken(`line ${index} does not begin with its seq and prev`)
    } else {
      if (Number(seq) !== index) this.#broken(`line ${index} says that it is line ${seq}`)
      if (prev !== this.#head) this.#broken(`line ${index} does not follow the line before it`)
    }
    this.#lines = index + 1
    this.#head = lineHash(raw)
    this.#last = parsed
    if (parsed !== undefined) this.#observe(parsed, index)
  }

  #observe(line: JsonObject, index: number): void {
    if (index === 0) {
      this.#case = asString(asObject(line['scene'])?.['case'])
      if (line['type'] !== 'scene') this.#broken('line 0 is not the scene')
    }
    if (isLogBody(line)) this.#projection.observe(line satisfies LogBody)
    else this.#broken(`line ${index} is of no known kind or lacks what its kind needs`)
  }

  #broken(message: string): void {
    this.#isWhole = false
    this.#findings.problem('log-chain', message, LOG)
  }

  /** Compares the log with the files as they are. */
  finish(seen: ReadonlyMap<string, SeenFile>, info: BagInfo | undefined, reading: Reading): void {
    if (!this.#wasRead) {
      for (const check of ['log-chain', 'log-agreement', 'projections', 'seal'] as const) {
        this.#findings.skip(check, 'there is no acquisition log')
      }
      return
    }
    if (this.#lines === 0) this.#broken('the log is empty')
    this.#compareHead(info)
    this.#compareArtefacts(seen, reading)
    this.#compareProjections(seen)
    this.#compareSeal(info)
    this.#findings.detail('log-chain', `${this.#lines} lines`)
  }

  #compareHead(info: BagInfo | undefined): void {
    const said = info?.value('Impound-Log-Head')
    if (info !== undefined && said !== this.#head) {
      this.#findings.problem(
        'log-chain',
        `bag-info.txt says that the log's head is ${said ?? '(nothing)'}, it is ${this.#head}`,
        LOG,
      )
    }
    const name = info?.value('External-Identifier')
    if (name !== undefined && this.#case !== undefined && name !== this.#case) {
      this.#findings.problem('log-agreement', `the log is of case ${this.#case}`, 'bag-info.txt')
    }
  }

  #compareArtefacts(seen: ReadonlyMap<string, SeenFile>, { isWhole, isUnsealed }: Reading): void {
    let artefacts = 0
    for (const { path, sha256, bytes } of this.#projection.index()) {
      artefacts += 1
      const file = seen.get(path)
      if (file === undefined) {
        if (isWhole) this.#findings.problem('log-agreement', 'the log has it, the bag does not', path)
      } else if (file.sha256 !== sha256 || file.bytes !== bytes) {
        this.#findings.problem(
          'log-agreement',
          `the log says ${bytes} bytes with SHA-256 ${sha256}, it has ${file.bytes} bytes with ${file.sha256}`,
          path,
        )
      }
    }
    const unknown = [...seen.keys()].filter(
      (path) =>
        path.startsWith('data/') &&
        path !== INDEX &&
        path !== LEDGER &&
        this.#projection.artefact(path) === undefined,
    )
    // sealing gives every file its line first, so a log that says sealed excuses none
    if (isUnsealed && this.#last?.['type'] !== 'sealed') this.#notYetKnown(unknown)
    else for (const path of unknown) this.#findings.problem('log-agreement', 'the log does not know it', path)
    this.#findings.detail('log-agreement', `${artefacts} artefacts as received`)
  }

  /** A file has its line in the log when it is closed: what a crash left open has none, until the spool is sealed. */
  #notYetKnown(paths: readonly string[]): void {
    if (paths.length === 0) return
    const named = paths.slice(0, MAX_NAMED).join(', ')
    const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : ''
    this.#findings.skip('log-agreement', `not in the log yet, open when the run ended: ${named}${more}`)
  }

  /** Index and ledger are made of the log alone, so what they must be can be made again. */
  #compareProjections(seen: ReadonlyMap<string, SeenFile>): void {
    const index = createHash('sha256')
    for (const record of this.#projection.index()) index.update(`${JSON.stringify(record)}\n`)
    const ledger = `${JSON.stringify(ledgerDocument(this.#projection.ledger()), undefined, 2)}\n`
    const expected = [
      [INDEX, index.digest('hex')],
      [LEDGER, createHash('sha256').update(ledger).digest('hex')],
    ] as const
    const present = expected.filter(([path]) => seen.has(path))
    if (!this.#isWhole || present.length < expected.length) {
      this.#findings.skip('projections', this.#isWhole ? 'index or ledger is not there' : 'the log is broken')
    }
    if (!this.#isWhole) return
    for (const [path, sha256] of present) {
      if (seen.get(path)?.sha256 !== sha256)
        this.#findings.problem('projections', 'it is not what the log says', path)
    }
    this.#findings.detail('projections', 'index and ledger are what the log says')
  }

  #compareSeal(info: BagInfo | undefined): void {
    if (info === undefined) {
      this.#findings.skip('seal', 'there is no bag-info.txt')
      return
    }
    const isSealed = this.#last?.['type'] === 'sealed'
    if (!isSealed) this.#findings.problem('seal', 'its last line does not say that the run was sealed', LOG)
    const isLabelled = info.value('Impound-Incomplete') !== undefined
    if (isSealed && isLabelled !== (this.#last?.['incomplete'] === true)) {
      this.#findings.problem(
        'seal',
        'log and bag-info.txt do not agree whether it is incomplete',
        'bag-info.txt',
      )
    }
    this.#findings.detail('seal', isLabelled ? 'sealed, labelled incomplete' : 'sealed as complete')
  }
}

function parse(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'))
  } catch {
    return undefined
  }
}
