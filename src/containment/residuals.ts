import type { AccessRule } from '../model/api-path.js'
import type {
  ContainmentAction,
  Finding,
  JournalEntry,
  ReadContext,
  Suspect,
  UndoReport,
  WriteContext,
} from '../model/containment.js'
import { asString, at, type Json } from '../model/json.js'
import type { NetworkPolicy } from '../model/kubernetes.js'
import type { RawResponse } from '../model/ports/kube-reader.js'
import { QUARANTINE_KEY, type ActionPlan, type QuarantinePlan } from '../model/quarantine-plan.js'
import { uid8, type Target } from '../model/target.js'
import { converge } from './converge.js'
import { policiesPath } from './deny-all.js'
import { excludePatch, excludes, includePatch } from './exclusion.js'
import { managedBy } from './managed-by.js'
import type { QuarantineOptions } from './options.js'
import { listObjects, readObject } from './reading.js'
import { trial } from './trial.js'

const NAME = 'patch-residuals'

interface ResidualsPlan extends ActionPlan {
  readonly closes: readonly string[]
}

/**
 * Excludes the suspect from each policy that would still select it and lets something through: NetworkPolicies only add, so
 * the deny-all does not override them. Before any label goes; for other pods the policies stay what they are.
 */
export function createResiduals(options: QuarantineOptions): ContainmentAction<ResidualsPlan> {
  const wanted = options.wanted.has(NAME)
  return {
    name: NAME,
    stage: 'before-cut',
    requirements: ({ namespace }) => ({ access: wanted ? [patchRight(namespace)] : [] }),
    plan: (context, target, quarantine) =>
      wanted ? plan(context, target, quarantine) : Promise.resolve(undefined),
    apply,
    verify,
    undo,
  }
}

function patchRight(namespace: string): AccessRule {
  return { verb: 'patch', group: 'networking.k8s.io', resource: 'networkpolicies', namespace }
}

async function plan(
  context: WriteContext,
  target: Target,
  quarantine: Omit<QuarantinePlan, 'actions'>,
): Promise<ResidualsPlan | undefined> {
  const { kube, run } = context
  const suspect = { ...quarantine.target, case: quarantine.case }
  const residual = new Set(
    quarantine.policies
      .filter((policy) => policy.residual || policy.opensMore === true)
      .map(({ name }) => name),
  )
  if (residual.size === 0) return undefined
  const [policies, { allowed }] = await Promise.all([
    listObjects<NetworkPolicy>(kube, policiesPath(target.namespace), run.signal),
    kube.canI(patchRight(target.namespace), run.signal),
  ])
  const due = policies.filter(({ metadata }) => residual.has(metadata?.name ?? '')).sort(byName)
  const refusals: ActionPlan['refusals'][number][] = []
  for (const policy of allowed && quarantine.refusals.length === 0 ? due : []) {
    const why = await trial(() => exclude(context, suspect, policy, { dryRun: true }))
    if (why !== undefined) refusals.push({ code: 'admission', message: `${nameOf(policy)}: ${why}` })
  }
  return {
    action: NAME,
    changes: due.map(
      (policy) =>
        `~ NetworkPolicy ${target.namespace}/${nameOf(policy)}: exclude this pod (${QUARANTINE_KEY} notin (${uid8(target)}))`,
    ),
    warnings: due.flatMap((policy) => {
      const tool = managedBy(policy)
      return tool === undefined
        ? []
        : [
            `NetworkPolicy ${nameOf(policy)} is kept by ${tool}, which may put it back as it was and open it again`,
          ]
    }),
    refusals,
    missingAccess: allowed ? [] : [patchRight(target.namespace)],
    closes: due.map(nameOf),
  }
}

async function apply(context: WriteContext, { closes }: ResidualsPlan, suspect: Suspect): Promise<void> {
  for (const name of closes) {
    await converge(context.run, async () => {
      const policy = await read(context, suspect, name)
      if (policy === undefined || excludes(policy, suspect)) return 'done'
      return { write: () => exclude(context, suspect, policy, { dryRun: false }) }
    })
  }
}

