import { podPath } from '../model/api-path.js'
import type {
  ContainmentAction,
  Finding,
  JournalEntry,
  ReadContext,
  Suspect,
  UndoReport,
  WriteContext,
} from '../model/containment.js'
import { isCode } from '../model/errors.js'
import { asObject, asString, at, type Json, type JsonObject } from '../model/json.js'
import type { OwnerReference, Pod } from '../model/kubernetes.js'
import type { JsonPatch } from '../model/ports/kube-writer.js'
import type { ActionPlan } from '../model/quarantine-plan.js'
import type { Target } from '../model/target.js'
import { converge } from './converge.js'
import type { QuarantineOptions } from './options.js'
import { isMirror, letsGo } from './owner-behaviour.js'
import { readOwner } from './owners.js'
import { readPodIfThere } from './protecting-annotations.js'
import { readPod } from './reading.js'
import { trial } from './trial.js'

const NAME = 'detach-owner'
const KEY = 'impound.dev/detach-owner'

/**
 * Takes the pod from a controller that is none of Kubernetes' own, before its labels go: such a one may delete what it no longer selects. The
 * reference stays in an annotation, and comes back on release, if its owner still is there: the garbage collector
 * deletes a pod whose owner is gone. One that adopts by labels may take the pod again in between; it then lets go by them too.
 */
export function createDetachOwner(options: QuarantineOptions): ContainmentAction {
  return {
    name: NAME,
    stage: 'before-cut',
    requirements: () => ({ access: [] }),
    plan: (context, target, { refusals, case: caseName }) =>
      options.wanted.has(NAME) && refusals.length === 0
        ? plan(context, target, { ...target, case: caseName })
        : Promise.resolve(undefined),
    apply: async (context, section, suspect) => {
      if (section.changes.length > 0) await detach(context, suspect)
    },
    verify,
    undo,
  }
}

async function plan(
  context: WriteContext,
  target: Target,
  suspect: Suspect,
): Promise<ActionPlan | undefined> {
  const none = { action: NAME, changes: [], refusals: [], missingAccess: [] }
  const found = controller(target.pod)
  if (found === undefined) {
    return keptReference(target.pod) === undefined
      ? { ...none, warnings: [`--${NAME}: nothing controls the pod`] }
      : undefined
  }
  const title = titleOf(found.reference)
  if (letsGo(found.reference)) {
    return { ...none, warnings: [`--${NAME} is not needed: ${title} lets the pod go by its labels`] }
  }
  if (isMirror(found.reference)) return undefined
  const why = await trial(() => sendDetach(context, suspect, target.pod, found, { dryRun: true }))
  return {
    ...none,
    changes: [`- ownerReference ${title} of the pod`, `~ annotation ${KEY}: the reference, for the release`],
    warnings: [`${title} no longer owns the pod: it may make another, and deleting it leaves the suspect`],
    refusals: why === undefined ? [] : [{ code: 'admission', message: `${NAME}: ${why}` }],
  }
}

async function detach(context: WriteContext, suspect: Suspect): Promise<void> {
  await converge(context.run, async () => {
    const pod = await readPod(context.kube, suspect, context.run.signal)
    const found = controller(pod)
    if (found === undefined || letsGo(found.reference) || isMirror(found.reference)) return 'done'
    return { write: () => sendDetach(context, suspect, pod, found, { dryRun: false }) }
  })
}

async function verify(context: ReadContext, section: ActionPlan, suspect: Suspect): Promise<Finding> {
  const pod = await readPodIfThere(context, suspect)
  if (pod === undefined || section.changes.length === 0) return { tried: [], open: [] }
  const found = controller(pod)
  return found === undefined
    ? { tried: ['read back: the ownerReference is taken off'], open: [] }
    : { tried: [], open: [], broken: `${titleOf(found.reference)} owns the pod, although it was taken off` }
}

async function undo(
  context: WriteContext,
  suspect: Suspect,
  entries: readonly JournalEntry[],
  { dryRun }: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const pod = await readPodIfThere(context, suspect)
  const reference = pod === undefined ? undefined : (journalled(entries) ?? keptReference(pod))
  if (pod === undefined || reference === undefined) return { done: [], left: [] }
  const title = titleOf(reference)
  const because = await whyNotBack(context, suspect, pod, reference)
  const report: UndoReport =
    because === undefined
      ? { done: [`+ ownerReference ${title} of the pod`], left: [] }
      : { done: [], left: because === '' ? [] : [`ownerReference ${title} is not put back: ${because}`] }
  if (dryRun) return report
  try {
    await attach(context, suspect, because === undefined ? reference : undefined)
    return report
  } catch (error) {
    // a cluster may let nobody name an owner whose finalizers he may not set
    if (because !== undefined || !isCode(error, 'forbidden', 'invalid')) throw error
    await attach(context, suspect, undefined)
    return { done: [], left: [`ownerReference ${title} is not put back: ${error.message}`] }
  }
}

