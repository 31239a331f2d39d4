import type { Suspect } from '../model/containment.js'
import { asArray, asObject, asString, at, type Json } from '../model/json.js'
import type { JsonPatch } from '../model/ports/kube-writer.js'
import { isAccount, subjectsOf, type Account, type Binding } from './account-bindings.js'
import { addMark, markKey, marksOn, removeMark } from './shared-object.js'

export const NAME = 'detach-bindings'

/** Subjects that were taken off one binding, each with its place in the list. */
interface Detached {
  readonly account: Account
  readonly subjects: readonly { readonly at: number; readonly subject: Json }[]
}

/** Takes the account off and says on the binding what was there, for this suspect; nothing where it stands so. */
export function detachPatch(binding: Binding, suspect: Suspect, account: Account): JsonPatch {
  const subjects = subjectsOf(binding)
  const namespace = binding.metadata?.namespace
  const gone = subjects.flatMap((subject, index) =>
    isAccount(subject, account, namespace) ? [{ at: index, subject }] : [],
  )
  const own = detachedFor(binding, suspect)
  if (gone.length === 0) {
    // another suspect of the same account took it off: it comes back with the last of them
    const other = own === undefined ? othersOf(binding, suspect, account)[0] : undefined
    return other === undefined ? [] : addMark(binding, mark(suspect, other))
  }
  const left = subjects.filter((subject) => !isAccount(subject, account, namespace))
  const before = (own?.subjects ?? []).filter(
    ({ subject }) => !gone.some((one) => same(one.subject, subject)),
  )
  return [
    ...addMark(binding, mark(suspect, { account, subjects: [...before, ...gone] })),
    left.length === 0
      ? { op: 'remove', path: '/subjects' }
      : { op: 'replace', path: '/subjects', value: left as Json },
  ]
}

export interface Attach {
  readonly patch: JsonPatch
  /** `back`: the subjects come back; `shared`: another suspect still needs them gone; `was-back`: somebody put them back. */
  readonly how: 'back' | 'shared' | 'was-back'
}

/**
 * Puts back what was taken off for this suspect; undefined where the binding says nothing of it. Nothing but its own account is put
 * on, whatever the annotation says: others may have edited it.
 */
export function attachPatch(binding: Binding, suspect: Suspect, account: Account): Attach | undefined {
  const key = markKey(NAME, suspect)
  const detached = detachedFor(binding, suspect)
  if (detached === undefined) return undefined
  if (othersOf(binding, suspect, account).length > 0) {
    return { patch: removeMark(binding, key), how: 'shared' }
  }
  const now = [...subjectsOf(binding)]
  const missing = detached.subjects
    .filter(({ subject }) => isAccount(subject, account, binding.metadata?.namespace))
    .filter(({ subject }) => !now.some((one) => same(one, subject)))
    .sort((left, right) => left.at - right.at)
  if (missing.length === 0) return { patch: removeMark(binding, key), how: 'was-back' }
  for (const { at: index, subject } of missing) now.splice(Math.min(index, now.length), 0, subject)
  return {
    patch: [...removeMark(binding, key), { op: 'add', path: '/subjects', value: now as Json }],
    how: 'back',
  }
}

export function detachedFor(binding: Binding, suspect: Suspect): Detached | undefined {
  const key = markKey(NAME, suspect)
  return marksOn(binding, NAME)
    .filter((one) => one.key === key)
    .map(({ value }) => parsed(value))[0]
}

function othersOf(binding: Binding, suspect: Suspect, account: Account): readonly Detached[] {
  const key = markKey(NAME, suspect)
  return marksOn(binding, NAME)
    .filter((one) => one.key !== key)
    .flatMap(({ value }) => parsed(value) ?? [])
    .filter((one) => one.account.namespace === account.namespace && one.account.name === account.name)
}

function mark(
  suspect: Suspect,
  { account, subjects }: Detached,
): { readonly key: string; readonly value: string } {
  return { key: markKey(NAME, suspect), value: JSON.stringify({ case: suspect.case, account, subjects }) }
}

function parsed(value: string): Detached | undefined {
  let json: Json
  try {
    json = JSON.parse(value) as Json
  } catch {
    return undefined
  }
  const [namespace, name] = ['namespace', 'name'].map((key) => asString(at(json, 'account', key)))
  if (namespace === undefined || name === undefined) return undefined
  const subjects = asArray(at(json, 'subjects')).flatMap((one: Json) => {
    const [index, subject] = [at(one, 'at'), asObject(at(one, 'subject'))]
    return typeof index === 'number' && Number.isInteger(index) && index >= 0 && subject !== undefined
      ? [{ at: index, subject: subject }]
      : []
  })
  return { account: { namespace, name }, subjects }
}

function same(left: Json, right: Json): boolean {
  return ['kind', 'apiGroup', 'namespace', 'name'].every((key) => at(left, key) === at(right, key))
}
