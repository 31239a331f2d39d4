import { podPath } from '../model/api-path.js'
import type { Suspect, WriteContext } from '../model/containment.js'
import type { Json } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import type { JsonPatch, WriteOptions } from '../model/ports/kube-writer.js'
import type { RawResponse } from '../model/ports/kube-reader.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import { uid8 } from '../model/target.js'
import { denyAllManifest, policiesPath } from './deny-all.js'

export const ACTION = 'quarantine'

/** The writes of a quarantine and of its release, as the journal names them, in the order in which they are sent. */
export type ApplyStep = 'lock' | 'policy' | 'label' | 'relabel'
export type ReleaseStep = 'restore-labels' | 'delete-policy' | 'unlock'

export interface WriteMode {
  readonly dryRun: boolean
}

/** Says what a patch finds where it writes, so that it fails where somebody wrote meanwhile. */
export function lockPod(
  context: WriteContext,
  suspect: Suspect,
  pod: Pod,
  value: string,
  mode: WriteMode,
): Promise<RawResponse> {
  const patch: JsonPatch = [
    ...unchanged(pod),
    ...(pod.metadata?.annotations === undefined ? [addMap('annotations')] : []),
    { op: 'add', path: pointer('annotations', QUARANTINE_KEY), value },
  ]
  return patchPod(context, suspect, 'lock', patch, { prior: { case: suspect.case, annotation: null } }, mode)
}

export function createDenyAll(
  context: WriteContext,
  suspect: Suspect,
  mode: WriteMode,
): Promise<RawResponse> {
  return context.writer.create(
    policiesPath(suspect.namespace),
    denyAllManifest(suspect, suspect.case),
    options(context, suspect, 'policy', { prior: { case: suspect.case, policy: null } }, mode),
  )
}

export function addQuarantineLabel(
  context: WriteContext,
  suspect: Suspect,
  pod: Pod,
  mode: WriteMode,
): Promise<RawResponse> {
  const before = pod.metadata?.labels?.[QUARANTINE_KEY] ?? null
  const patch: JsonPatch = [
    // where there is no map yet, only the whole object's version shows that none came meanwhile
    ...(pod.metadata?.labels === undefined ? [...unchanged(pod), addMap('labels')] : [sameUid(suspect)]),
    ...(before === null ? [] : [testLabel(QUARANTINE_KEY, before)]),
    { op: 'add', path: pointer('labels', QUARANTINE_KEY), value: uid8(suspect) },
  ]
  return patchPod(context, suspect, 'label', patch, { prior: { case: suspect.case, label: before } }, mode)
}

/** Takes labels off in one patch that fails where one of them, the pod or our label is no longer what was read. */
export function removeLabels(
  context: WriteContext,
  suspect: Suspect,
  labels: Readonly<Record<string, string>>,
  mode: WriteMode,
): Promise<RawResponse> {
  const entries = Object.entries(labels)
  const patch: JsonPatch = [
    sameUid(suspect),
    // a dry run comes before the label is on
    ...(mode.dryRun ? [] : [testLabel(QUARANTINE_KEY, uid8(suspect))]),
    ...entries.map(([key, value]) => testLabel(key, value)),
    ...entries.map(([key]) => ({ op: 'remove' as const, path: pointer('labels', key) })),
  ]
  return patchPod(context, suspect, 'relabel', patch, { prior: { case: suspect.case, labels } }, mode)
}

/** Puts labels back and, in the same patch, takes the quarantine label off or gives it its earlier value. */
export function restoreLabels(
  context: WriteContext,
  suspect: Suspect,
  pod: Pod,
  restore: Readonly<Record<string, string>>,
  quarantineLabel: 'leave' | 'remove' | { readonly value: string },
): Promise<RawResponse> {
  const path = pointer('labels', QUARANTINE_KEY)
  const patch: JsonPatch = [
    ...unchanged(pod),
    ...(pod.metadata?.labels === undefined ? [addMap('labels')] : []),
    ...Object.entries(restore).map(([key, value]) => ({
      op: 'add' as const,
      path: pointer('labels', key),
      value,
    })),
    ...(quarantineLabel === 'leave'
      ? []
      : quarantineLabel === 'remove'
        ? [{ op: 'remove' as const, path }]
        : [{ op: 'replace' as const, path, value: quarantineLabel.value }]),
  ]
  const prior = { case: suspect.case, labels: pod.metadata?.labels ?? {} }
  return patchPod(context, suspect, 'restore-labels', patch, { prior }, { dryRun: false })
}

export function deleteDenyAll(
  context: WriteContext,
  suspect: Suspect,
  policy: { readonly name: string; readonly uid: string; readonly manifest: Json },
): Promise<RawResponse> {
  const prior = { case: suspect.case, policy: policy.manifest }
  return context.writer.delete(policiesPath(suspect.namespace, policy.name), {
    ...options(context, suspect, 'delete-policy', { prior }, { dryRun: false }),
    uid: policy.uid,
  })
}

export function unlockPod(context: WriteContext, suspect: Suspect, value: string): Promise<RawResponse> {
  const path = pointer('annotations', QUARANTINE_KEY)
  const patch: JsonPatch = [sameUid(suspect), { op: 'test', path, value }, { op: 'remove', path }]
  return patchPod(
    context,
    suspect,
    'unlock',
    patch,
    { prior: { case: suspect.case, annotation: value } },
    { dryRun: false },
  )
}

function patchPod(
  context: WriteContext,
  suspect: Suspect,
  step: ApplyStep | ReleaseStep,
  patch: JsonPatch,
  journal: { readonly prior: Json },
  mode: WriteMode,
): Promise<RawResponse> {
  return context.writer.patch(
    podPath(suspect.namespace, suspect.name),
    patch,
    options(context, suspect, step, journal, mode),
  )
}

function options(
  context: WriteContext,
  { namespace, name, uid }: Suspect,
  step: ApplyStep | ReleaseStep,
  journal: { readonly prior: Json },
  mode: WriteMode,
): WriteOptions {
  return {
    signal: context.run.signal,
    action: ACTION,
    step,
    target: { namespace, name, uid },
    prior: journal.prior,
    dryRun: mode.dryRun,
  }
}

function unchanged(pod: Pod): JsonPatch {
  return [
    { op: 'test', path: '/metadata/uid', value: pod.metadata?.uid ?? '' },
    { op: 'test', path: '/metadata/resourceVersion', value: pod.metadata?.resourceVersion ?? '' },
  ]
}

function sameUid({ uid }: Suspect): JsonPatch[number] {
  return { op: 'test', path: '/metadata/uid', value: uid }
}

function testLabel(key: string, value: string): JsonPatch[number] {
  return { op: 'test', path: pointer('labels', key), value }
}

function addMap(map: 'labels' | 'annotations'): JsonPatch[number] {
  return { op: 'add', path: `/metadata/${map}`, value: {} }
}

/** RFC 6901. */
function pointer(map: 'labels' | 'annotations', key: string): string {
  return `/metadata/${map}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
