import type { NetworkPolicy, Pod } from '../model/kubernetes.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import { uid8 } from '../model/target.js'
import { denyAllName, isOurDenyAll } from './deny-all.js'
import { lockedBefore, type Hold } from './hold.js'
import { lockOf } from './lock.js'

/** What labels a release writes on the pod as it is. */
export interface LabelWork {
  readonly restore: Readonly<Record<string, string>>
  readonly quarantineLabel: 'leave' | 'remove' | { readonly value: string }
  readonly left: readonly string[]
}

/** What becomes of one thing of ours: `left` where it is no longer as we wrote it. */
export type Fate = 'take-away' | 'gone' | { readonly left: string }

export interface ReleaseWork {
  readonly labels: LabelWork
  readonly policy: Fate
  readonly lock: Fate
}

/**
 * What there is to take back. Where neither our label nor our annotation nor our policy stands, the pod has been released
 * already: labels that are missing then were taken off by somebody else, later.
 */
export function releaseWork(hold: Hold, pod: Pod, policy: NetworkPolicy | undefined): ReleaseWork {
  const [policyNow, lockNow] = [policyFate(hold, policy), lockFate(hold, pod)]
  const mark = uid8(hold.suspect)
  const marked = pod.metadata?.labels?.[QUARANTINE_KEY] === mark && labelBefore(hold) !== mark
  const released = !marked && policyNow !== 'take-away' && lockNow !== 'take-away'
  return { labels: labelWork(hold, pod, released), policy: policyNow, lock: lockNow }
}

/** Labels come back only where they are still absent; a value that somebody else has set since stays. */
export function labelWork(hold: Hold, pod: Pod, released: boolean): LabelWork {
  const labels = pod.metadata?.labels ?? {}
  const missing = Object.entries(hold.removed).filter(([key]) => !Object.hasOwn(labels, key))
  if (released) {
    const names = missing.map(([key]) => key).sort()
    return {
      restore: {},
      quarantineLabel: 'leave',
      left:
        names.length === 0
          ? []
          : [`labels ${names.join(', ')} are missing, but the pod is not held any more: not put back`],
    }
  }
  const left = Object.entries(hold.removed)
    .filter(([key, value]) => Object.hasOwn(labels, key) && labels[key] !== value)
    .map(
      ([key, value]) => `label ${key} is "${labels[key] ?? ''}" now, set by somebody else; it was "${value}"`,
    )
  const restore = Object.fromEntries(missing)
  const mark = labels[QUARANTINE_KEY]
  if (mark === undefined) return { restore, quarantineLabel: 'leave', left }
  if (mark !== uid8(hold.suspect)) {
    left.push(`label ${QUARANTINE_KEY} is "${mark}" now, set by somebody else`)
    return { restore, quarantineLabel: 'leave', left }
  }
  const before = labelBefore(hold)
  if (before === mark) return { restore, quarantineLabel: 'leave', left }
  return { restore, quarantineLabel: before === undefined ? 'remove' : { value: before }, left }
}

/** The value of the quarantine label before us. Where we did not put it on, the lock, which is written first, knows. */
function labelBefore(hold: Hold): string | undefined {
  return hold.label === undefined ? lockedBefore(hold)?.labels[QUARANTINE_KEY] : hold.label.before
}

/** The deny-all goes if it still is what this case writes for this pod, and the very object, where its UID is known. */
export function policyFate(hold: Hold, policy: NetworkPolicy | undefined): Fate {
  const name = denyAllName(hold.suspect)
  if (policy === undefined) return 'gone'
  if (hold.policy?.uid !== undefined && hold.policy.uid !== policy.metadata?.uid) {
    return { left: `NetworkPolicy ${name} is not the one that was created: somebody made it anew` }
  }
  return isOurDenyAll(policy, hold.suspect, hold.suspect.case)
    ? 'take-away'
    : { left: `NetworkPolicy ${name} was changed by somebody else` }
}

export function lockFate(hold: Hold, pod: Pod): Fate {
  const found = lockOf(pod)
  if (found.state === 'free' || hold.lock === undefined) return 'gone'
  return found.value === hold.lock
    ? 'take-away'
    : { left: `annotation ${QUARANTINE_KEY} was changed by somebody else` }
}
