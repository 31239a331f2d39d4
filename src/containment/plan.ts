import type { WriteContext } from '../model/containment.js'
import { isCode, messageOf } from '../model/errors.js'
import type { NetworkPolicy, Pod } from '../model/kubernetes.js'
import { comparePolicies, policyUnknowns } from '../model/policy-evaluation.js'
import {
  QUARANTINE_KEY,
  type PolicyPlan,
  type QuarantinePlan,
  type Refusal,
} from '../model/quarantine-plan.js'
import { uid8, type Target } from '../model/target.js'
import { missingAccess } from './access.js'
import { detectNetworkPlugin } from './cni/detect.js'
import { openConnectionsLine, networkWarnings } from './cni/words.js'
import { credentialPlans } from './credentials.js'
import { denyAllManifest, denyAllName, isOurDenyAll, policiesPath } from './deny-all.js'
import { tryWrites, writesLeft } from './dry-runs.js'
import { attackerSees, wontStop } from './exposure.js'
import { keepSet, labelsAfter } from './keep-set.js'
import { lockOf, type LockState } from './lock.js'
import type { QuarantineOptions } from './options.js'
import { ownerFacts, selectorKeys, stillSelected } from './owners.js'
import { probePlans, probeWarnings } from './probes.js'
import { listObjects, readPod } from './reading.js'
import { lockRefusals, podRefusals } from './refusals.js'
import { serviceFacts, serviceImpact } from './services.js'

/** What a quarantine would do, to whom, and what it will leave open. Changes nothing. Throws `target-changed`. */
export async function planQuarantine(
  context: WriteContext,
  target: Target,
  options: QuarantineOptions,
): Promise<Omit<QuarantinePlan, 'actions'>> {
  const { kube, run } = context
  const { namespace, name, uid } = target
  const pod = await readPod(kube, target, run.signal)
  const [listed, owner, services, missing, network, held] = await Promise.all([
    listPolicies(context, namespace),
    ownerFacts(kube, pod, run.signal),
    serviceFacts(kube, namespace, run.signal),
    missingAccess(kube, target, run.signal),
    detectNetworkPlugin(context, pod),
    credentialPlans(context, { ...target, pod }),
  ])
  const lock = lockOf(pod)
  const before = pod.metadata?.labels ?? {}
  const quarantine = { key: QUARANTINE_KEY, value: uid8(target) }
  const denyAll = listed.policies.find(({ metadata }) => metadata?.name === denyAllName(target))
  const state =
    denyAll === undefined ? 'to-create' : isOurDenyAll(denyAll, target, options.case) ? 'ours' : 'foreign'
  const others = listed.policies.filter((policy) => policy !== denyAll || state === 'foreign')
  const labels = keepSet({
    labels: before,
    quarantine,
    policies: others,
    keepLabels: options.keepLabels,
    avoid: new Set([
      ...selectorKeys(owner.selector),
      ...(services.services ?? []).flatMap(({ spec }) => Object.keys(spec?.selector ?? {})),
    ]),
  })
  const after = labelsAfter(
    before,
    quarantine,
    labels.keep.map(({ key }) => key),
  )
  const policies = comparePolicies(others, before, after, {
    ...before,
    [quarantine.key]: quarantine.value,
  })
  const impact = serviceImpact(services, target, before, after)
  const impossible = podRefusals(pod)
  const probes = probePlans(pod)
  const suspect = { namespace, name, uid, case: options.case }
  const situation = { pod, lock, policy: state, remove: labels.remove, missing } as const
  const writes = impossible.length > 0 ? [] : writesLeft(context, suspect, options, situation)
  const trials = await tryWrites(writes)
  return {
    schema: 'impound/quarantine-plan/v1',
    case: options.case,
    target: { namespace, name, uid },
    resumes: lock.state === 'held' && lock.lock.case === options.case,
    policy: { name: denyAllName(target), manifest: denyAllManifest(target, options.case), state },
    labels: {
      before,
      add: before[QUARANTINE_KEY] === quarantine.value ? {} : { [quarantine.key]: quarantine.value },
      remove: labels.remove,
      keep: labels.keep,
    },
    owner: owner.plan,
    services: impact.services,
    policies,
    network,
    probes,
    credentials: held.credentials,
    warnings: [
      ...heldWarnings(lock, options, writes.length),
      ...(lock.state === 'free' && before[QUARANTINE_KEY] === quarantine.value ? [MARKED_BY_OTHERS] : []),
      ...oddPolicies(policies, others, { ...before, [quarantine.key]: quarantine.value }),
      ...listed.warnings,
      ...labels.warnings,
      ...[stillSelected(owner, after) ?? []].flat(),
      ...owner.warnings,
      ...(options.allowOutage ? impact.outages : []),
      ...impact.warnings,
      ...probeWarnings(probes),
      ...held.unseen,
      ...networkWarnings(network),
    ],
    wontStop: wontStop(pod, openConnectionsLine(network)),
    attackerSees: attackerSees(pod),
    refusals: [
      ...impossible,
      ...lockRefusals(lock, target, options.case),
      ...(state === 'foreign' && !otherCase(lock, options) ? [foreignPolicy(target)] : []),
      ...outageRefusals(impact.outages, pod, options),
      ...trials.refusals,
    ],
    missingAccess: missing,
    dryRuns: trials.dryRuns,
  }
}

