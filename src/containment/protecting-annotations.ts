import { podPath } from '../model/api-path.js'
import type { JournalEntry, ReadContext, Suspect, UndoReport, WriteContext } from '../model/containment.js'
import { isCode } from '../model/errors.js'
import { asObject, asString, at } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import type { JsonPatch } from '../model/ports/kube-writer.js'
import { converge } from './converge.js'
import { lockOf } from './lock.js'
import { readPod } from './reading.js'

/** What cluster-autoscaler and Karpenter leave a pod alone by. Source: their documentation. */
export const PROTECTING: readonly (readonly [key: string, value: string])[] = [
  ['cluster-autoscaler.kubernetes.io/safe-to-evict', 'false'],
  ['karpenter.sh/do-not-disrupt', 'true'],
]

type Prior = Readonly<Record<string, string | null>>

/** Those that the pod lacks, or has with another value. */
export function missingAnnotations(pod: Pod): typeof PROTECTING {
  return PROTECTING.filter(([key, value]) => pod.metadata?.annotations?.[key] !== value)
}

/** What stands at them now, for the lock: with the journal gone, it alone knows what came before. */
export function protectingBefore(pod: Pod): Readonly<Record<string, string>> {
  const annotations = pod.metadata?.annotations ?? {}
  return Object.fromEntries(
    PROTECTING.flatMap(([key]) => (annotations[key] === undefined ? [] : [[key, annotations[key]]])),
  )
}

export async function annotateProtected(
  context: WriteContext,
  action: string,
  suspect: Suspect,
): Promise<void> {
  await converge(context.run, async () => {
    const pod = await readPod(context.kube, suspect, context.run.signal)
    const missing = missingAnnotations(pod)
    if (missing.length === 0) return 'done'
    const now = pod.metadata?.annotations
    const prior: Prior = Object.fromEntries(missing.map(([key]) => [key, now?.[key] ?? null]))
    const patch: JsonPatch = [
      ...unchanged(pod),
      ...(now === undefined ? [{ op: 'add' as const, path: '/metadata/annotations', value: {} }] : []),
      ...missing.map(([key, value]) => ({ op: 'add' as const, path: pointer(key), value })),
    ]
    return { write: () => send(context, action, suspect, 'annotate', patch, prior) }
  })
}

/** Puts back what stood there before; a value that is no longer ours stays, and is named. */
export async function unannotate(
  context: WriteContext,
  action: string,
  suspect: Suspect,
  entries: readonly JournalEntry[],
  { dryRun }: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const pod = await readPodIfThere(context, suspect)
  const prior = priorOf(entries) ?? (pod === undefined ? undefined : priorInLock(pod, suspect))
  if (pod === undefined || prior === undefined) return { done: [], left: [] }
  const due = ours(pod, prior)
  const others = Object.keys(prior).filter((key) => !due.includes(key))
  const asBefore = (key: string): boolean => (pod.metadata?.annotations?.[key] ?? null) === prior[key]
  const left = [
    ...others.filter((key) => !asBefore(key)).map((key) => `annotation ${key} was changed by somebody else`),
    ...others
      .filter((key) => asBefore(key) && stood(entries))
      .map((key) => `annotation ${key} is as it was before: somebody else took ours off`),
  ]
  if (!dryRun && due.length > 0) {
    await converge(context.run, async () => {
      const now = await readPod(context.kube, suspect, context.run.signal)
      const keys = ours(now, prior)
      if (keys.length === 0) return 'done'
      const patch: JsonPatch = [
        ...unchanged(now),
        ...keys.map((key) => {
          const value = prior[key] ?? null
          return value === null
            ? { op: 'remove' as const, path: pointer(key) }
            : { op: 'replace' as const, path: pointer(key), value }
        }),
      ]
      return { write: () => send(context, action, suspect, 'unannotate', patch, prior) }
    })
  }
  return { done: due.length === 0 ? [] : [`~ annotations as before: ${due.join(', ')}`], left }
}

export async function readPodIfThere({ kube, run }: ReadContext, suspect: Suspect): Promise<Pod | undefined> {
  try {
    return await readPod(kube, suspect, run.signal)
  } catch (error) {
    if (isCode(error, 'target-changed')) return undefined
    throw error
  }
}

/** Of those with a prior value, the ones that still say what we made them say. */
function ours(pod: Pod, prior: Prior): readonly string[] {
  return PROTECTING.filter(
    ([key, value]) => Object.hasOwn(prior, key) && pod.metadata?.annotations?.[key] === value,
  ).map(([key]) => key)
}

/** What stood there before the first of our writes; undefined where there was none, or it was taken back. */
function priorOf(entries: readonly JournalEntry[]): Prior | undefined {
  let prior: Prior | undefined
  for (const { intent, outcome } of entries) {
    const refused = outcome?.status !== undefined && outcome.status >= 400
    if (refused) continue
    const said = asObject(at(intent.prior, 'annotations'))
    if (intent.step === 'annotate' && said !== undefined) prior = { ...stringsOrNull(said), ...prior }
    if (intent.step === 'unannotate' && outcome?.status !== undefined) prior = undefined
  }
  return prior
}

/** Whether the last write of them was confirmed, and is not one that took them off: one without an answer may have. */
function stood(entries: readonly JournalEntry[]): boolean {
  const steps = ['annotate', 'unannotate']
  const last = entries.findLast(
    ({ intent, outcome }) => steps.includes(intent.step) && (outcome?.status ?? 0) < 400,
  )
  return last?.intent.step === 'annotate' && last.outcome?.status !== undefined
}

function priorInLock(pod: Pod, suspect: Suspect): Prior | undefined {
  const found = lockOf(pod)
  if (found.state !== 'held' || found.lock.case !== suspect.case) return undefined
  const { annotations } = found.lock
  if (annotations === undefined) return undefined
  const set = PROTECTING.filter(([key, value]) => annotations[key] !== value)
  return Object.fromEntries(set.map(([key]) => [key, annotations[key] ?? null]))
}

function stringsOrNull(said: object): Prior {
  return Object.fromEntries(Object.entries(said).map(([key, value]) => [key, asString(value) ?? null]))
}

function unchanged(pod: Pod): JsonPatch {
  return [
    { op: 'test', path: '/metadata/uid', value: pod.metadata?.uid ?? '' },
    { op: 'test', path: '/metadata/resourceVersion', value: pod.metadata?.resourceVersion ?? '' },
  ]
}

function send(
  { writer, run }: WriteContext,
  action: string,
  { namespace, name, uid, case: caseName }: Suspect,
  step: 'annotate' | 'unannotate',
  patch: JsonPatch,
  annotations: Prior,
): Promise<unknown> {
  return writer.patch(podPath(namespace, name), patch, {
    signal: run.signal,
    action,
    step,
    target: { namespace, name, uid },
    prior: { case: caseName, annotations },
  })
}

/** RFC 6901. */
function pointer(key: string): string {
  return `/metadata/annotations/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
