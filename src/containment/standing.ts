import type { HoldFault, HoldSource, HoldState, HoldStatus } from '../model/hold-status.js'
import type { NetworkPolicy, Pod } from '../model/kubernetes.js'
import { comparePolicies } from '../model/policy-evaluation.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import { uid8, type Target } from '../model/target.js'
import { denyAllName, denyAllOf, isOurDenyAll } from './deny-all.js'
import { lockedBefore, type Hold } from './hold.js'
import { controllerOf, lockOf } from './lock.js'

/** All that is known of one hold, as it was read. */
export interface HoldFacts {
  readonly target: Pick<Target, 'namespace' | 'uid'> & { readonly name?: string }
  /** The pod of that UID; undefined where it is gone. */
  readonly pod: Pod | undefined
  /** UID of another pod that has its name now. */
  readonly replacedBy?: string
  /** By this machine's record. */
  readonly journalled: Hold | undefined
  /** Of the namespace; where they could not be listed, why. */
  readonly policies: readonly NetworkPolicy[] | { readonly why: string }
  readonly knownFrom: readonly HoldSource[]
}

interface Finding {
  readonly stands: readonly string[]
  readonly faults: readonly HoldFault[]
  readonly notSeen: readonly string[]
}

const NOTHING: Finding = { stands: [], faults: [], notSeen: [] }

/** Whether a hold stands, by what was read. Pure: reads nothing itself. */
export function standingOf(facts: HoldFacts): HoldStatus {
  const { target, pod, journalled, knownFrom } = facts
  const lock = pod === undefined ? undefined : lockOf(pod)
  const said = lock?.state === 'held' ? lock.lock : undefined
  const written = journalled === undefined ? undefined : lockedBefore(journalled)
  const caseName = caseOf(facts)
  const findings =
    pod === undefined
      ? [goneFinding(facts), policyFinding(facts, caseName)]
      : [
          podFinding(pod),
          labelFinding(facts, pod),
          labelsBackFinding(facts, pod),
          policyFinding(facts, caseName),
          residualFinding(facts, pod, (written ?? said)?.when),
          ownerFinding(pod),
          lockFinding(facts, pod),
        ]
  const [stands, faults, notSeen] = [
    findings.flatMap((finding) => finding.stands),
    findings.flatMap((finding) => finding.faults),
    findings.flatMap((finding) => finding.notSeen),
  ]
  const { who, when } = written ?? said ?? {}
  return {
    namespace: target.namespace,
    ...(target.name === undefined ? {} : { name: target.name }),
    uid: target.uid,
    ...(caseName === undefined ? {} : { case: caseName }),
    ...(who === undefined ? {} : { who }),
    ...(when === undefined ? {} : { since: when }),
    knownFrom,
    state: stateOf(facts, faults),
    stands,
    faults,
    notSeen,
  }
}

function stateOf({ pod, policies }: HoldFacts, faults: readonly HoldFault[]): HoldState {
  if (pod === undefined) return 'pod-gone'
  if (faults.length > 0) return 'does-not-hold'
  return 'why' in policies ? 'unknown' : 'holds'
}

function caseOf({ pod, journalled, policies, target }: HoldFacts): string | undefined {
  if (journalled !== undefined) return journalled.suspect.case
  const lock = pod === undefined ? undefined : lockOf(pod)
  if (lock?.state === 'held') return lock.lock.case
  const policy = 'why' in policies ? undefined : policyOf(policies, target)
  return policy === undefined ? undefined : denyAllOf(policy)?.case
}

function policyOf(
  policies: readonly NetworkPolicy[],
  target: Pick<Target, 'namespace' | 'uid'>,
): NetworkPolicy | undefined {
  return policies.find(({ metadata }) => metadata?.name === denyAllName(target))
}

function fault(code: HoldFault['code'], message: string): Finding {
  return { ...NOTHING, faults: [{ code, message }] }
}

function goneFinding({ target, replacedBy }: HoldFacts): Finding {
  return fault(
    'pod-gone',
    replacedBy === undefined
      ? `the pod (uid ${target.uid}) is gone: what is left is to be taken back by a release`
      : `the pod (uid ${target.uid}) is gone; its name belongs to another pod now (uid ${replacedBy}), which is not held`,
  )
}

function podFinding(pod: Pod): Finding {
  const phase = pod.status?.phase
  const faults: HoldFault[] = []
  if (pod.metadata?.deletionTimestamp !== undefined) {
    const message = `the pod is being deleted since ${pod.metadata.deletionTimestamp}`
    faults.push({ code: 'pod-ended', message })
  } else if (phase === 'Succeeded' || phase === 'Failed') {
    faults.push({ code: 'pod-ended', message: `the pod has ended (${phase}): nothing runs in it` })
  }
  if (pod.spec?.hostNetwork === true) {
    const message = 'the pod uses the network of its node, where NetworkPolicies do not apply'
    faults.push({ code: 'host-network', message })
  }
  return { ...NOTHING, faults }
}

function labelFinding({ journalled, target }: HoldFacts, pod: Pod): Finding {
  const mark = pod.metadata?.labels?.[QUARANTINE_KEY]
  if (mark === uid8(target)) return { ...NOTHING, stands: [`label ${QUARANTINE_KEY} is on the pod`] }
  const begun = journalled !== undefined && journalled.label === undefined
  const how =
    mark !== undefined
      ? `is "${mark}" now`
      : begun
        ? 'was never put on: the run stopped before'
        : 'was taken off'
  return fault('no-label', `label ${QUARANTINE_KEY} ${how}; the deny-all does not select the pod`)
}

