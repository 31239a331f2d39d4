import type { DiffEntry } from '../model/filesystem-documents.js'
import { asArray, asNumber, asString, at } from '../model/json.js'
import { ancestorsOf, documentedPath, pathKey } from './path-key.js'

/** A file that processes of one container run. */
interface RunFile {
  readonly key: string
  readonly isDeleted: boolean
}

/**
 * Joins a container's diff with what its processes run: `running` for a changed file that one executes, `deleted-running` where
 * the file of one is gone, even where nothing else remembers it. Entries are to be given sorted by their keys.
 */
export class RunningFiles {
  /** How many could be joined at most; what is missing of them in the document. */
  readonly more: number
  readonly #running = new Set<string>()
  readonly #gone: readonly string[]
  #next = 0

  private constructor(files: readonly RunFile[], more: number, mounts: ReadonlySet<string>) {
    const gone = new Set<string>()
    // What lies in a volume is no part of the container's own filesystem
    for (const { key, isDeleted } of files) {
      if (isMounted(key, mounts)) continue
      if (isDeleted) gone.add(key)
      else this.#running.add(key)
    }
    this.#gone = [...gone].sort()
    this.more = more
  }

  /** From processes.json; undefined where there is none, or none that speaks of this container. `mounts` are keys. */
  static of(document: unknown, container: string, mounts: Iterable<string>): RunningFiles | undefined {
    const isOurs = (entry: unknown): boolean => at(entry, 'container') === container
    if (!asArray(at(document, 'containers')).some(isOurs)) return undefined
    const files = asArray(at(document, 'executables'))
      .filter((entry) => isOurs(entry) && at(entry, 'kind') === 'file')
      .map(runFile)
      .filter((file) => file !== undefined)
    return new RunningFiles(files, asNumber(at(document, 'executablesMore')) ?? 0, new Set(mounts))
  }

  /** Entries of files that only a process still has, and that come before a key; without one, all that are left. */
  *missingBefore(key?: string): Generator<DiffEntry, void, undefined> {
    for (; this.#next < this.#gone.length; this.#next += 1) {
      const gone = this.#gone[this.#next] ?? ''
      if (key !== undefined && gone >= key) return
      yield {
        ...documentedPath(gone),
        change: 'deleted',
        changed: [],
        class: 'user',
        flags: ['deleted-running'],
      }
    }
  }

  /** The entry with what processes make of it. After {@link missingBefore} of the same key. */
  mark(key: string, entry: DiffEntry): DiffEntry {
    const flags: string[] = []
    if (this.#gone[this.#next] === key) {
      this.#next += 1
      flags.push('deleted-running')
    }
    if (entry.after?.type === 'file' && entry.class !== 'under-mount' && this.#running.has(key))
      flags.push('running')
    return flags.length === 0 ? entry : { ...entry, flags: [...flags, ...entry.flags] }
  }
}

function runFile(entry: unknown): RunFile | undefined {
  const bytes = asString(at(entry, 'pathB64'))
  const path =
    bytes === undefined ? Buffer.from(asString(at(entry, 'path')) ?? '') : Buffer.from(bytes, 'base64')
  const key = pathKey(path)
  return key === undefined || key === '' ? undefined : { key, isDeleted: at(entry, 'deleted') === true }
}

function isMounted(key: string, mounts: ReadonlySet<string>): boolean {
  if (mounts.has(key)) return true
  for (const parent of ancestorsOf(key)) if (parent !== '' && mounts.has(parent)) return true
  return false
}

/** The key of an entry's path. */
export function entryKey({ path, pathB64 }: Pick<DiffEntry, 'path' | 'pathB64'>): string {
  const bytes = pathB64 === undefined ? Buffer.from(path) : Buffer.from(pathB64, 'base64')
  return bytes.toString('latin1').slice(1)
}

/** What a reader has to know where the join could not be made, or not wholly. */
export function unjoined(running: RunningFiles | undefined): readonly string[] {
  if (running === undefined)
    return ['which processes run changed files is not known: there are no processes of this container']
  return running.more === 0
    ? []
    : [
        `${running.more} executables were too many to be listed with the processes: some changed files may run unnoticed`,
      ]
}
