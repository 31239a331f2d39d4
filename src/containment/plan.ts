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
import { denyAllManifest, denyAllName, isOurDenyAll, policiesPath } from './deny-all.js'
import { tryWrites, type Trial } from './dry-runs.js'
import { attackerSees, otherPolicyKinds, probeWarnings, wontStop } from './exposure.js'
import { keepSet, labelsAfter, type KeepSet } from './keep-set.js'
import { lockOf, type LockState } from './lock.js'
import { newLock } from './new-lock.js'
import type { QuarantineOptions } from './options.js'
import { ownerFacts, selectorKeys, stillSelected } from './owners.js'
import { listObjects, readPod } from './reading.js'
import { lockRefusals, podRefusals } from './refusals.js'
import { serviceFacts, serviceImpact } from './services.js'
import { addQuarantineLabel, createDenyAll, lockPod, removeLabels, type Suspect } from './writes.js'

/** What a quarantine would do, to whom, and what it will leave open. Changes nothing. Throws `target-changed`. */
export async function planQuarantine(
  context: WriteContext,
  target: Target,
  options: QuarantineOptions,
): Promise<QuarantinePlan> {
  const { kube, run } = context
  const { namespace, name, uid } = target
  const pod = await readPod(kube, target, run.signal)
  const [listed, owner, services, missing, { resources }] = await Promise.all([
    listPolicies(context, namespace),
    ownerFacts(kube, pod, run.signal),
    serviceFacts(kube, namespace, run.signal),
    missingAccess(kube, target, run.signal),
    kube.discover(run.signal),
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
  const policies = comparePolicies(others, before, after)
  const impact = serviceImpact(services, target, before, after)
  const suspect = { namespace, name, uid, case: options.case }
  const trials = await tryWrites(
    podRefusals(pod).length > 0 ? [] : writesLeft(context, suspect, { pod, lock, state, labels, options }),
    missing.length > 0,
  )
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
    warnings: [
      ...residualWarnings(policies, others, { ...before, [quarantine.key]: quarantine.value }),
      ...listed.warnings,
      ...labels.warnings,
      ...[stillSelected(owner, after) ?? []].flat(),
      ...owner.warnings,
      ...(options.allowOutage ? impact.outages : []),
      ...impact.warnings,
      ...probeWarnings(pod),
      ...otherPolicyKinds(resources).map(
        (kind) => `${kind} is served here and not evaluated: one may allow more`,
      ),
      'whether the network plugin of this cluster enforces NetworkPolicies was not tried',
    ],
    wontStop: wontStop(pod),
    attackerSees: attackerSees(pod),
    refusals: [
      ...podRefusals(pod),
      ...lockRefusals(lock, target, options.case),
      ...(state === 'foreign' ? [foreignPolicy(target)] : []),
      ...outageRefusals(impact.outages, pod, options),
      ...trials.refusals,
    ],
    missingAccess: missing,
    dryRuns: trials.dryRuns,
  }
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

function residualWarnings(
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
  const residual = plans
    .filter((plan) => plan.residual)
    .map(
      ({ name, allows }) =>
        `NetworkPolicy ${name} still selects the pod and leaves open: ${allows.join('; ')}`,
    )
  return [...residual, ...opened, ...unknown]
}

function foreignPolicy(target: Target): Refusal {
  return {
    code: 'foreign-policy',
    message: `NetworkPolicy ${target.namespace}/${denyAllName(target)} is there already and is not what this case would create: look at it, and delete it if nobody needs it`,
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

/** The writes that a run from here would send; a step that stands already is not tried. */
function writesLeft(
  context: WriteContext,
  suspect: Suspect,
  {
    pod,
    lock,
    state,
    labels,
    options,
  }: {
    readonly pod: Pod
    readonly lock: LockState
    readonly state: QuarantinePlan['policy']['state']
    readonly labels: KeepSet
    readonly options: QuarantineOptions
  },
): readonly Trial[] {
  const mode = { dryRun: true }
  const before = pod.metadata?.labels ?? {}
  const remove = Object.fromEntries(Object.entries(before).filter(([key]) => labels.remove.includes(key)))
  return [
    ...(lock.state === 'free'
      ? [{ step: 'lock' as const, send: () => lockAsItIs(context, suspect, options) }]
      : []),
    ...(state === 'to-create'
      ? [{ step: 'policy' as const, send: () => createDenyAll(context, suspect, mode) }]
      : []),
    ...(before[QUARANTINE_KEY] === uid8(suspect)
      ? []
      : [{ step: 'label' as const, send: () => addQuarantineLabel(context, suspect, pod, mode) }]),
    ...(labels.remove.length === 0
      ? []
      : [{ step: 'relabel' as const, send: () => removeLabels(context, suspect, remove, mode) }]),
  ]
}

/** The lock's patch holds the version of the pod, which its status moves on: read it right before. */
async function lockAsItIs(
  context: WriteContext,
  suspect: Suspect,
  options: QuarantineOptions,
): Promise<void> {
  const pod = await readPod(context.kube, suspect, context.run.signal)
  await lockPod(context, suspect, pod, newLock(context.run, pod, options), { dryRun: true })
}
