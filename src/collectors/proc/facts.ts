import { isKernelThread } from '../../formats/proc/stat.js'
import type { OpenedFile, ProcessFact } from '../../model/process-documents.js'
import type { ProcessRecord } from './process-record.js'

/** What is known beside the process itself. */
export interface Surroundings {
  /** PIDs of the same container. */
  readonly container: ReadonlySet<number>
  /** Devices mounted in its mount namespace; undefined where they could not be read. */
  readonly mounted: ReadonlySet<string> | undefined
  /** PIDs that this capture started. */
  readonly ours: ReadonlySet<number>
  readonly moved: ReadonlySet<number>
  /** Its container has a PID namespace of its own, so that a parent outside of it tells something. */
  readonly ownPidNamespace: boolean
  readonly sawSecondPass: boolean
  readonly hasRawSocket: boolean
  /** Variables that steer the loader and are set. */
  readonly loader: readonly string[]
}

/** Kernel threads that a node has many of; a comm has at most 15 bytes. */
const KERNEL_NAMES =
  /^(?:kworker\/|kthreadd$|ksoftirqd\/|migration\/|rcu_|kswapd|kdevtmpfs$|watchdogd?$|jbd2\/|kblockd$|khugepaged$|kcompactd|cpuhp\/|irq\/|idle_inject\/|kauditd$|khungtaskd$|oom_reaper$|writeback$|scsi_eh_|nvme-)/

/** The facts of one process, in the order of the type. */
export function factsOf(
  record: ProcessRecord,
  exe: OpenedFile | undefined,
  args: readonly string[],
  around: Surroundings,
): readonly ProcessFact[] {
  const { first, second, maps, status, nsPids } = record
  const kernel = first !== undefined && isKernelThread(first)
  const comm = first?.comm ?? ''
  const innermost = nsPids[1] ?? nsPids[0]
  // That its own program has no name is a fact of its own
  const own = record.exe?.target.replaceAll('\n', '\\012')
  const has = (kind: string): boolean =>
    maps?.executable.some((area) => area.kind === kind && area.path !== own) === true
  const isBracketed = (text: string): boolean => /^\[.*\]$/s.test(text)
  const told: readonly (readonly [ProcessFact, boolean])[] = [
    ['exe-deleted', exe?.kind === 'file' && exe.deleted === true],
    ['exe-memfd', exe?.kind === 'memfd'],
    [
      'fake-kernel-thread',
      !kernel &&
        first !== undefined &&
        first.state !== 'Z' &&
        (isBracketed(args[0] ?? '') || isBracketed(comm) || KERNEL_NAMES.test(comm)),
    ],
    ['exe-outside-mounts', exe !== undefined && isOutside(exe, around.mounted)],
    [
      'entered',
      around.ownPidNamespace &&
        innermost !== undefined &&
        innermost !== 1 &&
        first !== undefined &&
        !around.container.has(first.ppid),
    ],
    ['left-cgroup', around.moved.has(record.pid)],
    ['executable-anonymous', has('anonymous')],
    ['executable-memfd', has('memfd')],
    ['executable-deleted', has('deleted')],
    [
      'loader-variables',
      around.loader.some((name) => ['LD_PRELOAD', 'LD_AUDIT', 'LD_LIBRARY_PATH'].includes(name)),
    ],
    ['traced', (status?.tracer ?? 0) !== 0],
    ['raw-or-packet-socket', around.hasRawSocket],
    ['gone', around.sawSecondPass && record.inFirst && !record.inSecond],
    ['appeared', !record.inFirst && record.inSecond],
    [
      'changed',
      first !== undefined &&
        second !== undefined &&
        (first.starttime !== second.starttime || first.comm !== second.comm),
    ],
    ['ours', around.ours.has(record.pid)],
  ]
  return told.flatMap(([fact, isSo]) => (isSo ? [fact] : []))
}

/**
 * Only a real device tells: an overlay gives files numbers of their own where its layers lie on several file systems, and a memfd
 * lies nowhere.
 */
function isOutside({ device, kind }: OpenedFile, mounted: ReadonlySet<string> | undefined): boolean {
  if (mounted === undefined || mounted.size === 0 || device === undefined || kind !== 'file') return false
  return !device.startsWith('0:') && !mounted.has(device)
}
