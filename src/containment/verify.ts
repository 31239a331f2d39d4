import type { Finding, ReadContext, Verdict, VerdictKind, WriteContext } from '../model/containment.js'
import { isCode, messageOf } from '../model/errors.js'
import type { NetworkPolicy, Pod } from '../model/kubernetes.js'
import { comparePolicies } from '../model/policy-evaluation.js'
import { QUARANTINE_KEY, type QuarantinePlan } from '../model/quarantine-plan.js'
import { uid8 } from '../model/target.js'
import { denyAllName, isOurDenyAll, policiesPath } from './deny-all.js'
import { otherPolicyKinds } from './exposure.js'
import { controllerOf, lockOf } from './lock.js'
import { listObjects, readObject, readPod } from './reading.js'
import type { NetworkFinding } from './network-verdict.js'
import { lockRefusals } from './refusals.js'
import { tryNetwork } from './try-network.js'
import { openConnectionsLine } from './cni/words.js'

interface VerifyMeans {
  readonly confirmedAt: string | undefined
  /** The script that tries the pod's network. */
  readonly probe: string
  /** Tries it by a twin of the pod; absent where none is allowed. */
  readonly byTwin?: (pod: Pod) => Promise<NetworkFinding>
  /** What the actions say of themselves. */
  beside(): Promise<readonly Finding[]>
}

/**
 * Reads back what stands in the API, and tries from the pod's own network what still comes about, where a pod may run on its node.
 * Nothing tried, or nothing that proves anything: `unverified` at best. `not-enforced` where something that the deny-all needs
 * is not there, or all that could be tried comes about.
 */
export async function verifyQuarantine(
  context: WriteContext,
  plan: QuarantinePlan,
  means: VerifyMeans,
): Promise<Verdict> {
  let pod: Pod
  try {
    pod = await readPod(context.kube, plan.target, context.run.signal)
  } catch (error) {
    if (!isCode(error, 'target-changed')) throw error
    return verdict('unverified', 'api', `${error.message}: there is nothing left to try`, [], [], undefined)
  }
  const beside = await means.beside()
  const cuts = beside.some((finding) => finding.cuts === true)
  const denyAll = await readDenyAll(context, plan, pod)
  const labels = readLabels(pod, plan)
  const overrides = overridden(beside)
  const residuals = await readResiduals(context, plan, pod, overrides)
  const hold = readHold(pod, plan)
  const broken = [
    ...(pod.spec?.hostNetwork === true
      ? ['the pod uses the network of its node, where NetworkPolicies do not apply']
      : []),
    ...[denyAll, labels, hold].flatMap((finding) => finding.broken ?? []),
  ]
  const inside = await tryNetwork(context, pod, means.probe, cuts)
  // a cut that is known not to stand needs no twin; and what drops packets in the pod's own network, a twin has not
  const twinSays = inside.outcome === 'not-tried' && broken.length === 0 && !cuts
  const network = (twinSays ? await means.byTwin?.(pod) : undefined) ?? inside
  const tried = [denyAll, labels, residuals, hold, ...beside, network].flatMap((finding) => finding.tried)
  const open = [
    ...denyAll.open,
    ...labels.open,
    // what is dropped in the pod's own network, no policy lets through
    ...(cuts ? [] : residuals.open),
    ...[hold, ...beside, network].flatMap((finding) => finding.open),
    ...alwaysOpen(pod, cuts, plan),
  ]
  const by = network.outcome === 'not-tried' ? 'api' : (network.means ?? 'own-network')
  if (broken.length > 0) return verdict('not-enforced', by, broken.join('; '), tried, open, undefined)
  // what was tried says more than what the cluster says of itself
  if (network.outcome === 'not-tried' && plan.network.enforces === 'no' && !cuts) {
    return verdict('not-enforced', by, `not tried; ${plan.network.why}`, tried, open, undefined)
  }
  const [kind, why] = judged(network, cuts ? 0 : residuals.open.length)
  return verdict(kind, by, why, tried, open, kind === 'not-enforced' ? undefined : means.confirmedAt)
}

function judged(
  { outcome, why }: NetworkFinding,
  residuals: number,
): readonly [kind: VerdictKind, why: string] {
  switch (outcome) {
    case 'not-tried':
      return ['unverified', why]
    case 'open':
      return ['not-enforced', why]
    case 'mixed':
      return ['partial', why]
    case 'blocked':
      return residuals === 0
        ? ['enforced', why]
        : ['partial', `${why}; but policies that allow more select it`]
  }
}

function verdict(
  kind: VerdictKind,
  means: Verdict['means'],
  why: string,
  tried: readonly string[],
  open: readonly string[],
  inForceAt: string | undefined,
): Verdict {
  return {
    schema: 'impound/verdict/v1',
    kind,
    means,
    why,
    tried,
    open,
    ...(inForceAt === undefined ? {} : { inForceAt }),
  }
}

