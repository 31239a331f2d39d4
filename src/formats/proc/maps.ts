/** An area of memory that can be executed and is not simply a file's. */
export interface ExecutableArea {
  /** Hex, as in the file. */
  readonly start: string
  readonly end: string
  readonly permissions: string
  readonly kind: 'anonymous' | 'memfd' | 'deleted' | 'special'
  /** As the kernel writes it, newlines as \012; latin1. */
  readonly path: string
}

export interface ExecutableMaps {
  /** All areas, executable or not. */
  readonly areas: number
  /** Anonymous first; the kernel's own ([vdso], [vsyscall], [uprobes]) left out. */
  readonly executable: readonly ExecutableArea[]
  /** Those that did not fit into the list. */
  readonly more: number
}

export interface MappedArea {
  readonly start: bigint
  readonly end: bigint
  readonly permissions: string
  readonly kind: 'file' | ExecutableArea['kind']
  readonly path: string
}

const LINE =
  /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][ps]) [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [0-9]+ *(.*)$/
const KERNELS_OWN = new Set([
  '[vdso]',
  '[vsyscall]',
  '[uprobes]',
  '[vvar]',
  '[vvar_vclock]',
  '[vectors]',
  '[sigpage]',
])
const ORDER = { anonymous: 0, memfd: 1, deleted: 2, special: 3 } as const

/** Areas of /proc/PID/maps in its order; lines that are none are left out. Source: proc(5). */
export function* mappedAreas(bytes: Buffer): Generator<MappedArea, void, undefined> {
  for (const line of bytes.toString('latin1').split('\n')) {
    const match = LINE.exec(line)
    if (match === null) continue
    const [, start = '', end = '', permissions = '', path = ''] = match
    yield { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), permissions, kind: kindOf(path), path }
  }
}

/** What of /proc/PID/maps can be executed and lies in no file that is still there. At most `most` areas are listed. */
export function executableMaps(bytes: Buffer, most: number): ExecutableMaps {
  let areas = 0
  const executable: ExecutableArea[] = []
  for (const line of bytes.toString('latin1').split('\n')) {
    const match = LINE.exec(line)
    if (match === null) continue
    areas += 1
    const [, start = '', end = '', permissions = '', path = ''] = match
    if (permissions[2] !== 'x' || KERNELS_OWN.has(path)) continue
    const kind = kindOf(path)
    if (kind === 'file') continue
    executable.push({ start: plainHex(start), end: plainHex(end), permissions, kind, path })
  }
  executable.sort((a, b) => ORDER[a.kind] - ORDER[b.kind])
  return { areas, executable: executable.slice(0, most), more: Math.max(0, executable.length - most) }
}

/** Without the zeros before it, and a string of its own. */
function plainHex(hex: string): string {
  return BigInt(`0x${hex}`).toString(16)
}

function kindOf(path: string): MappedArea['kind'] {
  // [anon:NAME] is a name that the process gave; shared anonymous memory shows as /dev/zero (deleted)
  if (path === '' || path.startsWith('[anon:') || path.startsWith('[anon_shmem:')) return 'anonymous'
  if (path.startsWith('[')) return 'special'
  if (path.startsWith('/memfd:')) return 'memfd'
  if (path === '/dev/zero (deleted)' || path.startsWith('//anon')) return 'anonymous'
  return path.endsWith(' (deleted)') ? 'deleted' : 'file'
}
