import type { NetworkProbe, ProbeResult, Reach } from '../network-probe.js'

/** What one pod reached in one round: by label, with the address that it tried. */
export type Round = ReadonlyMap<string, { readonly where: string; readonly reach: Reach }>

const LINE = /^(?:probe (\d{1,4}) ([a-z]{1,16}) (\S{1,64}) (connected|refused|silent)|end (\d{1,4}))$/
const MAX_LINES = 20_000

/** The rounds that came to their end, the first at index 0. */
export function parseRounds(log: string): readonly Round[] {
  const rounds: Round[] = []
  let open = new Map<string, { readonly where: string; readonly reach: Reach }>()
  for (const line of log.split('\n').slice(0, MAX_LINES)) {
    const [, of, label, where, reach, end] = LINE.exec(line) ?? []
    if (Number(of) === rounds.length + 1 && label !== undefined && where !== undefined) {
      open.set(label, { where, reach: reach as Reach })
    }
    if (Number(end) === rounds.length + 1) {
      rounds.push(open)
      open = new Map()
    }
  }
  return rounds
}

/** One look at the two: what the twin reached, and what the pod beside it did. */
export interface Look {
  readonly twin: Round
  readonly caller: Round
}

/**
 * What the label changed. A destination counts that the twin reached before it had the label, and that did not go away meanwhile: the pod beside it
 * reaches it still, or never did. To be reached itself counts where it reaches itself before and after.
 */
export function probeOf(before: Look, after: Look): NetworkProbe {
  const outbound = [...after.twin].flatMap(([label, { where, reach }]): readonly ProbeResult[] => {
    const first = before.twin.get(label)
    if (label === 'self' || first === undefined || first.where !== where) return []
    const wentAway = reachOf(before.caller, label) !== 'silent' && reachOf(after.caller, label) === 'silent'
    return [{ label, where, suspect: reach, control: wentAway ? 'silent' : first.reach }]
  })
  const called = after.caller.get('inbound')
  const lives = [before, after].every(({ twin }) => reachOf(twin, 'self') === 'connected')
  const inbound: readonly ProbeResult[] =
    called === undefined
      ? []
      : [
          {
            label: 'inbound',
            where: called.where,
            suspect: called.reach,
            control: lives ? reachOf(before.caller, 'inbound') : 'silent',
          },
        ]
  return { results: [...outbound, ...inbound], established: undefined }
}

/** Nothing comes about any more. */
export function isCut({ twin, caller }: Look): boolean {
  return (
    reachOf(caller, 'inbound') !== 'connected' &&
    [...twin].every(([label, { reach }]) => label === 'self' || label === 'node' || reach !== 'connected')
  )
}

function reachOf(round: Round, label: string): Reach {
  return round.get(label)?.reach ?? 'silent'
}
