import type { ApiPath } from '../model/api-path.js'
import type { JournalEntry, Suspect, WriteContext } from '../model/containment.js'
import { asString, at, type Json, type JsonObject } from '../model/json.js'
import type { KubeObject } from '../model/kubernetes.js'
import type { JsonPatch } from '../model/ports/kube-writer.js'
import { uid8 } from '../model/target.js'

/**
 * An object that is not ours and that several suspects may need changed: a node, a binding. For each it carries one annotation,
 * so that the change is taken back with the last of them, also by who has no journal.
 */
export interface SharedMark {
  /** 'impound.dev/cordon-1f3a9c02'. */
  readonly key: string
  readonly value: string
}

export function markKey(action: string, suspect: Suspect): string {
  return `impound.dev/${action}-${uid8(suspect)}`
}

/** What the object says of this action, by every suspect; sorted by key. */
export function marksOn({ metadata }: KubeObject, action: string): readonly SharedMark[] {
  return Object.entries(metadata?.annotations ?? {})
    .filter(([key]) => key.startsWith(`impound.dev/${action}-`))
    .map(([key, value]) => ({ key, value }))
    .sort((left, right) => (left.key < right.key ? -1 : 1))
}

/** The operations that put a mark on: nothing where it stands. */
export function addMark({ metadata }: KubeObject, { key, value }: SharedMark): JsonPatch {
  const annotations = metadata?.annotations
  if (annotations?.[key] === value) return []
  return [
    ...(annotations === undefined
      ? [{ op: 'add' as const, path: '/metadata/annotations', value: {} as JsonObject }]
      : []),
    { op: 'add', path: annotationPointer(key), value },
  ]
}

export function removeMark({ metadata }: KubeObject, key: string): JsonPatch {
  return metadata?.annotations?.[key] === undefined ? [] : [{ op: 'remove', path: annotationPointer(key) }]
}

/** Sends the operations for the object as it was read: one that somebody changed meanwhile is a `conflict`. */
export function patchShared(
  { writer, run }: WriteContext,
  { namespace, name, uid, case: caseName }: Suspect,
  action: string,
  step: string,
  of: { readonly path: ApiPath & { readonly name: string }; readonly object: KubeObject },
  operations: JsonPatch,
  { prior, dryRun = false }: { readonly prior: JsonObject; readonly dryRun?: boolean },
): Promise<unknown> {
  const patch: JsonPatch = [
    { op: 'test', path: '/metadata/uid', value: of.object.metadata?.uid ?? '' },
    // a node's moves on by itself, and then it is read again
    { op: 'test', path: '/metadata/resourceVersion', value: of.object.metadata?.resourceVersion ?? '' },
    ...operations,
  ]
  return writer.patch(of.path, patch, {
    signal: run.signal,
    action,
    step,
    target: { namespace, name, uid },
    prior: { case: caseName, object: objectName(of.path), ...prior },
    dryRun,
  })
}

/** Objects that the journal says were changed and not changed back, or whose answer was lost: by {@link objectName}. */
export function changedBy(entries: readonly JournalEntry[], applyStep: string): ReadonlyMap<string, Json> {
  const standing = new Map<string, Json>()
  for (const { intent, outcome } of entries) {
    if (outcome?.status !== undefined && outcome.status >= 400) continue
    const name = asString(at(intent.prior, 'object'))
    if (name === undefined) continue
    if (intent.step === applyStep) standing.set(name, intent.prior ?? null)
    else if (outcome?.status !== undefined) standing.delete(name)
  }
  return standing
}

/** 'nodes/ip-10-0-3-7', 'rolebindings/shop/web'. */
export function objectName({ resource, namespace, name }: ApiPath): string {
  return [resource, ...(namespace === undefined ? [] : [namespace]), name ?? ''].join('/')
}

/** RFC 6901. */
function annotationPointer(key: string): string {
  return `/metadata/annotations/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
