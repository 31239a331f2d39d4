import type { ApiPath } from '../model/api-path.js'
import type { CollectContext, Collector, RecordedRead } from '../model/collector.js'
import type { NetworkDocument } from '../model/documents.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { REASON_OF, type Reason } from '../model/evidence.js'
import { asArray, asNumber, asString, asStringMap, at, type Json } from '../model/json.js'
import type { NetworkPolicy } from '../model/kubernetes.js'
import { policyAllows, policySelects, policyTypesOf, policyUnknowns } from '../model/policy-evaluation.js'
import type { ServedResource } from '../model/ports/kube-reader.js'
import type { Sink } from '../model/ports/sink.js'
import { serviceSelects } from '../model/selector.js'
import { servedVersion } from '../model/served.js'
import { endpointsOfEndpoints, endpointsOfSlices, type ServiceEndpoint } from '../model/service-endpoints.js'
import type { Target } from '../model/target.js'

type Services = NonNullable<NetworkDocument['services']>
type Endpoints = ReadonlyMap<string, readonly ServiceEndpoint[]>

/** Which policies, Services and Ingresses of the namespace concern the pod: who may reach it, and by which way. */
export const networkCollector: Collector = {
  name: 'network',
  summary: 'NetworkPolicies, Services, their endpoints and Ingresses, and which of them concern the pod',
  phases: ['read'],
  requirements: (_options, { namespace }) => ({
    access: [
      { verb: 'list', group: 'networking.k8s.io', resource: 'networkpolicies', namespace },
      { verb: 'list', group: '', resource: 'services', namespace },
      { verb: 'list', group: 'discovery.k8s.io', resource: 'endpointslices', namespace },
      { verb: 'list', group: 'networking.k8s.io', resource: 'ingresses', namespace },
    ],
    impact: 'read',
  }),
  async collect(context, target, sink) {
    const { resources, failedGroups } = await context.api.discover(context.run.signal)
    const lists = new Lists(context, target.namespace, resources, failedGroups, sink)
    const policies = await lists.read('NetworkPolicies', POLICIES)
    const services = await lists.read('Services', SERVICES)
    const endpoints = await lists.read('endpoints', ENDPOINTS)
    const ingresses = await lists.read('Ingresses', INGRESSES)
    lists.requireAny()
    const behind = services === undefined ? undefined : servicesOf(services.items, endpoints, target)
    const document: NetworkDocument = {
      schema: 'impound/network/v1',
      derivedFrom: lists.artefacts,
      ...(policies === undefined ? {} : { policies: policiesOf(policies.items, target) }),
      ...(behind === undefined ? {} : { services: behind }),
      ...(ingresses === undefined || behind === undefined
        ? {}
        : { ingresses: ingressesOf(ingresses.items, behind) }),
      missing: lists.missing,
    }
    await sink.document(
      'network.json',
      document,
      { kind: 'derived', mediaType: 'application/json', trust: 'derived', derivedFrom: lists.artefacts },
      'network',
    )
  },
}

interface Kind {
  readonly group: string
  readonly resource: string
  /** Newest first; versions that this code was written for. */
  readonly versions: readonly string[]
}

const POLICIES: readonly Kind[] = [
  { group: 'networking.k8s.io', resource: 'networkpolicies', versions: ['v1'] },
]
const SERVICES: readonly Kind[] = [{ group: '', resource: 'services', versions: ['v1'] }]
/** EndpointSlices came in 1.17 as v1beta1; before, there were Endpoints alone. */
const ENDPOINTS: readonly Kind[] = [
  { group: 'discovery.k8s.io', resource: 'endpointslices', versions: ['v1', 'v1beta1'] },
  { group: '', resource: 'endpoints', versions: ['v1'] },
]
const INGRESSES: readonly Kind[] = [
  { group: 'networking.k8s.io', resource: 'ingresses', versions: ['v1', 'v1beta1'] },
  { group: 'extensions', resource: 'ingresses', versions: ['v1beta1'] },
]

interface Listed {
  readonly resource: string
  readonly items: readonly Json[]
}

/** Lists of one namespace; one that can't be had is a row in the ledger and in the document, and the next goes on. */
class Lists {
  readonly artefacts: string[] = []
  readonly missing: { readonly what: string; readonly reason: Reason; readonly detail: string }[] = []
  readonly #context: CollectContext
  readonly #namespace: string
  readonly #resources: readonly ServedResource[]
  readonly #failedGroups: readonly string[]
  readonly #sink: Sink
  #read = 0
  #failure: unknown

  constructor(
    context: CollectContext,
    namespace: string,
    resources: readonly ServedResource[],
    failedGroups: readonly string[],
    sink: Sink,
  ) {
    this.#context = context
    this.#namespace = namespace
    this.#resources = resources
    this.#failedGroups = failedGroups
    this.#sink = sink
  }