async function verify(context: ReadContext, { closes }: ResidualsPlan, suspect: Suspect): Promise<Finding> {
  const policies = await Promise.all(closes.map((name) => read(context, suspect, name)))
  const missing = closes.filter((_name, index) => {
    const policy = policies[index]
    return policy !== undefined && !excludes(policy, suspect)
  })
  return {
    tried: [`read back: ${closes.length - missing.length} of ${closes.length} policies exclude the pod`],
    open: missing.map((name) => `NetworkPolicy ${name} does not exclude the pod`),
  }
}

/** By what the policies themselves say: each exclusion names its pod. */
async function undo(
  context: WriteContext,
  suspect: Suspect,
  entries: readonly JournalEntry[],
  { dryRun }: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const { kube, run } = context
  const patched = excludedBy(entries)
  const found = await listObjects<NetworkPolicy>(kube, policiesPath(suspect.namespace), run.signal)
  const marked = found
    .filter((policy) => excludes(policy, suspect))
    .map(nameOf)
    .sort()
  for (const name of dryRun ? [] : marked) {
    await converge(run, async () => {
      const policy = await read(context, suspect, name)
      if (policy === undefined || !excludes(policy, suspect)) return 'done'
      return { write: () => include(context, suspect, policy) }
    })
  }
  return {
    done: marked.map((name) => `~ NetworkPolicy ${name}: selects the pod as before`),
    left: patched
      .filter((name) => !marked.includes(name))
      .map((name) => `NetworkPolicy ${name} no longer excludes the pod: somebody changed or deleted it`),
  }
}

/** The policies that the journal says were changed and not changed back. */
function excludedBy(entries: readonly JournalEntry[]): readonly string[] {
  const standing = new Set<string>()
  for (const { intent, outcome } of entries) {
    const name = asString(at(intent.prior, 'policy')) ?? ''
    if (outcome?.status !== undefined && outcome.status >= 400) continue
    // one without an answer may have come about, or not: neither can it be missed then
    if (intent.step === 'exclude' && outcome?.status !== undefined) standing.add(name)
    if (intent.step === 'include') standing.delete(name)
  }
  return [...standing].sort()
}

function exclude(
  context: WriteContext,
  suspect: Suspect,
  policy: NetworkPolicy,
  mode: { readonly dryRun: boolean },
): Promise<RawResponse> {
  return context.writer.patch(
    policiesPath(suspect.namespace, nameOf(policy)),
    excludePatch(policy, suspect),
    options(context, suspect, 'exclude', policy, mode),
  )
}

function include(context: WriteContext, suspect: Suspect, policy: NetworkPolicy): Promise<RawResponse> {
  return context.writer.patch(
    policiesPath(suspect.namespace, nameOf(policy)),
    includePatch(policy, suspect),
    options(context, suspect, 'include', policy, { dryRun: false }),
  )
}

function options(
  { run }: WriteContext,
  { namespace, name, uid, case: caseName }: Suspect,
  step: 'exclude' | 'include',
  policy: NetworkPolicy,
  { dryRun }: { readonly dryRun: boolean },
): Parameters<WriteContext['writer']['patch']>[2] {
  const podSelector = (policy.spec?.podSelector ?? {}) as unknown as Json
  return {
    signal: run.signal,
    action: NAME,
    step,
    target: { namespace, name, uid },
    prior: { case: caseName, policy: nameOf(policy), podSelector },
    dryRun,
  }
}

async function read(
  { kube, run }: ReadContext,
  { namespace }: Suspect,
  name: string,
): Promise<NetworkPolicy | undefined> {
  return readObject<NetworkPolicy>(kube, policiesPath(namespace, name), run.signal)
}

function nameOf(policy: NetworkPolicy): string {
  return policy.metadata?.name ?? ''
}

function byName(left: NetworkPolicy, right: NetworkPolicy): number {
  return nameOf(left) < nameOf(right) ? -1 : 1
}
