import type { AccessRule } from '../model/api-path.js'
import type {
  ContainmentAction,
  Finding,
  JournalEntry,
  ReadContext,
  Suspect,
  UndoReport,
  WantedAction,
  WriteContext,
} from '../model/containment.js'
import { ImpoundError } from '../model/errors.js'
import { asArray, asString, at, type JsonObject } from '../model/json.js'
import type { KubeObject } from '../model/kubernetes.js'
import type { ServedResource } from '../model/ports/kube-reader.js'
import type { ActionPlan, QuarantinePlan } from '../model/quarantine-plan.js'
import { uid8, type Target } from '../model/target.js'
import { clearMark, isMarked, setMark, type NodeMark } from './node-mark.js'
import type { QuarantineOptions } from './options.js'
import { createOwn, deleteOwn, sendCreate, standsOwn, titleOf, type OwnObject } from './own-object.js'
import { readPodIfThere } from './protecting-annotations.js'
import { readObject } from './reading.js'
import { trial } from './trial.js'

const GROUP = 'admissionregistration.k8s.io'
const POLICIES = 'validatingadmissionpolicies'
const BINDINGS = 'validatingadmissionpolicybindings'

/** What a policy of ours refuses, and to whom. */
export interface AdmissionRule {
  readonly name: WantedAction
  /** What the plan says that it does. */
  readonly change: string
  warnings(suspect: Suspect, facts: RuleFacts): readonly string[]
  /** spec of the ValidatingAdmissionPolicy, and of its binding beside the policy's name. */
  policy(suspect: Suspect, facts: RuleFacts): JsonObject
  /** Absent: in every namespace. */
  namespaceOf?(suspect: Suspect): string
}

/** Who holds the pod, as the API server knows them, and where the pod runs. */
export interface RuleFacts {
  readonly responder: string
  readonly node: string | undefined
}

interface AdmissionPlan extends ActionPlan {
  /** The policy, then its binding: without that it does nothing. Empty where there is nothing to do. */
  readonly objects: readonly OwnObject[]
  /** Why it can't be had here: then nothing is done, and that is no success. */
  readonly unavailable?: string
}

/**
 * A ValidatingAdmissionPolicy for one suspect with its binding, where admissionregistration.k8s.io/v1 serves them (Kubernetes 1.30 and later).
 * It takes effect some seconds after it is accepted. Neither can be guarded by a policy of their kind: who may delete them ends it.
 */
export function admissionAction(
  rule: AdmissionRule,
  options: QuarantineOptions,
): ContainmentAction<AdmissionPlan> {
  const wanted = options.wanted.has(rule.name)
  const onPod: NodeMark = { action: rule.name, key: `impound.dev/${rule.name}` }
  return {
    name: rule.name,
    stage: 'before-cut',
    requirements: () => ({
      access: wanted ? policyRights() : [],
      served: { group: GROUP, version: 'v1', resource: POLICIES },
    }),
    plan: (context, target, quarantine) =>
      wanted ? plan(context, rule, onPod, target, quarantine) : Promise.resolve(undefined),
    apply: async (context, { objects, unavailable }, suspect) => {
      if (unavailable !== undefined) throw new ImpoundError('unsupported', unavailable)
      if (objects.length === 0) return
      await setMark(context, suspect, onPod)
      for (const object of objects) await createOwn(context, suspect, object)
    },
    verify,
    undo: (context, suspect, entries, mode) => undo(context, rule, onPod, suspect, entries, mode),
  }
}

function policyRights(): readonly AccessRule[] {
  return [POLICIES, BINDINGS].flatMap((resource) =>
    (['get', 'create', 'delete'] as const).map((verb) => ({ verb, group: GROUP, resource })),
  )
}

async function plan(
  context: WriteContext,
  rule: AdmissionRule,
  onPod: NodeMark,
  target: Target,
  quarantine: Omit<QuarantinePlan, 'actions'>,
): Promise<AdmissionPlan> {
  const { kube, run } = context
  const none = { action: rule.name, changes: [], warnings: [], refusals: [], missingAccess: [], objects: [] }
  const unavailable = (why: string): AdmissionPlan => {
    const said = `--${rule.name} is not available: ${why}`
    return { ...none, warnings: [said], unavailable: said }
  }
  const { resources } = await kube.discover(run.signal)
  if (!isServed(resources)) {
    return unavailable(
      `this cluster serves no ValidatingAdmissionPolicy (${GROUP}/v1, Kubernetes 1.30 and later)`,
    )
  }
  const rights = await Promise.all(policyRights().map((one) => kube.canI(one, run.signal)))
  const missingAccess = rights.filter(({ allowed }) => !allowed).map((answer) => answer.rule)
  if (missingAccess.length > 0) return { ...none, missingAccess }
  const identity = await kube.whoAmI(run.signal)
  if (identity === undefined) {
    return unavailable('the API server does not say who you are to it')
  }
  const suspect = { ...quarantine.target, case: quarantine.case }
  const facts = { responder: identity.user, node: target.pod.spec?.nodeName }
  const standing = await standingPolicy(context, rule, suspect)
  const objects = standing ?? objectsOf(rule, suspect, rule.policy(suspect, facts))
  const stands = await Promise.all(objects.map((one) => standsOwn(context, suspect, one)))
  const due = objects.filter((_one, index) => stands[index] !== true)
  const refusals: ActionPlan['refusals'][number][] = []
  for (const object of quarantine.refusals.length === 0 ? due : []) {
    const why = await trial(() => sendCreate(context, suspect, object, { dryRun: true }))
    if (why !== undefined) refusals.push({ code: 'admission', message: `${titleOf(object)}: ${why}` })
  }
  return {
    ...none,
    objects,
    changes:
      due.length === 0
        ? []
        : [
            ...due.map((one, index) => `+ ${titleOf(one)}${index === 0 ? `: ${rule.change}` : ''}`),
            `~ annotation ${onPod.key}`,
          ],
    warnings: [
      ...rule.warnings(suspect, facts),
      `it is in force some seconds after it was accepted; who may delete a ValidatingAdmissionPolicy ends it`,
    ],
    refusals,
  }
}

