import { ImpoundError } from '../../model/errors.js'
import { unescapeMount } from '../mounts.js'
import { type IdRange, parseIdRange } from './id-map.js'

/** What the node says of a container's overlay before it sends what is in it. */
export interface UpperFacts {
  /** Of the container's first process, as the node counts. */
  readonly pid: number
  /** The upper directory on the node, as mountinfo has it: with its escapes, and relative where the runtime mounted it so. */
  readonly upper: string
  readonly kernel: string
  readonly tar: string
  /** Whether the overlay keeps its marks in user.overlay.*, which a container can write; else in trusted.overlay.*, which it can't. */
  readonly userxattr: boolean
  /** CAP_SYS_ADMIN in the first user namespace: without, trusted.* reads as absent. */
  readonly sysadmin: boolean
  readonly uidMap: readonly IdRange[]
  readonly gidMap: readonly IdRange[]
  /** Keys of all that is mounted below the container's root. */
  readonly mounts: readonly string[]
}

const MOST_MOUNTS = 100_000

/** Reads the lines before the first list. Throws `integrity` where one that is needed is missing or is not as the script writes it. */
export function parseFacts(lines: readonly string[]): UpperFacts {
  const [first, ...rest] = lines
  if (first !== 'impound-upperdir v1')
    throw new ImpoundError('integrity', 'the capture does not begin as templates/node/upperdir.sh begins it')
  const facts = new Map<string, string>()
  const maps: Record<'uid_map' | 'gid_map', IdRange[]> = { uid_map: [], gid_map: [] }
  const mounts = new Set<string>()
  for (const line of rest) {
    const [, word, key = '', value = ''] = /^(fact|mount) (\S+) ?(.*)$/.exec(line) ?? []
    if (word === 'mount') {
      const point = mountPoint(line.slice('mount '.length))
      if (point !== '') mounts.add(point)
    } else if (word === 'fact' && (key === 'uid_map' || key === 'gid_map')) maps[key].push(range(value))
    else if (word === 'fact') facts.set(key, value)
    else throw malformed(line)
    if (mounts.size > MOST_MOUNTS)
      throw new ImpoundError('too-big', `the container has more than ${MOST_MOUNTS} mounts`)
  }
  const needed = (key: string): string => facts.get(key) ?? missing(key)
  return {
    pid: Number(needed('pid')),
    upper: needed('upper'),
    kernel: needed('kernel'),
    tar: needed('tar'),
    userxattr: needed('userxattr') === 'yes',
    sysadmin: needed('sysadmin') === 'yes',
    uidMap: maps.uid_map,
    gidMap: maps.gid_map,
    mounts: [...mounts],
  }
}

/** Field 5 of a line of mountinfo (proc_pid_mountinfo(5)), as a key. */
function mountPoint(line: string): string {
  const point = line.split(' ')[4]
  const key = point?.startsWith('/') === true ? unescapeMount(point) : undefined
  return key ?? missing('mount point')
}

function range(text: string): IdRange {
  return parseIdRange(text) ?? missing('uid_map')
}

function missing(what: string): never {
  throw new ImpoundError('integrity', `the capture does not say its ${what}`)
}

function malformed(line: string): ImpoundError {
  return new ImpoundError('integrity', `the capture has a line that is none of ours: ${line.slice(0, 100)}`)
}