  /** All items of the first of the kinds that is served; undefined where they can't be had. */
  async read(what: string, kinds: readonly Kind[]): Promise<Listed | undefined> {
    try {
      const path = this.#served(kinds)
      if (path === undefined) {
        await this.#notServed(what, kinds)
        return undefined
      }
      const pages = await this.#context.api.list(path)
      this.artefacts.push(...pages.map(({ artefact }) => artefact))
      this.#read += 1
      return { resource: path.resource, items: pages.flatMap(itemsOf) }
    } catch (error) {
      if (isCode(error, 'aborted', 'storage')) throw error
      this.#failure ??= error
      const reason = error instanceof ImpoundError ? REASON_OF[error.code] : 'failed'
      this.missing.push({ what, reason, detail: messageOf(error) })
      await this.#sink.failed(`network ${what}`, error)
      return undefined
    }
  }

  /** Throws the first failure where no list at all could be read. */
  requireAny(): void {
    if (this.#read > 0) return
    throw this.#failure instanceof Error
      ? this.#failure
      : new ImpoundError('unsupported', 'this cluster serves nothing of its network through the API')
  }

  #served(kinds: readonly Kind[]): ApiPath | undefined {
    for (const { group, resource, versions } of kinds) {
      const version = servedVersion(this.#resources, group, resource, versions)
      if (version !== undefined) return { group, version, resource, namespace: this.#namespace }
    }
    return undefined
  }

  async #notServed(what: string, kinds: readonly Kind[]): Promise<void> {
    const failed = kinds.find(({ group }) => this.#failedGroups.some((each) => each.split('/')[0] === group))
    if (failed !== undefined) {
      throw new ImpoundError('unreachable', `the API group ${failed.group} does not answer`)
    }
    const detail = 'this cluster does not serve them: there can be none'
    this.missing.push({ what, reason: 'not-applicable', detail })
    await this.#sink.skip(`network ${what}`, 'not-applicable', detail)
  }
}

function itemsOf(page: RecordedRead): readonly Json[] {
  return asArray(at(page.json, 'items'))
}

function policiesOf(items: readonly Json[], target: Target): NonNullable<NetworkDocument['policies']> {
  const labels = target.pod.metadata?.labels ?? {}
  return byName(
    items.map((item) => {
      const policy = item as NetworkPolicy
      return {
        name: policy.metadata?.name ?? '',
        selectsNow: policySelects(policy, labels),
        allows: policyAllows(policy),
        policyTypes: policyTypesOf(policy),
        unknownOperators: policyUnknowns(policy),
      }
    }),
  )
}

function servicesOf(items: readonly Json[], endpoints: Listed | undefined, target: Target): Services {
  const labels = target.pod.metadata?.labels ?? {}
  const behind: Endpoints =
    endpoints === undefined
      ? new Map()
      : endpoints.resource === 'endpoints'
        ? endpointsOfEndpoints(endpoints.items)
        : endpointsOfSlices(endpoints.items)
  return byName(
    items.map((item) => {
      const name = asString(at(item, 'metadata', 'name')) ?? ''
      return {
        name,
        type: asString(at(item, 'spec', 'type')) ?? 'ClusterIP',
        clusterIP: asString(at(item, 'spec', 'clusterIP')) ?? '',
        selectsPod: serviceSelects(asStringMap(at(item, 'spec', 'selector')), labels),
        ports: asArray(at(item, 'spec', 'ports')).map(portWords),
        endpoints: (behind.get(name) ?? []).map(({ address, ready, pod, podUid }) => ({
          address,
          ready,
          ...(pod === undefined ? {} : { pod }),
          isTarget: podUid === target.uid,
        })),
      }
    }),
  )
}

/** 'TCP/80 to 8080', 'TCP/443 to https'. */
function portWords(port: Json): string {
  const number = asNumber(at(port, 'port')) ?? 0
  const to = at(port, 'targetPort')
  const protocol = asString(at(port, 'protocol')) ?? 'TCP'
  return `${protocol}/${number}${typeof to === 'number' || typeof to === 'string' ? ` to ${to}` : ''}`
}

function ingressesOf(items: readonly Json[], services: Services): NonNullable<NetworkDocument['ingresses']> {
  const ours = new Set(
    services
      .filter(({ selectsPod, endpoints }) => selectsPod || endpoints.some(({ isTarget }) => isTarget))
      .map(({ name }) => name),
  )
  return byName(
    items.flatMap((item) => {
      const routes = [
        { host: '*', service: serviceOf(at(item, 'spec', 'defaultBackend') ?? at(item, 'spec', 'backend')) },
        ...asArray(at(item, 'spec', 'rules')).flatMap((rule) =>
          asArray(at(rule, 'http', 'paths')).map((path) => ({
            host: asString(at(rule, 'host')) ?? '*',
            service: serviceOf(at(path, 'backend')),
          })),
        ),
      ].filter(({ service }) => service !== undefined && ours.has(service))
      if (routes.length === 0) return []
      return [
        {
          name: asString(at(item, 'metadata', 'name')) ?? '',
          hosts: sorted(routes.map(({ host }) => host)),
          services: sorted(routes.map(({ service }) => service ?? '')),
        },
      ]
    }),
  )
}

/** The Service of a backend: networking.k8s.io/v1, or serviceName as v1beta1 has it. */
function serviceOf(backend: unknown): string | undefined {
  return asString(at(backend, 'service', 'name')) ?? asString(at(backend, 'serviceName'))
}

function sorted(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort()
}

function byName<Item extends { readonly name: string }>(items: readonly Item[]): readonly Item[] {
  return [...items].sort((left, right) => (left.name < right.name ? -1 : 1))
}
