import type { LogFile, LogGap, LogsDocument } from '../model/log-documents.js'
import { counted } from '../text/count.js'

/** What is known of a container's runs. */
export interface ContainerRuns {
  readonly name: string
  /** Of the run that is current, or the last one. */
  readonly restartCount: number
  /** RFC 3339, of that run and of the one before it. */
  readonly startedAt?: string
  readonly previousStartedAt?: string
}

/** How many files of one container the kubelet keeps unless it is told otherwise: containerLogMaxFiles. */
const KUBELET_KEEPS = 5
/** A program that says nothing for so long after its start is nothing to wonder about: ms. */
const STARTING_MS = 5_000

/**
 * What is missing from the logs of a pod, as far as files and API tell. Between two lines nobody can tell a lost file from a program
 * that had nothing to say, so silence is never reported as such; only where files that once were are known, or likely, to be gone.
 */
export function logGaps(
  files: readonly LogFile[],
  containers: readonly ContainerRuns[],
  logs: LogsDocument['logs'],
): readonly LogGap[] {
  const names = [
    ...new Set([...files.map(({ container }) => container), ...containers.map(({ name }) => name)]),
  ].sort()
  return names.flatMap((name) => {
    const own = files.filter((file) => file.container === name && file.run !== undefined)
    if (own.length === 0) return []
    const runs = containers.find((container) => container.name === name)
    return [...runsGone(name, own, runs), ...rotatedAway(name, own, runs, logs), ...missingFiles(name, own)]
  })
}

/** Runs of which no file is there. The kubelet removes a container's files with the container. */
function runsGone(
  container: string,
  files: readonly LogFile[],
  runs: ContainerRuns | undefined,
): readonly LogGap[] {
  const present = new Set(files.map(({ run = 0 }) => run))
  const last = Math.max(...present, runs?.restartCount ?? 0)
  const firstOf = (run: number): string | undefined => files.find((file) => file.run === run)?.covers?.firstAt
  const gaps: LogGap[] = []
  for (let run = 0; run <= last; run += 1) {
    if (present.has(run)) continue
    let end = run
    while (end < last && !present.has(end + 1)) end += 1
    const to = firstOf(end + 1)
    const which = run === end ? `run ${run}` : `runs ${run} to ${end}`
    gaps.push({
      container,
      kind: 'runs-gone',
      certainty: 'known',
      runs: [run, end],
      ...(to === undefined ? {} : { to }),
      why: `no file of ${which} lies there (counted from 0): the kubelet removes log files together with the dead container that wrote them`,
    })
    run = end
  }
  return gaps
}

/** From a run's start to the first line that is left of it, where files were rotated. */
function rotatedAway(
  container: string,
  files: readonly LogFile[],
  runs: ContainerRuns | undefined,
  logs: LogsDocument['logs'],
): readonly LogGap[] {
  const present = [...new Set(files.map(({ run = 0 }) => run))].sort((a, b) => a - b)
  return present.flatMap((run): readonly LogGap[] => {
    const own = files.filter((file) => file.run === run)
    const rotated = own.filter((file) => file.rotated !== undefined)
    const from =
      run === runs?.restartCount
        ? runs.startedAt
        : run + 1 === runs?.restartCount
          ? runs.previousStartedAt
          : undefined
    const api =
      run === runs?.restartCount
        ? logs.find((log) => log.container === container && log.run === 'current')
        : undefined
    const to = earliest([
      own.find(({ covers }) => covers?.firstAt !== undefined)?.covers?.firstAt,
      api?.firstLineAt,
    ])
    // without a file that was rotated, nothing says that one ever was
    if (from === undefined || to === undefined || rotated.length === 0) return []
    if (Date.parse(to) - Date.parse(from) <= STARTING_MS) return []
    const isFull = own.length >= KUBELET_KEEPS
    if (!isFull) return []
    return [
      {
        container,
        kind: 'rotated-away',
        certainty: 'inferred',
        runs: [run, run],
        from,
        to,
        why: `${counted(own.length, 'file')} of this run lie there, and the kubelet keeps ${KUBELET_KEEPS} unless it is told otherwise: older ones were most likely removed; a program that wrote nothing for so long would leave the same`,
      },
    ]
  })
}

/** Files that were there and could not be kept whole. */
function missingFiles(container: string, files: readonly LogFile[]): readonly LogGap[] {
  return files.flatMap((file, index): readonly LogGap[] => {
    const isDamaged = file.unreadable !== undefined
    if (file.kept === 'whole' && !isDamaged) return []
    const before = files.slice(0, index).findLast(({ covers }) => covers?.lastAt !== undefined)
      ?.covers?.lastAt
    const from = file.covers?.lastAt ?? before
    const to = files.slice(index + 1).find(({ covers }) => covers?.firstAt !== undefined)?.covers?.firstAt
    const kind =
      file.kept !== 'no'
        ? 'cut'
        : file.reason === 'too-big'
          ? 'left-out'
          : file.reason === 'target-gone'
            ? 'vanished'
            : 'cut'
    return [
      {
        container,
        kind,
        certainty: 'known',
        ...(file.run === undefined ? {} : { runs: [file.run, file.run] as const }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        why: `${file.name}: ${file.why ?? file.unreadable ?? 'it was cut while it was read'}`,
      },
    ]
  })
}

function earliest(times: readonly (string | undefined)[]): string | undefined {
  return times
    .filter((time) => time !== undefined)
    .sort((a, b) => Date.parse(a) - Date.parse(b))
    .at(0)
}

/** 'app: 02:11–02:19Z (rotated away)', for a row of the ledger. */
export function gapWords({ container, kind, certainty, runs, from, to }: LogGap): string {
  const span =
    from === undefined && to === undefined
      ? runs === undefined
        ? ''
        : ` run ${runs[0] === runs[1] ? runs[0] : `${runs[0]} to ${runs[1]}`}`
      : ` ${from === undefined ? 'before ' : from}${from !== undefined && to !== undefined ? ' to ' : ''}${to ?? ' and on'}`
  return `${container}: gap${span} (${KIND_WORDS[kind]}${certainty === 'inferred' ? ', inferred' : ''})`
}

const KIND_WORDS: Readonly<Record<LogGap['kind'], string>> = {
  'rotated-away': 'rotated away',
  'runs-gone': 'files of earlier runs are gone',
  vanished: 'removed while it was read',
  'left-out': 'over the limit',
  cut: 'cut',
}
