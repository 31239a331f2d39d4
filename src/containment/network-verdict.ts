import type { Established } from '../model/network-plugin.js'
import type { NetworkProbe, ProbeResult } from './network-probe.js'

/** What was tried of the cut, judged. */
export interface NetworkFinding {
  /** `not-tried`: nothing that was tried proves anything. */
  readonly outcome: 'blocked' | 'open' | 'mixed' | 'not-tried'
  readonly why: string
  readonly tried: readonly string[]
  readonly open: readonly string[]
  /** By a twin: absent where it was the suspect's own network, or nothing. */
  readonly means?: 'twin'
}

/** From where it was tried, and what is known of connections that were open before. */
export interface Trial {
  /** "from the pod's own network" */
  readonly by: string
  /** What was tried, and what it is held against: 'the pod', 'elsewhere it'. */
  readonly words: readonly [subject: string, control: string]
  /** Packets of connections that were open are dropped. */
  readonly cutsOpenOnes?: boolean
  /** What the network plugin is known to do with them; counts where they were not seen. */
  readonly established: Established
}

/** Traffic with its own node stays possible nearly everywhere: it does not count, it is said. */
const NODE = 'node'

/**
 * A destination that answers at the same time from elsewhere and not from the suspect is blocked; one that answers nobody proves
 * nothing. Inbound has to be among what is blocked.
 */
export function judgeProbe(
  { results, established: seen }: NetworkProbe,
  { by, words, cutsOpenOnes = false, established: known }: Trial,
): NetworkFinding {
  const established = seen ?? []
  const counted = results.filter(({ label }) => label !== NODE)
  const open = counted.filter(reached)
  const blocked = counted.filter((result) => !reached(result) && answers(result))
  const tried = results.map((result) => sentence(result, words))
  const [openNames, blockedNames] = [open.map(({ label }) => label), blocked.map(({ label }) => label)]
  const node = results.find(({ label }) => label === NODE)
  const lines = [
    ...open.map(({ label, where }) => `${label} ${where}: still comes about`),
    ...(node !== undefined && reached(node) ? [`its own node ${node.where}: answers it`] : []),
    ...(cutsOpenOnes ? [] : established.map((connection) => `established: ${connection}`)),
  ]
  const one = (outcome: NetworkFinding['outcome'], why: string): NetworkFinding => ({
    outcome,
    why,
    tried: [...tried, ...(seen === undefined ? [] : [kernelSays(established.length, cutsOpenOnes)])],
    open: lines,
  })
  if (open.length > 0 && blocked.length === 0) {
    return one('open', `tried ${by}, these still come about: ${openNames.join(', ')}`)
  }
  if (open.length > 0) {
    return one('mixed', `tried ${by}: ${blockedNames.join(', ')} blocked, ${openNames.join(', ')} not`)
  }
  if (blocked.length === 0)
    return one('not-tried', 'nothing that was tried answers anybody: that proves nothing')
  if (!blockedNames.includes('inbound')) {
    return one(
      'mixed',
      `tried ${by}: ${blockedNames.join(', ')} blocked; whether it can be reached is not known`,
    )
  }
  if (blockedNames.length === 1) {
    return one('mixed', `tried ${by}: inbound blocked; whether it can reach anything is not known`)
  }
  if (established.length > 0 && !cutsOpenOnes) {
    return one(
      'mixed',
      `new connections are blocked (${blockedNames.join(', ')}); ${established.length} stay established`,
    )
  }
  if (seen === undefined && known !== 'cut') {
    return one(
      'mixed',
      `tried ${by}: new connections are blocked (${blockedNames.join(', ')}); whether those of the suspect that were open go on was not seen`,
    )
  }
  return one('blocked', `tried ${by}, blocked: ${blockedNames.join(', ')}`)
}

function kernelSays(established: number, cutsOpenOnes: boolean): string {
  return established === 0
    ? 'no TCP connection is established in its kernel'
    : `${established} TCP connections are established in its kernel${cutsOpenOnes ? ', and their packets are dropped' : ''}`
}

/** An answer that refuses came from the far end all the same, unless nobody else gets another one. */
function reached({ suspect, control }: ProbeResult): boolean {
  return suspect === 'connected' || (suspect === 'refused' && control === 'refused')
}

function answers({ control }: ProbeResult): boolean {
  return control !== 'silent'
}

const WORDS = { connected: 'connects', refused: 'is refused', silent: 'gets no answer' } as const

function sentence({ label, where, suspect, control }: ProbeResult, [subject, other]: Trial['words']): string {
  return `tried ${label} ${where}: ${subject} ${WORDS[suspect]}; ${other} ${WORDS[control]}`
}