/** The objects of an earlier run of the case, by another responder perhaps: they are kept as they are. */
async function standingPolicy(
  context: ReadContext,
  rule: AdmissionRule,
  suspect: Suspect,
): Promise<readonly OwnObject[] | undefined> {
  const [bare] = objectsOf(rule, suspect, {})
  if (bare === undefined || !(await standsOwn(context, suspect, bare))) return undefined
  const found = await readObject<KubeObject & { readonly spec?: JsonObject }>(
    context.kube,
    bare.path,
    context.run.signal,
  )
  return found?.spec === undefined ? undefined : objectsOf(rule, suspect, found.spec)
}

export function objectsOf(
  rule: Pick<AdmissionRule, 'name' | 'namespaceOf'>,
  suspect: Suspect,
  policy: JsonObject,
): readonly OwnObject[] {
  const name = `impound-${rule.name}-${uid8(suspect)}`
  const namespace = rule.namespaceOf?.(suspect)
  const path = { group: GROUP, version: 'v1', name }
  return [
    {
      action: rule.name,
      kind: 'ValidatingAdmissionPolicy',
      path: { ...path, resource: POLICIES },
      spec: policy,
    },
    {
      action: rule.name,
      kind: 'ValidatingAdmissionPolicyBinding',
      path: { ...path, resource: BINDINGS },
      spec: {
        policyName: name,
        validationActions: ['Deny'],
        ...(namespace === undefined
          ? {}
          : {
              matchResources: {
                namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
              },
            }),
      },
    },
  ]
}

async function verify(
  context: ReadContext,
  { objects, unavailable }: AdmissionPlan,
  suspect: Suspect,
): Promise<Finding> {
  if (unavailable !== undefined) return { tried: [], open: [unavailable] }
  const [tried, open]: [string[], string[]] = [[], []]
  for (const object of objects) {
    if (await standsOwn(context, suspect, object)) tried.push(`read back: ${titleOf(object)} stands`)
    else open.push(`${titleOf(object)} is not as it was written`)
  }
  const [policy] = objects
  const found =
    policy === undefined
      ? undefined
      : await readObject<KubeObject>(context.kube, policy.path, context.run.signal)
  const warnings = asArray(at(found, 'status', 'typeChecking', 'expressionWarnings'))
  return {
    tried,
    open: [
      ...open,
      ...warnings.map((one) => `the API server warns of it: ${asString(at(one, 'warning')) ?? ''}`),
    ],
  }
}

async function undo(
  context: WriteContext,
  rule: AdmissionRule,
  onPod: NodeMark,
  suspect: Suspect,
  entries: readonly JournalEntry[],
  mode: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const pod = await readPodIfThere(context, suspect)
  const marked = pod !== undefined && isMarked(pod, onPod)
  const created = entries.some(
    ({ intent, outcome }) =>
      intent.step.startsWith('create ') && (outcome?.status === undefined || outcome.status < 400),
  )
  if (!marked && !created) return { done: [], left: [] }
  const report = { done: [] as string[], left: [] as string[] }
  // the binding first: a policy that nothing binds does nothing
  for (const bare of objectsOf(rule, suspect, {}).toReversed()) {
    const own = { ...bare, spec: writtenSpec(bare, entries) ?? bare.spec }
    const { done, left } = await deleteOwn(context, suspect, own, entries, mode)
    report.done.push(...done)
    report.left.push(...left)
  }
  if (!mode.dryRun && marked) await clearMark(context, suspect, onPod)
  return report
}

/** What the journal says that was created; without it the marks on the object must do. */
function writtenSpec(own: OwnObject, entries: readonly JournalEntry[]): JsonObject | undefined {
  const written = entries.findLast(({ intent }) => intent.step === `create ${own.kind}`)?.intent.body
  const spec = at(written, 'spec')
  return typeof spec === 'object' && spec !== null && !Array.isArray(spec) ? (spec as JsonObject) : undefined
}

function isServed(resources: readonly ServedResource[]): boolean {
  return [POLICIES, BINDINGS].every((resource) =>
    resources.some((one) => one.group === GROUP && one.version === 'v1' && one.resource === resource),
  )
}
