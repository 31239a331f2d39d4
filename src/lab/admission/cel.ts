import { asString, at, type Json } from '../../model/json.js'
import type { AdmissionRequest } from './admission.js'

/** What an expression may look at. */
export interface CelFacts {
  readonly request: AdmissionRequest
  /** The object before: null where something is created or connected to. */
  readonly oldObject: Json
}

export type Expression = (facts: CelFacts) => boolean

const STRING = String.raw`"(?:[^"\\]|\\.)*"`
const IS_POD = new RegExp(
  `^request\\.namespace == (${STRING}) && \\(oldObject == null \\? request\\.name == (${STRING}) : oldObject\\.metadata\\.uid == (${STRING})\\)$`,
)
const HAS_EXTRA = new RegExp(
  `^has\\(request\\.userInfo\\.extra\\) && (${STRING}) in request\\.userInfo\\.extra && (${STRING}) in request\\.userInfo\\.extra\\[(${STRING})\\]$`,
)
const IS_USER = new RegExp(`^request\\.userInfo\\.username in \\[(${STRING}(?:, ${STRING})*)\\]$`)

/**
 * The lab is no CEL: it knows a few whole expressions by their form, and nothing else. Undefined for all others, which a lab must refuse
 * rather than judge by a guess.
 */
export function compiled(expression: string): Expression | undefined {
  if (expression === 'true' || expression === 'false') return () => expression === 'true'
  const pod = IS_POD.exec(expression)
  if (pod !== null) {
    const [namespace, name, uid] = literals(pod.slice(1))
    return ({ request, oldObject }) =>
      request.namespace === namespace &&
      (oldObject === null ? request.name === name : asString(at(oldObject, 'metadata', 'uid')) === uid)
  }
  const extra = HAS_EXTRA.exec(expression)
  if (extra !== null) {
    const [key = '', value = '', again] = literals(extra.slice(1))
    if (key !== again) return undefined
    return ({ request }) => request.user.extra?.[key]?.includes(value) === true
  }
  const users = IS_USER.exec(expression)?.[1]
  if (users !== undefined) {
    const names = JSON.parse(`[${users}]`) as readonly string[]
    return ({ request }) => names.includes(request.user.name)
  }
  return undefined
}

function literals(found: readonly (string | undefined)[]): readonly string[] {
  return found.map((one) => JSON.parse(one ?? '""') as string)
}
