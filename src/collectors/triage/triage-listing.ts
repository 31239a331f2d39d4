import { type FoundEntry, readFindListing } from '../../formats/find-listing.js'
import { ImpoundError } from '../../model/errors.js'
import type { TriageKind } from '../../model/node-triage-document.js'

/** In the order in which files are taken where not all fit. */
export const TRIAGE_KINDS: readonly TriageKind[] = [
  'preload',
  'static-pod',
  'ssh-keys',
  'cron',
  'systemd-unit',
  'kubelet-config',
  'container',
  'journal',
  'node-log',
]

/** Files of all kinds. */
const MOST_FILES = 20_000
const MOST_PROCESSES = 200_000

/** A file as templates/node/triage.sh lists it. */
export interface ListedFile {
  readonly kind: TriageKind
  /** Absolute, as latin1. */
  readonly path: string
  readonly entry: FoundEntry
  readonly link: string | undefined
}

export interface TriageListing {
  readonly files: readonly ListedFile[]
  /** How many processes a cgroup says are in each container, by its ID. */
  readonly processes: ReadonlyMap<string, number>
}

/** What the script's `list` wrote. Throws as {@link readFindListing} does, and `cut` where the end of the list is missing. */
export async function parseTriageListing(bytes: Buffer): Promise<TriageListing> {
  const end = bytes[0] === 0 ? 0 : bytes.indexOf('\0\0') + 1
  if (end === 0 && bytes[0] !== 0) throw new ImpoundError('cut', 'the list of the node’s files has no end')
  const files = new Map<string, ListedFile>()
  for await (const entry of readFindListing(oneChunk(bytes.subarray(0, end)), MOST_FILES)) {
    const [, word = '', rest = ''] = /^([a-z-]+) (\/.*)$/s.exec(entry.name) ?? []
    const kind = TRIAGE_KINDS.find((one) => one === word)
    const tab = entry.type === 'l' ? rest.indexOf('\t') : -1
    const path = tab === -1 ? rest : rest.slice(0, tab)
    // two names of a folder lead to the same files
    if (kind === undefined || path === '' || files.has(path)) continue
    files.set(path, { kind, path, entry, link: tab === -1 ? undefined : rest.slice(tab + 1) })
  }
  const processes = new Map<string, number>()
  const lines = bytes
    .subarray(end + 1)
    .toString('latin1')
    .split('\n', MOST_PROCESSES)
  for (const line of lines) {
    const id = /^[0-9]{1,10} ([0-9a-f]{64})$/.exec(line)?.[1]
    if (id !== undefined) processes.set(id, (processes.get(id) ?? 0) + 1)
  }
  return { files: [...files.values()], processes }
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield await Promise.resolve(bytes)
}
