import { unescapeMount } from './mounts.js'

/** What the far end of a capture said on stderr. Everything in it was written by the container. */
export interface CaptureReport {
  /** Whether its tar carries extended attributes; without, file capabilities are not seen. */
  readonly hasXattrs: boolean
  /** Keys; undefined where the container can't read its mount table. */
  readonly mounts: readonly string[] | undefined
  /** The last line, if it is a trailer. Count and digest are missing where the container has no tools for them. */
  readonly trailer:
    | { readonly bytes: number | undefined; readonly sha256: string | undefined; readonly tar: number }
    | undefined
  /** Lines that are not ours: the complaints of its tar. */
  readonly complaints: readonly string[]
  /** Whether complaints are missing, because there were more than we keep. */
  readonly overflowed: boolean
}

const TRAILER = /^impound-trailer v1 bytes=([0-9]{1,16}|-) sha256=([0-9a-f]{64}|-) tar=([0-9]{1,3})$/

/** Reads stderr as templates/capture-filesystem.sh writes it. Ours is only what stands before `impound-begin`, and the last line. */
export function parseReport(stderr: Buffer, overflowed: boolean): CaptureReport {
  const lines = stderr.toString('latin1').split('\n')
  if (lines.at(-1) === '') lines.pop()
  const begin = lines.findIndex((line) => line.startsWith('impound-begin v1 '))
  const preamble = begin === -1 ? [] : lines.slice(0, begin)
  const mounts = preamble
    .map((line) => /^impound-mount v1 (\/.*)$/.exec(line)?.[1])
    .filter((mount) => mount !== undefined)
    .map(unescapeMount)
    .filter((key) => key !== undefined)
  const match = TRAILER.exec(lines.at(-1) ?? '')
  const own = match === null ? lines.length : lines.length - 1
  return {
    hasXattrs: / xattrs=yes(?: |$)/.test(lines[begin] ?? ''),
    mounts: / mounts=known(?: |$)/.test(lines[begin] ?? '') ? mounts : undefined,
    trailer:
      match === null
        ? undefined
        : {
            bytes: match[1] === '-' ? undefined : Number(match[1]),
            sha256: match[2] === '-' ? undefined : match[2],
            tar: Number(match[3]),
          },
    complaints: lines.slice(begin + 1, own),
    overflowed,
  }
}

/**
 * Paths that tar complained about, as far as its words can be read: not seeing them proves nothing. A name may hold ': ' or
 * a quote itself, so every possible end is taken.
 */
export function pathsComplainedOf(report: CaptureReport): ReadonlySet<string> {
  const paths = new Set<string>()
  for (const line of report.complaints) {
    const start = line.indexOf('./')
    if (start === -1) continue
    const rest = line.slice(start + 2)
    for (const end of rest.matchAll(/: |'|’|$/g)) paths.add(rest.slice(0, end.index).replace(/\/+$/, ''))
  }
  return paths
}
