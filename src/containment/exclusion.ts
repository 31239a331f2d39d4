import type { Json } from '../model/json.js'
import type { LabelSelector, NetworkPolicy } from '../model/kubernetes.js'
import type { JsonPatch } from '../model/ports/kube-writer.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import { uid8, type Target } from '../model/target.js'

const SELECTOR = '/spec/podSelector'
const EXPRESSIONS = `${SELECTOR}/matchExpressions`

/**
 * The requirement that keeps a policy from selecting this one pod once it carries the quarantine label. It names the pod, unlike
 * DoesNotExist: several suspects of a namespace each have their own, and taking one back does not open the others.
 */
function exclusion(suspect: Pick<Target, 'uid'>): { readonly [key: string]: Json } {
  return { key: QUARANTINE_KEY, operator: 'NotIn', values: [uid8(suspect)] }
}

export function excludes({ spec }: NetworkPolicy, suspect: Pick<Target, 'uid'>): boolean {
  return placeOf(spec?.podSelector, suspect) !== -1
}

/** Adds the requirement to a policy that lacks it; fails where its selector is not as it was read. */
export function excludePatch(policy: NetworkPolicy, suspect: Pick<Target, 'uid'>): JsonPatch {
  const there = policy.spec?.podSelector?.matchExpressions !== undefined
  return [
    ...unchanged(policy),
    there
      ? { op: 'add', path: `${EXPRESSIONS}/-`, value: exclusion(suspect) }
      : { op: 'add', path: EXPRESSIONS, value: [exclusion(suspect)] },
  ]
}

/** Takes the requirement off a policy that has it, and the list with it where nothing else is in it. */
export function includePatch(policy: NetworkPolicy, suspect: Pick<Target, 'uid'>): JsonPatch {
  const selector = policy.spec?.podSelector
  const alone = (selector?.matchExpressions ?? []).length === 1
  return [
    ...unchanged(policy),
    { op: 'remove', path: alone ? EXPRESSIONS : `${EXPRESSIONS}/${placeOf(selector, suspect)}` },
  ]
}

function unchanged({ metadata, spec }: NetworkPolicy): JsonPatch {
  return [
    { op: 'test', path: '/metadata/uid', value: metadata?.uid ?? '' },
    { op: 'test', path: SELECTOR, value: (spec?.podSelector ?? {}) as unknown as Json },
  ]
}

function placeOf(selector: LabelSelector | undefined, suspect: Pick<Target, 'uid'>): number {
  return (selector?.matchExpressions ?? []).findIndex(
    ({ key, operator, values = [] }) =>
      key === QUARANTINE_KEY && operator === 'NotIn' && values.length === 1 && values[0] === uid8(suspect),
  )
}
