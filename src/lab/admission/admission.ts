import type { JsonObject } from '../../model/json.js'
import type { User } from '../access/user.js'
import { applyJsonPatch } from '../api/json-patch.js'
import { ApiStatus, badRequest, forbidden } from '../api/status.js'

/** What an admission plug-in or webhook looks at. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly group: string
  readonly resource: string
  readonly subresource: string | undefined
  readonly namespace: string | undefined
  readonly name: string
  readonly user: User
  readonly dryRun: boolean
}

/** What happens to a matching request, in the order in which the server would say it. */
export type AdmissionEffect =
  /** A validating webhook that says no; the server adds its words. The code is 400 if not said. */
  | {
      readonly kind: 'webhook-denies'
      readonly webhook: string
      readonly message?: string
      readonly reason?: string
      readonly code?: number
    }
  /** A webhook with failurePolicy Fail that can't be called, for this reason: 'context deadline exceeded', … */
  | { readonly kind: 'webhook-fails'; readonly webhook: string; readonly url: string; readonly error: string }
  /** A webhook with side effects: it can't be asked under dryRun, and allows everything else. */
  | { readonly kind: 'webhook-without-dry-run'; readonly webhook: string }
  | { readonly kind: 'webhook-warns'; readonly warning: string }
  /** A mutating webhook: a JSON patch of the object. */
  | { readonly kind: 'webhook-patches'; readonly patch: readonly JsonObject[] }
  /** A plug-in of the server's own, such as a quota: 'exceeded quota: q, requested: …'. */
  | { readonly kind: 'forbids'; readonly message: string }

export interface AdmissionRule {
  readonly match: {
    readonly operation?: AdmissionRequest['operation']
    /** As kubectl names it, with its subresource: 'pods', 'pods/exec', 'networkpolicies.networking.k8s.io'. */
    readonly resource?: string
    readonly namespace?: string
    readonly user?: string
  }
  readonly effect: AdmissionEffect
}

/** What admission refuses or changes, as data, in the order in which it was laid. */
export class Admission {
  readonly #rules: { readonly rule: AdmissionRule; met: number }[] = []

  constructor(rules: readonly AdmissionRule[] = []) {
    for (const rule of rules) this.add(rule)
  }

  /** Returns the way to take it back. */
  add(rule: AdmissionRule): () => void {
    const entry = { rule, met: 0 }
    this.#rules.push(entry)
    return () => void this.#rules.splice(this.#rules.indexOf(entry), 1)
  }

  /** The rules that no request has met: a test that ends with one did not test what it says. */
  unmet(): readonly AdmissionRule[] {
    return this.#rules.filter(({ met }) => met === 0).map(({ rule }) => rule)
  }

  /** The object as mutating webhooks leave it. */
  mutate(request: AdmissionRequest, object: JsonObject): JsonObject {
    return this.#matching(request).reduce((current, { effect }) => {
      if (effect.kind !== 'webhook-patches') return current
      return applyJsonPatch(current, effect.patch) as JsonObject
    }, object)
  }

  /** Throws what the server answers with where a request is refused; returns warnings for whoever is let in. */
  validate(request: AdmissionRequest): readonly string[] {
    return this.#matching(request).flatMap(({ effect }) => {
      const refusal = refusalOf(effect, request)
      if (refusal !== undefined) throw refusal
      return effect.kind === 'webhook-warns' ? [effect.warning] : []
    })
  }

  #matching(request: AdmissionRequest): readonly AdmissionRule[] {
    const matching = this.#rules.filter(({ rule }) => matches(rule.match, request))
    for (const entry of matching) entry.met += 1
    return matching.map(({ rule }) => rule)
  }
}

function matches(match: AdmissionRule['match'], request: AdmissionRequest): boolean {
  const { group, resource, subresource } = request
  const qualified = group === '' ? resource : `${resource}.${group}`
  const named = subresource === undefined ? qualified : `${qualified}/${subresource}`
  return (
    (match.operation === undefined || match.operation === request.operation) &&
    (match.resource === undefined || match.resource === named) &&
    (match.namespace === undefined || match.namespace === request.namespace) &&
    (match.user === undefined || match.user === request.user.name)
  )
}

/** Wording: k8s.io/apiserver, pkg/admission/plugin/webhook/errors; compared with a 1.20 server. */
function refusalOf(effect: AdmissionEffect, request: AdmissionRequest): ApiStatus | undefined {
  switch (effect.kind) {
    case 'webhook-denies': {
      const why = effect.message ?? effect.reason
      const denied = `admission webhook ${JSON.stringify(effect.webhook)} denied the request`
      const message = why === undefined ? `${denied} without explanation` : `${denied}: ${why}`
      return new ApiStatus(effect.code ?? 400, effect.reason, message)
    }
    case 'webhook-fails': {
      const message = `failed calling webhook ${JSON.stringify(effect.webhook)}: Post ${JSON.stringify(`${effect.url}?timeout=10s`)}: ${effect.error}`
      return new ApiStatus(500, 'InternalError', `Internal error occurred: ${message}`, {
        causes: [{ message }],
      })
    }
    case 'webhook-without-dry-run':
      return request.dryRun
        ? badRequest(`admission webhook ${JSON.stringify(effect.webhook)} does not support dry run`)
        : undefined
    case 'forbids':
      return forbidden(request, request.name, effect.message)
    case 'webhook-warns':
    case 'webhook-patches':
      return undefined
  }
}
