import type { CountedReason } from '../../model/evidence.js'
import { formatBytes } from '../../text/bytes.js'

/** What the script on the node found out before anything is changed. Numbers are bytes. */
export interface CheckpointFacts {
  /** As the kubelet names it; absent where it has none. */
  readonly directory: string | undefined
  readonly program: string | undefined
  readonly socket: string | undefined
  /** Of the processes, resident and put aside. */
  readonly memory: number | undefined
  /** Of the files of the writable layer. */
  readonly apparent: number | undefined
  readonly allocated: number | undefined
  /** Of the filesystem that the file would lie on, and of the one of the writable layer, where the runtime gathers it first. */
  readonly size: number | undefined
  readonly free: number | undefined
  readonly layerFree: number | undefined
  /** Files of ours that a killed run left. */
  readonly leftovers: readonly string[]
}

/** Undefined where what the script wrote is cut. */
export function parseFacts(text: string): CheckpointFacts | undefined {
  const values = new Map<string, string>()
  const leftovers: string[] = []
  for (const line of text.split('\n')) {
    const [, key = '', value = ''] = /^fact ([a-z-]+) (.{1,500})$/.exec(line) ?? []
    if (key === 'leftover') leftovers.push(value)
    else if (key !== '') values.set(key, value)
  }
  const number = (key: string): number | undefined => {
    const value = values.get(key)
    return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined
  }
  if (!values.has('end')) return undefined
  return {
    directory: values.get('directory'),
    program: values.get('program'),
    socket: values.get('socket'),
    memory: number('memory'),
    apparent: number('apparent'),
    allocated: number('allocated'),
    size: number('size'),
    free: number('free'),
    layerFree: number('layer-free'),
    leftovers: leftovers.filter((name) => isCheckpointFile(name)).slice(0, 100),
  }
}

export function isCheckpointFile(name: string): boolean {
  return /^impound-[0-9a-f]{16}\.tar$/.test(name)
}

/** Holes that a layer may have: databases preallocate. */
const SOME_HOLES = 64 << 20
/** Of the node's disk: below a tenth kubelets begin to evict. */
const STAYS_FREE = 0.15

export interface Refusal {
  readonly reason: CountedReason
  readonly why: string
}

/** How large the file will be, about. */
export function expectedBytes({ memory = 0, apparent = 0 }: CheckpointFacts): number {
  return memory + apparent
}

/** Why it is not begun; undefined where nothing speaks against it. */
export function refusalOf(facts: CheckpointFacts, mostBytes: number): Refusal | undefined {
  const { directory, program, socket, memory, apparent, allocated, size, free, layerFree } = facts
  if (directory === undefined) {
    return unsupported(
      'the node has no /var/lib/kubelet/checkpoints: its kubelet is older than 1.25, has ContainerCheckpoint switched off, or another --root-dir, below which impound does not look',
    )
  }
  if (program === undefined || socket === undefined) {
    const lacks = program === undefined ? 'crictl, in the image and on the node' : 'a socket of its runtime'
    return unsupported(`the node lacks ${lacks}, without which its runtime can't be asked`)
  }
  if (apparent === undefined || allocated === undefined || memory === undefined) {
    return unsupported(
      'the writable layer can’t be found, so that nobody knows whether it has holes: they would fill the node’s disk',
    )
  }
  if (apparent > 2 * allocated + SOME_HOLES) {
    return tooBig(
      `its writable layer says ${formatBytes(apparent)} and has ${formatBytes(allocated)} on the disk: a checkpoint knows no holes and would write all of it`,
    )
  }
  const expected = expectedBytes(facts)
  if (expected > mostBytes) {
    return tooBig(
      `memory of ${formatBytes(memory)} and a writable layer of ${formatBytes(apparent)} are more than --max-checkpoint ${formatBytes(mostBytes)}`,
    )
  }
  if (size === undefined || free === undefined || layerFree === undefined) {
    return unsupported('how much room the node’s disk has is not known')
  }
  // the runtime gathers it in one place and packs it into another
  const room = Math.min(free, layerFree) - size * STAYS_FREE
  if (room < 2 * expected) {
    return tooBig(
      `the node’s disk has ${formatBytes(Math.min(free, layerFree))} free: too little for twice ${formatBytes(expected)} with ${STAYS_FREE * 100} % left, below which the kubelet may evict pods`,
    )
  }
  return undefined
}

function unsupported(why: string): Refusal {
  return { reason: 'unsupported', why }
}

function tooBig(why: string): Refusal {
  return { reason: 'too-big', why }
}
