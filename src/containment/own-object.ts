import type { ApiPath } from '../model/api-path.js'
import type { JournalEntry, ReadContext, Suspect, UndoReport, WriteContext } from '../model/containment.js'
import { ImpoundError } from '../model/errors.js'
import { asArray, asObject, type Json, type JsonObject } from '../model/json.js'
import type { KubeObject } from '../model/kubernetes.js'
import type { WriteOptions } from '../model/ports/kube-writer.js'
import { converge } from './converge.js'
import { caseMarks, marksOf } from './marks.js'
import { readObject } from './reading.js'

/** An object that a quarantine creates beside its NetworkPolicy, and that release deletes again. */
export interface OwnObject {
  /** The action that makes it. */
  readonly action: string
  readonly kind: string
  readonly path: ApiPath & { readonly name: string }
  readonly spec: JsonObject
}

/** 'PodDisruptionBudget shop/impound-1f3a9c02'. */
export function titleOf({ kind, path }: OwnObject): string {
  return `${kind} ${path.namespace === undefined ? '' : `${path.namespace}/`}${path.name}`
}

/** Creates it, if it is not there; one of that name that is not ours is left alone (throws `refused`). */
export async function createOwn(context: WriteContext, suspect: Suspect, own: OwnObject): Promise<void> {
  await converge(context.run, async () => {
    const found = await readObject<KubeObject>(context.kube, own.path, context.run.signal)
    if (found === undefined) return { write: () => sendCreate(context, suspect, own, { dryRun: false }) }
    if (isOwn(found, suspect, own)) return 'done'
    throw new ImpoundError('refused', `${titleOf(own)} is there and is not what this case created`)
  })
}

export function sendCreate(
  context: WriteContext,
  suspect: Suspect,
  own: OwnObject,
  { dryRun }: { readonly dryRun: boolean },
): Promise<unknown> {
  const { name, ...collection } = own.path
  const { group, version, namespace } = own.path
  const manifest: JsonObject = {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind: own.kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...caseMarks(suspect) },
    spec: own.spec,
  }
  return context.writer.create(collection, manifest, options(context, suspect, own, 'create', null, dryRun))
}

/** Whether it stands as it was made. */
export async function standsOwn(
  { kube, run }: ReadContext,
  suspect: Suspect,
  own: OwnObject,
): Promise<boolean> {
  const found = await readObject<KubeObject>(kube, own.path, run.signal)
  return found !== undefined && isOwn(found, suspect, own)
}

/** Deletes it where it still is what this case made; one that somebody changed stays, and is named. */
export async function deleteOwn(
  context: WriteContext,
  suspect: Suspect,
  own: OwnObject,
  entries: readonly JournalEntry[],
  { dryRun }: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const read = (): Promise<KubeObject | undefined> =>
    readObject<KubeObject>(context.kube, own.path, context.run.signal)
  const found = await read()
  if (found === undefined) {
    return { done: [], left: stood(own, entries) ? [`${titleOf(own)} is gone: somebody deleted it`] : [] }
  }
  if (!isOwn(found, suspect, own)) {
    const ours = marksOf(found).uid === suspect.uid
    return { done: [], left: ours ? [`${titleOf(own)} was changed by somebody else`] : [] }
  }
  if (!dryRun) {
    await converge(context.run, async () => {
      const now = await read()
      if (now === undefined || !isOwn(now, suspect, own)) return 'done'
      const uid = now.metadata?.uid ?? ''
      const prior = now as unknown as Json
      return {
        write: () =>
          context.writer.delete(own.path, {
            ...options(context, suspect, own, 'delete', prior, false),
            uid,
          }),
      }
    })
  }
  return { done: [`- ${titleOf(own)}`], left: [] }
}

/** Ours by its marks, and saying what it was made to say; fields that the server adds don't count. */
function isOwn(found: KubeObject, suspect: Suspect, own: OwnObject): boolean {
  const marks = marksOf(found)
  return (
    marks.uid === suspect.uid &&
    marks.case === suspect.case &&
    found.metadata?.deletionTimestamp === undefined &&
    contains((found as unknown as { readonly spec?: Json }).spec ?? null, own.spec)
  )
}

/** Whether the journal says that it was created and not deleted again. */
function stood(own: OwnObject, entries: readonly JournalEntry[]): boolean {
  const [create, away] = [`create ${own.kind}`, `delete ${own.kind}`]
  const last = entries.findLast(({ intent, outcome }) => {
    if (outcome?.status !== undefined) return outcome.status < 400 && [create, away].includes(intent.step)
    // one without an answer may have deleted it
    return intent.step === away
  })
  return last?.intent.step === create
}

function contains(found: Json, wanted: Json): boolean {
  if (Array.isArray(wanted)) {
    const list = asArray(found)
    return list.length === wanted.length && wanted.every((item: Json, at) => contains(list[at] ?? null, item))
  }
  const object = asObject(wanted)
  if (object === undefined) return found === wanted
  const other = asObject(found)
  return (
    other !== undefined && Object.entries(object).every(([key, value]) => contains(other[key] ?? null, value))
  )
}

function options(
  { run }: WriteContext,
  { namespace, name, uid, case: caseName }: Suspect,
  { action, kind }: OwnObject,
  step: 'create' | 'delete',
  prior: Json,
  dryRun: boolean,
): WriteOptions {
  return {
    signal: run.signal,
    action,
    step: `${step} ${kind}`,
    target: { namespace, name, uid },
    prior: { case: caseName, object: prior },
    dryRun,
  }
}