const MARKED_BY_OTHERS = `somebody else has set the label ${QUARANTINE_KEY} to the very value of this quarantine; release leaves it`

/** What a second run of the case has to know. */
function heldWarnings(lock: LockState, options: QuarantineOptions, writes: number): readonly string[] {
  if (lock.state !== 'held' || lock.lock.case !== options.case) return []
  const since = `already held by this case since ${lock.lock.when} (${lock.lock.who})`
  return [writes === 0 ? `${since}; nothing to change` : `${since}; this run does what is missing`]
}

async function listPolicies(
  { kube, run }: WriteContext,
  namespace: string,
): Promise<{ readonly policies: readonly NetworkPolicy[]; readonly warnings: readonly string[] }> {
  try {
    const policies = await listObjects<NetworkPolicy>(kube, policiesPath(namespace), run.signal)
    return { policies, warnings: [] }
  } catch (error) {
    // the right is among those that are missing then: such a plan is shown, not applied
    if (!isCode(error, 'forbidden', 'unauthorized')) throw error
    return {
      policies: [],
      warnings: [`NetworkPolicies could not be listed (${messageOf(error)}): what stays open is not known`],
    }
  }
}

function oddPolicies(
  plans: readonly PolicyPlan[],
  policies: readonly NetworkPolicy[],
  marked: Readonly<Record<string, string>>,
): readonly string[] {
  const unknown = policies
    .filter((policy) => policyUnknowns(policy).length > 0)
    .map(
      (policy) =>
        `NetworkPolicy ${policy.metadata?.name ?? ''} selects by ${policyUnknowns(policy).join(', ')}, which this version can't evaluate: it may select the pod`,
    )
  const opened = comparePolicies(policies, marked, marked)
    .filter(
      ({ name, allows }) => allows.length > 0 && plans.some((plan) => plan.name === name && !plan.selectsNow),
    )
    .map(
      ({ name, allows }) =>
        `NetworkPolicy ${name} selects the quarantine label itself and opens: ${allows.join('; ')}`,
    )
  return [...opened, ...unknown]
}

/** Then the policy is that case's, and the lock says all there is to say. */
function otherCase(lock: LockState, options: QuarantineOptions): boolean {
  return lock.state === 'held' && lock.lock.case !== options.case
}

function foreignPolicy(target: Target): Refusal {
  return {
    code: 'foreign-policy',
    message: `NetworkPolicy ${target.namespace}/${denyAllName(target)} is there already and is not what this case would create: see whose it is, kubectl get netpol ${denyAllName(target)} -n ${target.namespace} -o yaml`,
  }
}

function outageRefusals(
  outages: readonly string[],
  pod: Pod,
  options: QuarantineOptions,
): readonly Refusal[] {
  const ready =
    pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  if (options.allowOutage || !ready) return []
  return outages.map((message) => ({ code: 'last-endpoint', message, override: '--allow-outage' }))
}
