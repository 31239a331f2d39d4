import { describeAccess, type AccessRule } from '../model/api-path.js'
import type { Allowance, Collector, CollectOptions } from '../model/collector.js'
import { ImpoundError, isCode } from '../model/errors.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { Target } from '../model/target.js'
import type { CollectorPlan } from './plan.js'

/** Of the given rights, those that the API server says we lack; a rule asked twice is sent once. */
export async function missingAccess(
  kube: KubeReader,
  rules: readonly AccessRule[],
  signal: AbortSignal,
): Promise<readonly AccessRule[]> {
  const distinct = new Map(rules.map((rule) => [keyOf(rule), rule]))
  const answers = await Promise.all([...distinct.values()].map((rule) => kube.canI(rule, signal)))
  return answers.filter(({ allowed }) => !allowed).map(({ rule }) => rule)
}

/** A right as one word, its object's name included. */
export function keyOf(rule: AccessRule): string {
  return `${describeAccess(rule)} ${rule.name ?? ''}`
}

/** What each collector will do on the target, and which rights it lacks. */
export async function planCollectors(
  kube: KubeReader,
  collectors: readonly Collector[],
  options: CollectOptions,
  target: Target,
  signal: AbortSignal,
): Promise<readonly CollectorPlan[]> {
  const needs = collectors.map((collector) => ({ collector, ...collector.requirements(options, target) }))
  const missing = await missingAccess(
    kube,
    needs.flatMap(({ access }) => access),
    signal,
  )
  const lacks = new Set(missing.map(keyOf))
  return needs.map(({ collector, access, impact, ways, disturbs }) => {
    const allowances = ways ?? (impact === 'read' ? [] : [impact])
    const plan = {
      name: collector.name,
      phases: collector.phases,
      impact,
      needs: allowances,
      ...(disturbs === undefined ? {} : { disturbs }),
      missingAccess: access.filter((rule) => lacks.has(keyOf(rule))),
    }
    if (options.skip.has(collector.name)) return { ...plan, will: 'skip', why: 'left out by --skip' }
    return { ...plan, ...asAllowed(plan.needs, [...options.allow]) }
  })
}

/** Whether a collector runs with these allowances, and why not. */
export function asAllowed(
  needs: readonly Allowance[],
  allow: readonly Allowance[],
): Pick<CollectorPlan, 'will' | 'why'> {
  if (needs.length === 0 || needs.some((one) => allow.includes(one))) return { will: 'collect' }
  return { will: 'skip', why: `--allow ${needs.join(' or ')} is not given` }
}

/**
 * When the target can't even be read: the same error, naming every right that the command would use and that is missing,
 * so that a responder asks for all of them at once.
 */
export async function nameMissingRights(
  error: unknown,
  kube: KubeReader,
  rules: readonly AccessRule[],
  signal: AbortSignal,
): Promise<unknown> {
  if (!isCode(error, 'forbidden')) return error
  try {
    const missing = await missingAccess(kube, rules, signal)
    if (missing.length === 0) return error
    return forbidden(missing, error)
  } catch {
    return error // the server that refuses the read may refuse the question too; its first answer says enough
  }
}

/** Each right once, whatever object it was asked for; one that is missing in a namespace and beyond it says which is which. */
function inWords(rules: readonly AccessRule[]): readonly string[] {
  const inNamespaces = new Set(
    rules.flatMap(({ namespace, ...rule }) => (namespace === undefined ? [] : [describeAccess(rule)])),
  )
  const words = rules.map((rule) => {
    const right = describeAccess(rule)
    return inNamespaces.has(right) ? `${right} in every namespace` : right
  })
  return [...new Set(words)]
}

export function forbidden(missing: readonly AccessRule[], cause?: unknown): ImpoundError {
  return new ImpoundError('forbidden', `you lack rights that this can't do without`, {
    cause,
    hints: [
      ...inWords(missing).map((right) => `missing: ${right}`),
      'ask for these rights, or use --as with an identity that has them',
    ],
  })
}