async function readDenyAll({ kube, run }: ReadContext, plan: QuarantinePlan, pod: Pod): Promise<Finding> {
  const name = denyAllName(plan.target)
  const policy = await readObject<NetworkPolicy>(kube, policiesPath(plan.target.namespace, name), run.signal)
  if (policy === undefined) return { tried: [], open: [], broken: `NetworkPolicy ${name} does not exist` }
  if (isOurDenyAll(policy, plan.target, plan.case)) {
    return { tried: [`read back: NetworkPolicy ${name} stands as written`], open: [] }
  }
  const lock = lockOf(pod)
  const broken =
    lock.state === 'held' && lock.lock.case !== plan.case
      ? `NetworkPolicy ${name} is not this case's: case ${lock.lock.case} holds the pod`
      : `NetworkPolicy ${name} is not as it was written`
  return { tried: [], open: [], broken }
}

function readLabels(pod: Pod, plan: QuarantinePlan): Finding {
  const labels = pod.metadata?.labels ?? {}
  if (labels[QUARANTINE_KEY] !== uid8(plan.target)) {
    return { tried: [], open: [], broken: `the pod does not carry the label ${QUARANTINE_KEY}` }
  }
  const back = plan.labels.remove.filter((key) => Object.hasOwn(labels, key))
  return {
    tried: [
      `read back: label ${QUARANTINE_KEY} is on the pod`,
      ...(back.length === 0 && plan.labels.remove.length > 0
        ? [`read back: labels are gone: ${plan.labels.remove.join(', ')}`]
        : []),
    ],
    open: back.length === 0 ? [] : [`labels that were to go are on the pod: ${back.join(', ')}`],
  }
}

/** Policies beside ours that select the pod as it is now and allow something. */
async function readResiduals(
  { kube, run }: ReadContext,
  plan: QuarantinePlan,
  pod: Pod,
  overrides: 'all' | ReadonlySet<string>,
): Promise<Finding> {
  const labels = pod.metadata?.labels ?? {}
  try {
    const [policies, { resources }] = await Promise.all([
      listObjects<NetworkPolicy>(kube, policiesPath(plan.target.namespace), run.signal),
      kube.discover(run.signal),
    ])
    const allowing = comparePolicies(policies, labels, labels).filter((policy) => policy.residual)
    const residual = allowing.filter(({ name }) => overrides !== 'all' && !overrides.has(name))
    const denied = allowing.filter((policy) => !residual.includes(policy)).map(({ name }) => name)
    return {
      tried: [
        `evaluated: every NetworkPolicy of the namespace (${policies.length}); still letting the pod through: ${residual.length}`,
        ...(denied.length === 0
          ? []
          : [`overridden by the deny of the network plugin's own: what ${denied.join(', ')} would allow`]),
      ],
      open: [
        ...residual.map(({ name, allows }) => `NetworkPolicy ${name} still selects it: ${allows.join('; ')}`),
        ...(overrides === 'all' ? [] : otherPolicyKinds(resources)).map(
          (kind) => `what a ${kind} allows: not evaluated`,
        ),
      ],
    }
  } catch (error) {
    if (isCode(error, 'aborted')) throw error
    return { tried: [], open: [`what other NetworkPolicies allow: not known (${messageOf(error)})`] }
  }
}

/** What a deny that stands makes void: all that policies allow, or what these allow. */
function overridden(beside: readonly Finding[]): 'all' | ReadonlySet<string> {
  const said = beside.flatMap(({ overrides }) => (overrides === undefined ? [] : [overrides]))
  return said.includes('all') ? 'all' : new Set(said.flatMap((names) => (names === 'all' ? [] : names)))
}

function readHold(pod: Pod, plan: QuarantinePlan): Finding {
  const lock = lockOf(pod)
  const [other] = lockRefusals(lock, plan.target, plan.case)
  const controller = controllerOf(pod)
  return {
    tried: controller === undefined ? ['read back: no controller holds the pod'] : [],
    open: [
      ...(controller === undefined
        ? []
        : [
            `${controller.kind ?? ''} ${controller.name ?? ''} has not let the pod go: it may put labels back or delete it, and deleting it deletes the pod`,
          ]),
      ...(other === undefined ? [] : [other.message]),
      ...(lock.state === 'free'
        ? ['the pod carries no annotation of this case: another responder can not see that it is held']
        : []),
    ],
  }
}

function alwaysOpen(pod: Pod, cuts: boolean, plan: QuarantinePlan): readonly string[] {
  const { nodeName } = pod.spec ?? {}
  const { hostIP } = pod.status ?? {}
  const node = `its own node${nodeName === undefined ? '' : ` ${nodeName}`}${hostIP === undefined ? '' : ` (${hostIP})`}`
  return cuts
    ? [`new TCP connections from ${node}, and those that reach it under the node's address, by a NodePort`]
    : [openConnectionsLine(plan.network), `traffic between the pod and ${node}`]
}
