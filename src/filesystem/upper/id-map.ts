/** One line of /proc/PID/uid_map: `count` ids from `inside` on are the node's from `outside` on. */
export interface IdRange {
  readonly inside: number
  readonly outside: number
  readonly count: number
}

/** An id as the container has it; undefined where its user namespace has none for it: nobody in the container made that. */
export function idInside(map: readonly IdRange[], outside: number): number | undefined {
  for (const range of map) {
    const at = outside - range.outside
    if (at >= 0 && at < range.count) return range.inside + at
  }
  return undefined
}

export function parseIdRange(text: string): IdRange | undefined {
  const match = /^(\d{1,10}) (\d{1,10}) (\d{1,10})$/.exec(text)
  if (match === null) return undefined
  return { inside: Number(match[1]), outside: Number(match[2]), count: Number(match[3]) }
}
