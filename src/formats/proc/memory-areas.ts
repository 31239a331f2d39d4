import { type MappedArea, mappedAreas } from './maps.js'

/** The kernel's own pages: reading them fails, or tells nothing. */
const NOT_READ = /^\[(?:vvar|vvar_vclock|vsyscall|vdso)\]$/
const PAGE = 4096n

/** Areas of memory to take, most telling first, until the budget is spent; `left` are those that did not fit. */
export interface MemoryChoice {
  readonly areas: readonly MappedArea[]
  readonly left: number
}

/**
 * Of /proc/PID/maps: what can be executed and is no file's, then what else is no file's (heap, stacks, anonymous), then what of files
 * was written to. What is simply a file's is in the file. The last area may be cut to what fits.
 */
export function memoryAreas(maps: Buffer, budget: number, most: number): MemoryChoice {
  const readable = [...mappedAreas(maps)].filter(
    ({ permissions, path }) => permissions.startsWith('r') && !NOT_READ.test(path),
  )
  const wanted = readable.filter((area) => weight(area) < 4).sort((a, b) => weight(a) - weight(b))
  const areas: MappedArea[] = []
  let left = 0
  let free = (BigInt(budget) / PAGE) * PAGE
  for (const area of wanted) {
    const size = area.end - area.start
    if (free <= 0n || areas.length >= most || size <= 0n) {
      left += 1
      continue
    }
    const taken = size < free ? size : free
    if (taken < size) left += 1
    areas.push({ ...area, end: area.start + taken })
    free -= taken
  }
  return { areas, left }
}

function weight({ permissions, kind }: MappedArea): number {
  if (permissions[2] === 'x' && kind !== 'file') return 0
  if (kind === 'memfd' || kind === 'deleted') return 1
  if (kind !== 'file') return 2
  // Private and writable: its pages may differ from the file's
  return permissions[1] === 'w' && permissions[3] === 'p' ? 3 : 4
}
