import { ImpoundError } from '../model/errors.js'
import type { NetworkPolicy } from '../model/kubernetes.js'
import { policyAllows, policySelects } from '../model/policy-evaluation.js'
import { holdingReason, platformReason } from './platform-labels.js'

type Labels = Readonly<Record<string, string>>

export interface KeepRequest {
  /** The pod's labels now. */
  readonly labels: Labels
  /** The quarantine label; it is on the pod before any other goes. */
  readonly quarantine: { readonly key: string; readonly value: string }
  readonly policies: readonly NetworkPolicy[]
  readonly keepLabels: readonly string[]
  /** Labels that stay whatever they are: nobody has confirmed that they go. */
  readonly untouched?: ReadonlySet<string>
  /** Labels that had better go, because an owner or a Service selects by them. */
  readonly avoid: ReadonlySet<string>
}

export interface KeepSet {
  readonly keep: readonly { readonly key: string; readonly why: string }[]
  readonly remove: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Which labels stay: those asked for, those of a platform, and as many as it takes that no policy which allows something
 * and does not select the pod now selects it afterwards. Only requirements that a label's absence meets (NotIn,
 * DoesNotExist) can begin to match when labels go; but a label that is kept for one policy can be what another one
 * asks for, so the set grows until none is left that newly selects. It ends: with every label kept none does.
 */
export function keepSet(request: KeepRequest): KeepSet {
  const { labels, quarantine } = request
  const keys = Object.keys(labels)
    .filter((key) => key !== quarantine.key)
    .sort()
  const warnings: string[] = []
  const reasons = new Map<string, string>()
  for (const key of keys) {
    if (request.untouched?.has(key) === true) {
      reasons.set(key, 'not in the plan')
      continue
    }
    const asked = request.keepLabels.includes(key)
    const holding = holdingReason(key)
    if (asked && holding !== undefined) warnings.push(`--keep-label ${key} is not followed: ${holding}`)
    if (holding !== undefined) continue
    const why = asked ? '--keep-label' : platformReason(key)
    if (why !== undefined) reasons.set(key, why)
  }
  for (const key of request.keepLabels.filter((asked) => !keys.includes(asked))) {
    warnings.push(`--keep-label ${key}: the pod has no such label`)
  }

  const settled = new Set(reasons.keys())
  const closed = policiesToKeepClosed(request)
  let opening = closed.find((policy) => policySelects(policy, kept(request, reasons.keys())))
  while (opening !== undefined) {
    const key = cheapestGuard(opening, request, reasons)
    reasons.set(key, guardReason(opening))
    opening = closed.find((policy) => policySelects(policy, kept(request, reasons.keys())))
  }
  // a guard chosen early can be needless beside one chosen later
  const needless = (): string | undefined =>
    dearestFirst(
      [...reasons.keys()].filter((key) => !settled.has(key)),
      request,
    ).find((key) => {
      const others = [...reasons.keys()].filter((other) => other !== key)
      return !closed.some((policy) => policySelects(policy, kept(request, others)))
    })
  for (let key = needless(); key !== undefined; key = needless()) reasons.delete(key)

  for (const [key, why] of reasons) {
    const holding = holdingReason(key)
    if (holding !== undefined && !settled.has(key))
      warnings.push(`label ${key} has to stay (${why}), although ${holding}`)
  }
  return {
    keep: keys.filter((key) => reasons.has(key)).map((key) => ({ key, why: reasons.get(key) ?? '' })),
    remove: keys.filter((key) => !reasons.has(key)),
    warnings,
  }
}

/** The labels of the pod once all but these are gone and the quarantine label is on. */
export function labelsAfter(
  labels: Labels,
  quarantine: KeepRequest['quarantine'],
  keep: Iterable<string>,
): Labels {
  const stays = new Set(keep)
  return {
    ...Object.fromEntries(Object.entries(labels).filter(([key]) => stays.has(key))),
    [quarantine.key]: quarantine.value,
  }
}

function kept(request: KeepRequest, keep: Iterable<string>): Labels {
  return labelsAfter(request.labels, request.quarantine, keep)
}

/** Those that allow something and do not select the pod with all its labels and the quarantine label. */
function policiesToKeepClosed({ labels, quarantine, policies }: KeepRequest): readonly NetworkPolicy[] {
  const marked = { ...labels, [quarantine.key]: quarantine.value }
  return policies.filter((policy) => policyAllows(policy).length > 0 && !policySelects(policy, marked))
}

/** Of the labels whose presence alone stops this policy from selecting, the one that costs least to keep. */
function cheapestGuard(
  policy: NetworkPolicy,
  request: KeepRequest,
  reasons: ReadonlyMap<string, string>,
): string {
  const guards = (policy.spec?.podSelector?.matchExpressions ?? [])
    .filter(({ key = '', operator, values = [] }) => {
      if (!Object.hasOwn(request.labels, key) || reasons.has(key)) return false
      return (
        operator === 'DoesNotExist' || (operator === 'NotIn' && values.includes(request.labels[key] ?? ''))
      )
    })
    .map(({ key = '' }) => key)
  const cheapest = dearestFirst(guards, request).at(-1)
  if (cheapest !== undefined) return cheapest
  throw new ImpoundError('bug', `no label keeps NetworkPolicy ${nameOf(policy)} from selecting the pod`)
}

function dearestFirst(keys: readonly string[], { avoid }: KeepRequest): readonly string[] {
  const cost = (key: string): number => (holdingReason(key) !== undefined ? 2 : avoid.has(key) ? 1 : 0)
  return [...keys].sort((left, right) => cost(right) - cost(left) || (left < right ? 1 : -1))
}

function guardReason(policy: NetworkPolicy): string {
  return `without it NetworkPolicy ${nameOf(policy)} would select the pod: ${policyAllows(policy).join('; ')}`
}

function nameOf(policy: NetworkPolicy): string {
  return policy.metadata?.name ?? ''
}
