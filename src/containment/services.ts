import { isCode, messageOf } from '../model/errors.js'
import type { Json } from '../model/json.js'
import type { Service } from '../model/kubernetes.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import { serviceSelects } from '../model/selector.js'
import { servedVersion } from '../model/served.js'
import { endpointsOfEndpoints, endpointsOfSlices, type ServiceEndpoint } from '../model/service-endpoints.js'
import type { Target } from '../model/target.js'
import { listObjects } from './reading.js'

type Labels = Readonly<Record<string, string>>
type ServicePlan = QuarantinePlan['services'][number]

export interface ServiceFacts {
  /** Undefined where Services could not be listed. */
  readonly services: readonly Service[] | undefined
  /** By Service; undefined where endpoints could not be listed. */
  readonly endpoints: ReadonlyMap<string, readonly ServiceEndpoint[]> | undefined
  readonly warnings: readonly string[]
}

export async function serviceFacts(
  kube: KubeReader,
  namespace: string,
  signal: AbortSignal,
): Promise<ServiceFacts> {
  const warnings: string[] = []
  const orWarn = async <Found>(what: string, read: () => Promise<Found>): Promise<Found | undefined> => {
    try {
      return await read()
    } catch (error) {
      if (isCode(error, 'aborted')) throw error
      warnings.push(`${what} could not be listed (${messageOf(error)})`)
      return undefined
    }
  }
  const [services, endpoints] = await Promise.all([
    orWarn('Services', () =>
      listObjects<Service>(kube, { group: '', version: 'v1', resource: 'services', namespace }, signal),
    ),
    orWarn('endpoints', () => readEndpoints(kube, namespace, signal)),
  ])
  return { services, endpoints, warnings }
}

async function readEndpoints(
  kube: KubeReader,
  namespace: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly ServiceEndpoint[]>> {
  const { resources } = await kube.discover(signal)
  const version = servedVersion(resources, 'discovery.k8s.io', 'endpointslices', ['v1', 'v1beta1'])
  return version === undefined
    ? endpointsOfEndpoints(
        await listObjects<Json>(kube, { group: '', version: 'v1', resource: 'endpoints', namespace }, signal),
      )
    : endpointsOfSlices(
        await listObjects<Json>(
          kube,
          { group: 'discovery.k8s.io', version, resource: 'endpointslices', namespace },
          signal,
        ),
      )
}

const UNSEEN = 'whether the pod is a last ready endpoint is not known'

export interface ServiceImpact {
  readonly services: readonly ServicePlan[]
  /** Services that lose their last ready endpoint, or may: it could not be seen. */
  readonly outages: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * What the Services of the pod lose. Once it is cut off it serves nobody, also where a label that stays keeps it among a
 * Service's endpoints: it never counts among those that are left.
 */
export function serviceImpact(
  facts: ServiceFacts,
  target: Pick<Target, 'uid'>,
  before: Labels,
  after: Labels,
): ServiceImpact {
  const warnings: string[] = [...facts.warnings]
  const outages: string[] = []
  if (facts.services === undefined)
    outages.push(`the Services of the namespace could not be listed: ${UNSEEN}`)
  const services = (facts.services ?? []).flatMap((service): readonly ServicePlan[] => {
    const name = service.metadata?.name ?? ''
    const serves = serviceSelects(service.spec?.selector, before)
    const endpoints = facts.endpoints?.get(name) ?? []
    const listed = endpoints.some(({ podUid }) => podUid === target.uid)
    if (!serves && !listed) return []
    const ready = podsBehind(endpoints.filter((endpoint) => endpoint.ready))
    const left = [...ready].filter((pod) => pod !== target.uid).length
    const unknown = facts.endpoints === undefined ? 'its endpoints could not be listed' : undefined
    if (unknown !== undefined) outages.push(`Service ${name}: ${unknown}: ${UNSEEN}`)
    else if (left === 0 && ready.has(target.uid))
      outages.push(`it is the last ready endpoint of Service ${name}`)
    if (serviceSelects(service.spec?.selector, after)) {
      warnings.push(
        `Service ${name} still selects the pod by the labels that stay, and sends connections into the cut`,
      )
    } else if (listed && !serves) {
      warnings.push(
        `Service ${name} lists the pod without selecting it: its endpoints have to be changed by hand`,
      )
    }
    return [
      {
        name,
        readyNow: ready.size,
        readyAfter: left,
        serves: true,
        ...(unknown === undefined ? {} : { unknown }),
      },
    ]
  })
  return { services: services.sort((a, b) => (a.name < b.name ? -1 : 1)), outages, warnings }
}

/** A pod with two addresses is one endpoint. */
function podsBehind(endpoints: readonly ServiceEndpoint[]): ReadonlySet<string> {
  return new Set(endpoints.map(({ podUid, pod, address }) => podUid ?? pod ?? address))
}