/** Undefined where it can be put back; '' where the owner has the pod again by itself. */
async function whyNotBack(
  { kube, run }: ReadContext,
  { namespace }: Suspect,
  pod: Pod,
  reference: JsonObject,
): Promise<string | undefined> {
  const now = controller(pod)?.reference
  if (now !== undefined) return now.uid === reference['uid'] ? '' : `${titleOf(now)} controls the pod now`
  const owner = await readOwner(kube, reference, namespace, run.signal)
  return 'why' in owner
    ? `its owner can't be seen (${owner.why}), and the pod of an owner that is gone is deleted`
    : undefined
}

/** Takes the annotation off and, with a reference, puts that back, in one patch. */
async function attach(
  context: WriteContext,
  suspect: Suspect,
  reference: JsonObject | undefined,
): Promise<void> {
  await converge(context.run, async () => {
    const pod = await readPodIfThere(context, suspect)
    if (pod === undefined) return 'done'
    const marked = pod.metadata?.annotations?.[KEY] !== undefined
    const back = reference !== undefined && controller(pod) === undefined ? reference : undefined
    if (!marked && back === undefined) return 'done'
    const bare = (pod.metadata?.ownerReferences ?? []).length === 0
    const patch: JsonPatch = [
      ...unchanged(pod),
      ...(marked ? [{ op: 'remove' as const, path: POINTER }] : []),
      ...(back === undefined
        ? []
        : [
            bare
              ? { op: 'add' as const, path: '/metadata/ownerReferences', value: [back] }
              : { op: 'add' as const, path: '/metadata/ownerReferences/-', value: back },
          ]),
    ]
    return { write: () => send(context, suspect, 'attach', patch, reference ?? null, { dryRun: false }) }
  })
}

interface Controller {
  readonly index: number
  readonly reference: OwnerReference
}

function controller(pod: Pod): Controller | undefined {
  const all = pod.metadata?.ownerReferences ?? []
  const index = all.findIndex((one) => one.controller === true)
  const reference = all[index]
  return reference === undefined ? undefined : { index, reference }
}

function titleOf(reference: OwnerReference | JsonObject): string {
  return `${asString(at(reference, 'kind')) ?? ''} ${asString(at(reference, 'name')) ?? ''}`
}

function sendDetach(
  context: WriteContext,
  suspect: Suspect,
  pod: Pod,
  { index, reference }: Controller,
  mode: { readonly dryRun: boolean },
): Promise<unknown> {
  const owner = reference as unknown as JsonObject
  const bare = pod.metadata?.annotations === undefined
  const patch: JsonPatch = [
    ...unchanged(pod),
    ...(bare ? [{ op: 'add' as const, path: '/metadata/annotations', value: {} }] : []),
    { op: 'add', path: POINTER, value: JSON.stringify(owner) },
    { op: 'test', path: `/metadata/ownerReferences/${index}/uid`, value: reference.uid ?? '' },
    { op: 'remove', path: `/metadata/ownerReferences/${index}` },
  ]
  return send(context, suspect, 'detach', patch, owner, mode)
}

/** The reference that the journal says was taken off and not put back. */
function journalled(entries: readonly JournalEntry[]): JsonObject | undefined {
  const last = entries.findLast(({ outcome }) => outcome?.status === undefined || outcome.status < 400)
  return last?.intent.step === 'detach' ? asObject(at(last.intent.prior, 'owner')) : undefined
}

/** Without a journal the pod's own annotation says it. */
function keptReference(pod: Pod): JsonObject | undefined {
  try {
    return asObject(JSON.parse(pod.metadata?.annotations?.[KEY] ?? 'null'))
  } catch {
    return undefined
  }
}

const POINTER = `/metadata/annotations/${KEY.replaceAll('/', '~1')}`

function unchanged(pod: Pod): JsonPatch {
  return [
    { op: 'test', path: '/metadata/uid', value: pod.metadata?.uid ?? '' },
    { op: 'test', path: '/metadata/resourceVersion', value: pod.metadata?.resourceVersion ?? '' },
  ]
}

function send(
  { writer, run }: WriteContext,
  { namespace, name, uid, case: caseName }: Suspect,
  step: 'detach' | 'attach',
  patch: JsonPatch,
  owner: Json,
  { dryRun }: { readonly dryRun: boolean },
): Promise<unknown> {
  return writer.patch(podPath(namespace, name), patch, {
    signal: run.signal,
    action: NAME,
    step,
    target: { namespace, name, uid },
    prior: { case: caseName, owner },
    dryRun,
  })
}
