import { at, type JsonObject } from '../../model/json.js'
import { labelsOf } from '../store/object.js'
import type { Store } from '../store/store.js'
import { BASELINE, RESTRICTED, type PodCheck } from './pod-security-checks.js'

const PREFIX = 'pod-security.kubernetes.io/'

/**
 * What the namespace's labels have Pod Security say of a pod: why it is refused, and what its user is warned of. All checks
 * are those of the newest version, whichever the labels name. Source: k8s.io/pod-security-admission, admission.
 */
export function podSecurity(
  store: Store,
  namespace: string,
  spec: JsonObject,
): { readonly refusal: string | undefined; readonly warnings: readonly string[] } {
  const labels = labelsOf(store.get('namespaces', { namespace: undefined, name: namespace }) ?? {})
  const violation = (mode: 'enforce' | 'warn'): string | undefined => {
    const level = labels[`${PREFIX}${mode}`] ?? 'privileged'
    const found = violations(level, spec)
    if (found === '') return undefined
    return `violate${mode === 'enforce' ? 's' : ''} PodSecurity "${level}:${labels[`${PREFIX}${mode}-version`] ?? 'latest'}": ${found}`
  }
  const [refusal, warning] = [violation('enforce'), violation('warn')]
  return {
    refusal,
    warnings: refusal === undefined && warning !== undefined ? [`would ${warning}`] : [],
  }
}

/** Of a workload's template: nothing is refused, its author is warned of both. */
export function templateWarnings(store: Store, namespace: string, template: unknown): readonly string[] {
  const spec = at(template, 'spec')
  if (typeof spec !== 'object' || spec === null) return []
  const { refusal, warnings } = podSecurity(store, namespace, spec as JsonObject)
  return refusal === undefined ? warnings : [`would ${refusal.replace('violates', 'violate')}`]
}

function violations(level: string, spec: JsonObject): string {
  const checks: readonly PodCheck[] =
    level === 'restricted'
      ? // a restricted check replaces the baseline check that it is stricter than
        [...BASELINE.filter(({ id }) => !RESTRICTED.some(({ replaces }) => replaces === id)), ...RESTRICTED]
      : level === 'baseline'
        ? BASELINE
        : []
  return checks
    .flatMap(({ reason, check }) => {
      const detail = check(spec)
      return detail === undefined ? [] : [detail === '' ? reason : `${reason} (${detail})`]
    })
    .join(', ')
}
