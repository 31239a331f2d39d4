import type { JournalEntry, Suspect } from '../model/containment.js'
import { urlPath, podPath } from '../model/api-path.js'
import { asArray, asString, asStringMap, at, type Json } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import { uid8 } from '../model/target.js'
import { denyAllManifest, policiesPath } from './deny-all.js'
import { lockOf, type Lock } from './lock.js'
import { ACTION, type ApplyStep, type ReleaseStep } from './writes.js'

/** What a quarantine has done to one pod, and so what a release has to take back. */
export interface Hold {
  readonly suspect: Suspect
  /** The annotation's value as we wrote it. */
  readonly lock: string | undefined
  /** That the deny-all was created; the UID that the server gave it, where the answer came. */
  readonly policy: { readonly uid: string | undefined } | undefined
  /** The quarantine label was put on; the value that it had before, if somebody had set one. */
  readonly label: { readonly before: string | undefined } | undefined
  /** Labels that were taken off, with the value that each had. */
  readonly removed: Readonly<Record<string, string>>
  /** Whether something was done beside the quarantine, by the actions. */
  readonly beside: boolean
  /** Whether some of it is known from the pod's annotation alone, which others can edit. */
  readonly fromAnnotation: boolean
}

const FROM_ANNOTATION = 'from-annotation'

/**
 * The holds that a journal leaves behind, by pod. A write that the server refused did nothing; one whose answer was lost
 * may have been done, and counts: a release looks at each thing before it takes it back. A release's own writes end what
 * they took back.
 */
export function holdsOf(entries: readonly JournalEntry[]): readonly Hold[] {
  const holds = new Map<string, Hold>()
  for (const { intent, outcome } of entries) {
    if (intent.target === undefined) continue
    if (outcome?.status !== undefined && outcome.status >= 400) continue
    const { target } = intent
    const earlier = holds.get(target.uid)
    const suspect = { ...target, case: asString(at(intent.prior, 'case')) ?? earlier?.suspect.case ?? '' }
    // a pod that was released and is held again may be another case's now
    const hold = { ...(earlier ?? emptyHold(suspect)), suspect }
    if (intent.action !== ACTION) {
      holds.set(target.uid, { ...hold, beside: true })
      continue
    }
    const answered = outcome?.status !== undefined
    const next = after(hold, intent.step as ApplyStep | ReleaseStep, intent, answered, outcome?.uid)
    holds.set(target.uid, {
      ...next,
      fromAnnotation: next.fromAnnotation || intent.id.startsWith(FROM_ANNOTATION),
    })
  }
  return [...holds.values()].filter(
    ({ lock, policy, label, removed, beside }) =>
      lock !== undefined ||
      policy !== undefined ||
      label !== undefined ||
      Object.keys(removed).length > 0 ||
      beside,
  )
}

function emptyHold(suspect: Suspect): Hold {
  return {
    suspect,
    lock: undefined,
    policy: undefined,
    label: undefined,
    removed: {},
    beside: false,
    fromAnnotation: false,
  }
}

function after(
  hold: Hold,
  step: ApplyStep | ReleaseStep,
  { body, prior }: JournalEntry['intent'],
  answered: boolean,
  uid: string | undefined,
): Hold {
  switch (step) {
    case 'lock': {
      const value = addedValue(body, `/metadata/annotations/${QUARANTINE_KEY.replaceAll('/', '~1')}`)
      return value === undefined ? hold : { ...hold, lock: value }
    }
    case 'policy':
      return { ...hold, policy: { uid } }
    case 'label':
      // put on twice, the value before the first is the one that was there before us
      return { ...hold, label: hold.label ?? { before: asString(at(prior, 'label')) } }
    case 'relabel':
      return { ...hold, removed: { ...hold.removed, ...asStringMap(at(prior, 'labels')) } }
    case 'restore-labels':
      return answered ? { ...hold, label: undefined, removed: {} } : hold
    case 'delete-policy':
      return answered ? { ...hold, policy: undefined } : hold
    case 'unlock':
      return answered ? { ...hold, lock: undefined } : hold
    default:
      return hold
  }
}

function addedValue(patch: unknown, path: string): string | undefined {
  const operation = asArray(patch).find((each) => at(each, 'op') === 'add' && at(each, 'path') === path)
  return asString(at(operation, 'value'))
}

/**
 * The journal that the pod's annotation stands for, where no better one is left: empty if the pod carries no lock. Whoever
 * could edit the pod could edit it: show what it would restore, and ask, before it is used.
 */
export function entriesFromAnnotation(pod: Pod): readonly JournalEntry[] {
  const found = lockOf(pod)
  if (found.state !== 'held') return []
  const { namespace = '', name = '', uid = '', labels = {} } = pod.metadata ?? {}
  const suspect: Suspect = { namespace, name, uid, case: found.lock.case }
  const gone = Object.fromEntries(
    Object.entries(found.lock.labels).filter(
      ([key]) => key !== QUARANTINE_KEY && !Object.hasOwn(labels, key),
    ),
  )
  const marked = labels[QUARANTINE_KEY] === uid8(suspect)
  const pods = urlPath(podPath(namespace, name))
  const pointer = `/metadata/annotations/${QUARANTINE_KEY.replaceAll('/', '~1')}`
  const before = found.lock.labels[QUARANTINE_KEY] ?? null
  return [
    synthetic(suspect, 'lock', 'PATCH', pods, { annotation: null }, [
      { op: 'add', path: pointer, value: found.value },
    ]),
    synthetic(
      suspect,
      'policy',
      'POST',
      urlPath(policiesPath(namespace)),
      { policy: null },
      denyAllManifest(suspect, suspect.case),
    ),
    ...(marked ? [synthetic(suspect, 'label', 'PATCH', pods, { label: before }, [])] : []),
    ...(Object.keys(gone).length === 0
      ? []
      : [synthetic(suspect, 'relabel', 'PATCH', pods, { labels: gone }, [])]),
  ]
}

function synthetic(
  { namespace, name, uid, case: caseName }: Suspect,
  step: ApplyStep,
  method: 'PATCH' | 'POST',
  path: string,
  prior: Readonly<Record<string, Json>>,
  body: Json,
): JournalEntry {
  return {
    intent: {
      id: `${FROM_ANNOTATION}-${step}`,
      action: ACTION,
      step,
      method,
      path,
      body,
      prior: { case: caseName, ...prior },
      auditId: '',
      target: { namespace, name, uid },
    },
  }
}

/**
 * A hold with what an earlier run on another machine did, whose journal is not here: where ours never wrote the lock, the
 * pod's annotation of the same case says what came before.
 */
export function completeHold(hold: Hold, pod: Pod): Hold {
  const found = lockOf(pod)
  if (hold.lock !== undefined || found.state !== 'held' || found.lock.case !== hold.suspect.case) return hold
  const [said] = holdsOf(entriesFromAnnotation(pod))
  return said === undefined
    ? hold
    : {
        suspect: hold.suspect,
        lock: said.lock,
        policy: hold.policy ?? said.policy,
        label: hold.label ?? said.label,
        removed: { ...said.removed, ...hold.removed },
        beside: hold.beside,
        fromAnnotation: true,
      }
}

/** What the lock that we wrote says of the pod before: its labels, and the controller that held it. */
export function lockedBefore({ lock }: Hold): Lock | undefined {
  if (lock === undefined) return undefined
  const found = lockOf({ metadata: { annotations: { [QUARANTINE_KEY]: lock } } })
  return found.state === 'held' ? found.lock : undefined
}
