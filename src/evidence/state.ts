import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { readLines } from '../formats/jsonl.js'
import type { WriteIntent, WriteOutcome } from '../model/acquisition.js'
import type { JournalEntry } from '../model/containment.js'
import { asObject } from '../model/json.js'
import type { Journal } from '../model/ports/kube-writer.js'
import { safeSegment } from '../model/safe-segment.js'
import { LineFile } from './line-file.js'
import { errnoOf, exists, flush, storageError } from './storage.js'
import { Turns } from './turns.js'

/** What a run left in the state directory about one pod: who did it, where the archive is. */
export interface StateFacts {
  readonly case: string
  /** The run's name, which is the archive's. */
  readonly run: string
  /** As the API server knew the person, or the local user. */
  readonly who: string
  /** Where the archive was to be written. */
  readonly archive: string
  readonly context: string
  readonly server: string
  readonly target: { readonly namespace: string; readonly name: string; readonly uid: string }
}

type StateLine =
  | { readonly type: 'run'; readonly schema: 'impound/state/v1'; readonly facts: StateFacts }
  | { readonly type: 'intent'; readonly intent: WriteIntent }
  | { readonly type: 'result'; readonly result: WriteOutcome }

/** What `release` needs of one pod, kept on this machine until it is released. */
export interface StateFile {
  readonly path: string
  /** Both kinds of line are on the disk when it resolves. */
  readonly journal: Journal
  /** Notes the run that is about to change the cluster. Durable. */
  describe(facts: StateFacts): Promise<void>
  /** Of the last run that was noted; undefined where nothing is known. */
  readonly facts: () => StateFacts | undefined
  /** In the order in which they were sent; those without an outcome may or may not have taken effect. */
  readonly entries: () => readonly JournalEntry[]
  /** Puts it away as `<pod uid>.released-<n>`: it is history, not work any more. Closes it. */
  released(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens `<directory>/<cluster uid>/<pod uid>.jsonl`; the file is made by the first write, so that asking leaves nothing behind.
 * A torn last line is left out and overwritten by nobody: the next one begins on a line of its own. Throws `storage`.
 */
export async function openState(directory: string, clusterUid: string, podUid: string): Promise<StateFile> {
  const path = join(directory, safeSegment(clusterUid), `${safeSegment(podUid)}.jsonl`)
  return new StateOnDisk(path, await readState(path))
}

/** Everything in the state directory that is not released yet, sorted by path. */
export async function listStates(directory: string): Promise<readonly StateFile[]> {
  const found: StateFile[] = []
  for (const cluster of (await namesIn(directory)).sort()) {
    for (const name of (await namesIn(join(directory, cluster))).sort()) {
      if (!name.endsWith('.jsonl')) continue
      const path = join(directory, cluster, name)
      found.push(new StateOnDisk(path, await readState(path)))
    }
  }
  return found
}

interface ReadState {
  readonly lines: readonly StateLine[]
  /** The file ends in the middle of a line. */
  readonly torn: boolean
}

class StateOnDisk implements StateFile {
  readonly path: string
  readonly journal: Journal
  readonly #lines: StateLine[]
  readonly #turns = new Turns()
  #torn: boolean
  #file: LineFile | undefined

  constructor(path: string, read: ReadState) {
    this.path = path
    this.#lines = [...read.lines]
    this.#torn = read.torn
    this.journal = {
      intent: (intent) => this.#append({ type: 'intent', intent }),
      result: (result) => this.#append({ type: 'result', result }),
    }
  }

  readonly facts = (): StateFacts | undefined => this.#lines.findLast((line) => line.type === 'run')?.facts

  readonly entries = (): readonly JournalEntry[] => {
    const outcomes = new Map<string, WriteOutcome>()
    for (const line of this.#lines) if (line.type === 'result') outcomes.set(line.result.id, line.result)
    return this.#lines
      .filter((line) => line.type === 'intent')
      .map(({ intent }) => {
        const outcome = outcomes.get(intent.id)
        return { intent, ...(outcome === undefined ? {} : { outcome }) }
      })
  }

  describe(facts: StateFacts): Promise<void> {
    return this.#append({ type: 'run', schema: 'impound/state/v1', facts })
  }

  async released(): Promise<void> {
    await this.close()
    if (!(await exists(this.path))) return
    const base = this.path.replace(/\.jsonl$/, '')
    let number = 1
    while (await exists(`${base}.released-${number}`)) number += 1
    try {
      await rename(this.path, `${base}.released-${number}`)
    } catch (error) {
      throw storageError(error, this.path)
    }
  }

  async close(): Promise<void> {
    await this.#turns.take(async () => {
      await this.#file?.close()
      this.#file = undefined
    })
  }

  #append(line: StateLine): Promise<void> {
    return this.#turns.take(async () => {
      this.#file ??= await openFile(this.path)
      const start = this.#torn ? '\n' : ''
      await this.#file.append(Buffer.from(`${start}${JSON.stringify(line)}\n`), true)
      this.#torn = false
      this.#lines.push(line)
    })
  }
}

async function openFile(path: string): Promise<LineFile> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await LineFile.append(path)
    await flush(dirname(path))
    return file
  } catch (error) {
    throw storageError(error, path)
  }
}

async function readState(path: string): Promise<ReadState> {
  const lines: StateLine[] = []
  let tornAtEnd = false
  try {
    for await (const { text, torn } of readLines(createReadStream(path))) {
      tornAtEnd = torn
      const line = parseLine(text)
      if (line !== undefined) lines.push(line)
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw storageError(error, path)
  }
  return { lines, torn: tornAtEnd }
}

/** Undefined for what is no line of ours: the torn end of a crash, or a later version's. */
function parseLine(text: Buffer): StateLine | undefined {
  try {
    const line = asObject(JSON.parse(text.toString('utf8')))
    const known =
      (line?.['type'] === 'run' && asObject(line['facts'])) ||
      (line?.['type'] === 'intent' && asObject(line['intent'])) ||
      (line?.['type'] === 'result' && asObject(line['result']))
    return known === undefined || known === false ? undefined : (line as unknown as StateLine)
  } catch {
    return undefined
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw storageError(error, directory)
  }
}
