import { ImpoundError, messageOf } from '../model/errors.js'
import { REASON_OF, type CountedReason } from '../model/evidence.js'

/** Why evidence is missing, from what was thrown: one table for every collector. */
export function reasonOf(error: unknown): CountedReason {
  if (error instanceof ImpoundError) return REASON_OF[error.code]
  if (isNamed(error, 'AbortError')) return 'interrupted'
  if (isNamed(error, 'TimeoutError')) return 'timeout'
  return 'failed'
}

/** Whether an error says that the run was told to stop. */
export function isAbort(error: unknown): boolean {
  return reasonOf(error) === 'interrupted'
}

/** One line of at most 500 characters: error messages quote the cluster, and the cluster may be hostile. */
export function detailOf(error: unknown): string {
  return oneLine(messageOf(error), 500)
}

/** Control characters and line breaks become a space; what is too long is cut and says so. */
export function oneLine(text: string, limit: number): string {
  const flat = text.slice(0, limit * 4).replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
  return flat.length > limit ? `${flat.slice(0, limit - 1)}…` : flat
}

function isNamed(error: unknown, name: string): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === name
}
