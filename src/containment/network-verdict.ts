import type { NetworkProbe, ProbeResult } from './network-probe.js'

/** What was tried from the pod's own network, judged. */
export interface NetworkFinding {
  /** `not-tried`: nothing that was tried proves anything. */
  readonly outcome: 'blocked' | 'open' | 'mixed' | 'not-tried'
  readonly why: string
  readonly tried: readonly string[]
  readonly open: readonly string[]
}

/** Traffic with its own node stays possible nearly everywhere: it does not count, it is said. */
const NODE = 'node'

/**
 * A destination that answers at the same time from elsewhere and not from the suspect is blocked; one that answers nobody proves
 * nothing. Inbound has to be among what is blocked.
 */
export function judgeProbe({ results, established }: NetworkProbe, cutsOpenOnes: boolean): NetworkFinding {
  const counted = results.filter(({ label }) => label !== NODE)
  const open = counted.filter(reached)
  const blocked = counted.filter((result) => !reached(result) && answers(result))
  const tried = results.map(sentence)
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
    tried: [
      ...tried,
      established.length === 0
        ? 'no TCP connection is established in its kernel'
        : `${established.length} TCP connections are established in its kernel${cutsOpenOnes ? ', and their packets are dropped' : ''}`,
    ],
    open: lines,
  })
  if (open.length > 0 && blocked.length === 0) {
    return one('open', `tried from the pod's own network, these still come about: ${openNames.join(', ')}`)
  }
  if (open.length > 0) {
    return one(
      'mixed',
      `tried from the pod's own network: ${blockedNames.join(', ')} blocked, ${openNames.join(', ')} not`,
    )
  }
  if (blocked.length === 0)
    return one('not-tried', 'nothing that was tried answers anybody: that proves nothing')
  if (!blockedNames.includes('inbound')) {
    return one(
      'mixed',
      `tried from the pod's own network: ${blockedNames.join(', ')} blocked; whether it can be reached is not known`,
    )
  }
  if (established.length > 0 && !cutsOpenOnes) {
    return one(
      'mixed',
      `new connections are blocked (${blockedNames.join(', ')}); ${established.length} stay established`,
    )
  }
  return one('blocked', `tried from the pod's own network, blocked: ${blockedNames.join(', ')}`)
}

/** An answer that refuses came from the far end all the same, unless nobody else gets another one. */
function reached({ suspect, control }: ProbeResult): boolean {
  return suspect === 'connected' || (suspect === 'refused' && control === 'refused')
}

function answers({ control }: ProbeResult): boolean {
  return control !== 'silent'
}

const WORDS = { connected: 'connects', refused: 'is refused', silent: 'gets no answer' } as const

function sentence({ label, where, suspect, control }: ProbeResult): string {
  return `tried ${label} ${where}: the pod ${WORDS[suspect]}; elsewhere it ${WORDS[control]}`
}