function labelsBackFinding({ journalled }: HoldFacts, pod: Pod): Finding {
  const labels = pod.metadata?.labels ?? {}
  const removed = Object.keys(journalled?.removed ?? {}).sort()
  if (removed.length === 0) {
    const there = labelsBefore(journalled, pod).filter((key) => Object.hasOwn(labels, key))
    const doubt =
      journalled === undefined
        ? "kept, or come back; the run's record is not on this machine"
        : 'kept, or the run stopped before it took them off'
    const notSeen =
      there.length === 0 ? [] : [`labels ${there.join(', ')} are on the pod as before: ${doubt}`]
    return { ...NOTHING, notSeen }
  }
  const back = removed.filter((key) => Object.hasOwn(labels, key))
  return back.length === 0
    ? { ...NOTHING, stands: [`gone: ${removed.join(', ')}`] }
    : fault('labels-back', `labels that were taken off are on the pod again: ${back.join(', ')}`)
}

/** What the lock says that the pod carried before, without the quarantine label. */
function labelsBefore(journalled: Hold | undefined, pod: Pod): readonly string[] {
  const lock = lockOf(pod)
  const written = journalled === undefined ? undefined : lockedBefore(journalled)
  const labels = (written ?? (lock.state === 'held' ? lock.lock : undefined))?.labels ?? {}
  return Object.keys(labels)
    .filter((key) => key !== QUARANTINE_KEY)
    .sort()
}

function policyFinding({ policies, target, pod }: HoldFacts, caseName: string | undefined): Finding {
  const name = denyAllName(target)
  if ('why' in policies) {
    return { ...NOTHING, notSeen: [`NetworkPolicies can't be read: ${policies.why}`] }
  }
  const policy = policyOf(policies, target)
  if (policy === undefined) {
    // of a pod that is gone, nothing is left to select
    return pod === undefined ? NOTHING : fault('no-policy', `NetworkPolicy ${name} does not exist`)
  }
  const suspect = { ...target, name: target.name ?? '' }
  if (caseName !== undefined && isOurDenyAll(policy, suspect, caseName)) {
    return { ...NOTHING, stands: [`NetworkPolicy ${name} stands as written`] }
  }
  return fault('policy-changed', `NetworkPolicy ${name} is not as it was written`)
}

function residualFinding({ policies, target }: HoldFacts, pod: Pod, since: string | undefined): Finding {
  if ('why' in policies) return NOTHING
  const labels = pod.metadata?.labels ?? {}
  const others = policies.filter(({ metadata }) => metadata?.name !== denyAllName(target))
  const faults = comparePolicies(others, labels, labels)
    .filter(({ residual }) => residual)
    .map(({ name, allows }): HoldFault => {
      const created = others.find(({ metadata }) => metadata?.name === name)?.metadata?.creationTimestamp
      return {
        code: 'residual',
        policy: name,
        message: `NetworkPolicy ${name} selects the pod and lets through: ${allows.join('; ')}${ageWords(created, since)}`,
      }
    })
  return {
    ...NOTHING,
    faults,
    stands: faults.length > 0 ? [] : [`no other NetworkPolicy of ${others.length} lets it through`],
  }
}

/** Creation alone shows: a policy that is older may have been changed since. */
function ageWords(created: string | undefined, since: string | undefined): string {
  if (created === undefined || since === undefined) return ''
  // creationTimestamp has whole seconds
  return Date.parse(created) > Date.parse(since)
    ? ` (new: created ${created}, after the hold)`
    : ` (created ${created}, before the hold)`
}

function ownerFinding(pod: Pod): Finding {
  const owner = controllerOf(pod)
  return owner === undefined
    ? { ...NOTHING, stands: ['no controller holds the pod'] }
    : fault(
        'owner',
        `${owner.kind ?? ''} ${owner.name ?? ''} holds the pod: it may delete it, and deleting it deletes the pod`,
      )
}

function lockFinding({ journalled }: HoldFacts, pod: Pod): Finding {
  const found = lockOf(pod)
  const ours = journalled?.lock
  switch (found.state) {
    case 'free':
      return fault(
        'no-annotation',
        'the pod carries no annotation of a case: others can not see that it is held',
      )
    case 'unreadable':
      return fault('annotation-changed', `annotation ${QUARANTINE_KEY} is nothing that impound wrote`)
    case 'held':
      if (journalled !== undefined && found.lock.case !== journalled.suspect.case) {
        return fault(
          'other-case',
          `the annotation says that case ${found.lock.case} holds the pod (${found.lock.who}, since ${found.lock.when}); this machine's record says ${journalled.suspect.case}`,
        )
      }
      if (ours === undefined) {
        const notSeen = ["whether the annotation was edited: the run's record is not on this machine"]
        return { ...NOTHING, notSeen }
      }
      return found.value === ours
        ? { ...NOTHING, stands: ['the annotation is as it was written'] }
        : fault('annotation-changed', `annotation ${QUARANTINE_KEY} was edited since it was written`)
  }
}
