import { readProto } from '../protobuf.js'
import { criuEntries } from './image.js'

/** A line of pstree.img: PIDs as the container numbers them. Source: CRIU, images/pstree.proto. */
export interface CriuTask {
  readonly pid: number
  readonly ppid: number
  readonly pgid: number | undefined
  readonly sid: number | undefined
  readonly threads: number
}

export function readPstree(image: Buffer): readonly CriuTask[] {
  const tasks: CriuTask[] = []
  for (const entry of criuEntries(image, 'pstree')) {
    const fields = readProto(entry, [1, 2, 3, 4, 5])
    const [pid, ppid] = [fields.number(1), fields.number(2)]
    if (pid === undefined || ppid === undefined) continue
    tasks.push({
      pid,
      ppid,
      pgid: fields.number(3),
      sid: fields.number(4),
      threads: fields.numbers(5).length,
    })
  }
  return tasks
}

/** Those who are their own ancestors: no kernel ever had such a tree. */
export function inCircles(tasks: readonly CriuTask[]): readonly number[] {
  const parents = new Map(tasks.map(({ pid, ppid }) => [pid, ppid]))
  // 1 while it is walked, 2 once it is known to end
  const known = new Map<number, 1 | 2>()
  const found: number[] = []
  for (const { pid } of tasks) {
    const walked: number[] = []
    let at: number | undefined = pid
    while (at !== undefined && !known.has(at)) {
      known.set(at, 1)
      walked.push(at)
      at = parents.get(at)
    }
    if (at !== undefined && known.get(at) === 1) found.push(...walked.slice(walked.indexOf(at)))
    for (const one of walked) known.set(one, 2)
  }
  return found.sort((a, b) => a - b)
}

/** core-PID.img. Source: CRIU, images/core.proto, creds.proto. */
export interface CriuCore {
  /** As bytes: whoever runs there may set it. */
  readonly comm: Buffer | undefined
  readonly state: 'alive' | 'dead' | 'stopped' | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  /** Of files that it has open: fdinfo-N.img. */
  readonly filesId: number | undefined
  readonly bigEndian: boolean
}

const STATES: Readonly<Record<number, CriuCore['state']>> = { 1: 'alive', 2: 'dead', 3: 'stopped' }
/** Of mtype: s390x, alone among those that it knows. */
const S390 = 5

/** Undefined where it has no entry. */
export function readCore(image: Buffer): CriuCore | undefined {
  for (const entry of criuEntries(image, 'core')) {
    const core = readProto(entry, [1, 3, 4, 5])
    const task = readProto(core.bytes(3) ?? NOTHING, [1, 6])
    const thread = readProto(core.bytes(5) ?? NOTHING, [10])
    const creds = readProto(thread.bytes(10) ?? NOTHING, [1, 2])
    return {
      comm: task.bytes(6),
      state: STATES[task.number(1) ?? 0],
      uid: creds.number(1),
      gid: creds.number(2),
      filesId: idsOf(core.bytes(4) ?? NOTHING),
      bigEndian: core.number(1) === S390,
    }
  }
  return undefined
}

const NOTHING = Buffer.alloc(0)

/** ids-PID.img: which fdinfo image is its. */
export function readFilesId(image: Buffer): number | undefined {
  for (const entry of criuEntries(image, 'ids')) return idsOf(entry)
  return undefined
}

function idsOf(message: Buffer): number | undefined {
  return readProto(message, [2]).number(2)
}

/** mm-PID.img: the file that it executes. */
export function readExeFile(image: Buffer): number | undefined {
  for (const entry of criuEntries(image, 'mm')) return readProto(entry, [12]).number(12)
  return undefined
}

export interface CriuStats {
  /** How long it took to stop the processes, and how long they then stood, µs. */
  readonly freezingUs: number | undefined
  readonly frozenUs: number | undefined
}

/** stats-dump. */
export function readDumpStats(image: Buffer): CriuStats | undefined {
  for (const entry of criuEntries(image, 'stats')) {
    const dump = readProto(readProto(entry, [1]).bytes(1) ?? NOTHING, [1, 2])
    return { freezingUs: dump.number(1), frozenUs: dump.number(2) }
  }
  return undefined
}
