import { asNumber, asObject, asString, asStringMap, at, type JsonObject } from '../../model/json.js'
import type { LabelSelector } from '../../model/kubernetes.js'
import { selectorMatches } from '../../model/selector.js'
import { isReady, phaseOf } from '../controllers/pods.js'
import { labelsOf, metadataOf, nameOf, namespaceOf } from '../store/object.js'
import type { Store } from '../store/store.js'
import { admit } from './admit.js'
import { isDryRun, parseBody } from './body.js'
import type { ApiCall, ApiContext } from './call.js'
import { remove } from './delete.js'
import { deleteOptions } from './delete-options.js'
import type { LabVersion } from './resources.js'
import { ApiStatus, badRequest } from './status.js'
import { existing } from './write.js'

const VERSIONS: Readonly<Record<LabVersion, string>> = { '1.36': 'policy/v1', '1.20': 'policy/v1beta1' }

const VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget."

/**
 * POST pods/eviction: a delete that the pod's disruption budget must allow.
 * Source: kubernetes/pkg/registry/core/pod/storage, eviction.go; compared with a 1.20 server.
 */
export function evict(context: ApiContext, call: ApiCall): JsonObject {
  const sent = parseBody(call)
  checkKind(sent, VERSIONS[context.profile])
  const name = call.request.name ?? ''
  if (nameOf(sent) !== name) throw badRequest('name in URL does not match name in Eviction object')
  const pod = existing(context, call)
  const body = Buffer.from(JSON.stringify(sent.deleteOptions ?? {}))
  const options = deleteOptions({ body, query: new URLSearchParams() })
  const dryRun = options.dryRun || isDryRun('CreateOptions', call.query)
  admit(context, call, undefined, dryRun)
  const finished = ['Pending', 'Succeeded', 'Failed'].includes(phaseOf(pod))
  if (!finished) spend(context, pod, dryRun)
  remove(context, call, pod, { ...options, dryRun })
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
}

function checkKind(sent: JsonObject, wanted: string): void {
  const [kind, apiVersion] = [asString(sent.kind) ?? '', asString(sent.apiVersion) ?? '']
  if ((kind === '' || kind === 'Eviction') && (apiVersion === '' || apiVersion === wanted)) return
  const version = apiVersion.split('/').at(-1) ?? ''
  throw badRequest(
    `${kind} in version ${JSON.stringify(version)} cannot be handled as a Eviction: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"`,
  )
}

/** Takes one disruption from the pod's budget, or throws because there is none left. */
function spend({ store, profile }: ApiContext, pod: JsonObject, dryRun: boolean): void {
  const [budget, ...more] = budgetsOf(store, pod, profile)
  if (budget === undefined) return
  if (more.length > 0) {
    throw new ApiStatus(
      500,
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    )
  }
  const name = nameOf(budget)
  const count = (field: string): number => asNumber(at(budget, 'status', field)) ?? 0
  if (count('observedGeneration') < (asNumber(metadataOf(budget).generation) ?? 0)) {
    throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10)
  }
  // since 1.26 a pod that is not healthy anyway may go while the others suffice
  const [healthy, desired] = [count('currentHealthy'), count('desiredHealthy')]
  if (profile !== '1.20' && !isReady(pod) && desired > 0 && healthy >= desired) return
  if (count('disruptionsAllowed') <= 0) {
    throw tooMany(`The disruption budget ${name} needs ${desired} healthy pods and has ${healthy} currently`)
  }
  if (dryRun) return
  const status = { ...asObject(budget.status), disruptionsAllowed: count('disruptionsAllowed') - 1 }
  store.put('poddisruptionbudgets.policy', { ...budget, status })
}

function tooMany(cause: string, retryAfterSeconds?: number): ApiStatus {
  return new ApiStatus(
    429,
    'TooManyRequests',
    VIOLATION,
    {
      causes: [{ reason: 'DisruptionBudget', message: cause }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
    retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) },
  )
}

/** An empty selector is all pods, but was none in policy/v1beta1. */
function budgetsOf(store: Store, pod: JsonObject, profile: LabVersion): readonly JsonObject[] {
  return store.list('poddisruptionbudgets.policy', namespaceOf(pod)).filter((budget) => {
    const selector = asObject(at(budget, 'spec', 'selector'))
    if (selector === undefined) return false
    if (profile === '1.20' && Object.keys(selector).length === 0) return false
    const query = { ...(selector as LabelSelector), matchLabels: asStringMap(selector.matchLabels) }
    return selectorMatches(query, labelsOf(pod))
  })
}
