import { asArray, asObject, asString, at, type Json } from './json.js'

/** The label by which an EndpointSlice names its Service. */
const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

/** One address behind a Service. */
export interface ServiceEndpoint {
  readonly address: string
  readonly ready: boolean
  readonly pod?: string
  readonly podUid?: string
}

/**
 * The endpoints of each Service, from EndpointSlices (discovery.k8s.io v1 or v1beta1). An endpoint whose readiness is
 * not said counts as ready, as the API has it. Sorted: ready ones first, then by address.
 */
export function endpointsOfSlices(slices: readonly Json[]): ReadonlyMap<string, readonly ServiceEndpoint[]> {
  return grouped(
    slices.flatMap((slice) => {
      const service = asString(at(slice, 'metadata', 'labels', SERVICE_NAME_LABEL))
      if (service === undefined) return []
      return asArray(at(slice, 'endpoints')).flatMap((endpoint) =>
        asArray(at(endpoint, 'addresses')).map((address): [string, ServiceEndpoint] => [
          service,
          {
            address: asString(address) ?? '',
            ready: at(endpoint, 'conditions', 'ready') !== false,
            ...podOf(at(endpoint, 'targetRef')),
          },
        ]),
      )
    }),
  )
}

/** The same from core Endpoints, for servers before EndpointSlices; an Endpoints object has its Service's name. */
export function endpointsOfEndpoints(
  items: readonly Json[],
): ReadonlyMap<string, readonly ServiceEndpoint[]> {
  return grouped(
    items.flatMap((item) => {
      const service = asString(at(item, 'metadata', 'name'))
      if (service === undefined) return []
      return asArray(at(item, 'subsets')).flatMap((subset) =>
        [true, false].flatMap((ready) =>
          asArray(at(subset, ready ? 'addresses' : 'notReadyAddresses')).map(
            (address): [string, ServiceEndpoint] => [
              service,
              { address: asString(at(address, 'ip')) ?? '', ready, ...podOf(at(address, 'targetRef')) },
            ],
          ),
        ),
      )
    }),
  )
}

function podOf(reference: unknown): Pick<ServiceEndpoint, 'pod' | 'podUid'> {
  if (asObject(reference) === undefined || at(reference, 'kind') !== 'Pod') return {}
  const [pod, podUid] = [asString(at(reference, 'name')), asString(at(reference, 'uid'))]
  return { ...(pod === undefined ? {} : { pod }), ...(podUid === undefined ? {} : { podUid }) }
}

function grouped(
  entries: readonly (readonly [string, ServiceEndpoint])[],
): ReadonlyMap<string, readonly ServiceEndpoint[]> {
  const services = new Map<string, Map<string, ServiceEndpoint>>()
  for (const [service, endpoint] of entries) {
    const known = services.get(service) ?? new Map<string, ServiceEndpoint>()
    known.set(`${endpoint.address} ${endpoint.podUid ?? ''}`, endpoint)
    services.set(service, known)
  }
  return new Map(
    [...services].map(([service, endpoints]) => [
      service,
      [...endpoints.values()].sort(
        (left, right) => Number(right.ready) - Number(left.ready) || (left.address < right.address ? -1 : 1),
      ),
    ]),
  )
}
