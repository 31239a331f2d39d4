import type { KeptFile, ProcessesDocument, ProcessLine } from '../../model/process-documents.js'

const MOST_EXECUTABLES = 2_000
const MOST_PIDS = 50
const MOST_DELETED = 2_000

type Executable = ProcessesDocument['executables'][number]
type DeletedFile = ProcessesDocument['deletedFiles'][number]
type Counts = ProcessesDocument['containers'][number]

/** Which file a link of the process leads to, and where its bytes were kept: link is 'exe' or 'fd/7'. */
type Lookup = (link: string) => { readonly key: string; readonly kept: KeptFile | undefined } | undefined

/** What processes.json says of the lines of processes.jsonl, gathered while they are written. */
export class ProcessSummary {
  readonly #containers = new Map<string, Counts>()
  readonly #executables = new Map<string, Executable & { readonly pids: number[] }>()
  readonly #deleted: DeletedFile[] = []
  #executablesMore = 0
  #deletedMore = 0

  add(line: ProcessLine, lookUp: Lookup): void {
    this.#count(line)
    this.#addExecutable(line, lookUp)
    for (const { fd, ...file } of line.descriptors.files) {
      if (file.kind === 'file' && file.deleted !== true) continue
      if (this.#deleted.length >= MOST_DELETED) {
        this.#deletedMore += 1
        continue
      }
      const kept = lookUp(`fd/${fd}`)?.kept
      this.#deleted.push({
        container: line.container,
        pid: line.pid,
        fd,
        ...file,
        ...(kept === undefined ? {} : { kept }),
      })
    }
  }

  result(): Pick<
    ProcessesDocument,
    'containers' | 'executables' | 'executablesMore' | 'deletedFiles' | 'deletedFilesMore'
  > {
    return {
      containers: [...this.#containers.values()],
      executables: [...this.#executables.values()],
      executablesMore: this.#executablesMore,
      deletedFiles: this.#deleted,
      deletedFilesMore: this.#deletedMore,
    }
  }

  #count({ container, facts }: ProcessLine): void {
    const before = this.#containers.get(container) ?? {
      container,
      processes: 0,
      appeared: 0,
      gone: 0,
      changed: 0,
    }
    const one = (fact: 'appeared' | 'gone' | 'changed'): number => (facts.includes(fact) ? 1 : 0)
    this.#containers.set(container, {
      container,
      processes: before.processes + 1,
      appeared: before.appeared + one('appeared'),
      gone: before.gone + one('gone'),
      changed: before.changed + one('changed'),
    })
  }

  #addExecutable({ container, pid, exe }: ProcessLine, lookUp: Lookup): void {
    if (exe === undefined) return
    const found = lookUp('exe')
    const key = `${container} ${found?.key ?? exe.pathB64 ?? exe.path}`
    const known = this.#executables.get(key)
    if (known !== undefined) {
      if (known.pids.length < MOST_PIDS) known.pids.push(pid)
      this.#executables.set(key, { ...known, pidsTotal: known.pidsTotal + 1 })
      return
    }
    if (this.#executables.size >= MOST_EXECUTABLES) {
      this.#executablesMore += 1
      return
    }
    const kept = found?.kept
    this.#executables.set(key, {
      container,
      ...exe,
      pids: [pid],
      pidsTotal: 1,
      ...(kept === undefined ? {} : { kept }),
    })
  }
}
