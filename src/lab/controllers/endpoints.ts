import { isDeepStrictEqual } from 'node:util'

import { asNumber, asString, asStringMap, at, type Json, type JsonObject } from '../../model/json.js'
import { serviceSelects } from '../../model/selector.js'
import { seconds, withManagedFields } from '../api/managed-fields.js'
import { nameSuffix, newUid } from '../store/identifiers.js'
import {
  labelsOf,
  metadataOf,
  nameOf,
  namespaceOf,
  objectsIn,
  omit,
  uidOf,
  withMetadata,
} from '../store/object.js'
import type { ControllerContext } from './context.js'
import { isReady, isTerminating, nodeOf, phaseOf, podIpOf, specOf } from './pods.js'

const SERVICE_LABEL = 'kubernetes.io/service-name'
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
const SLICE_CONTROLLER = 'endpointslice-controller.k8s.io'

/** Keeps Endpoints and EndpointSlices of every Service with a selector at what pods and their readiness make of them. */
export function reconcileEndpoints(context: ControllerContext): void {
  for (const service of context.store.list('services')) {
    const selector = asStringMap(specOf(service).selector)
    if (Object.keys(selector).length === 0) continue
    const pods = context.store
      .list('pods', namespaceOf(service))
      .filter((pod) => serviceSelects(selector, labelsOf(pod)))
      .filter((pod) => podIpOf(pod) !== '' && phaseOf(pod) !== 'Succeeded' && phaseOf(pod) !== 'Failed')
    writeEndpoints(context, service, pods)
    writeSlice(context, service, pods)
  }
}

function writeEndpoints(context: ControllerContext, service: JsonObject, pods: readonly JsonObject[]): void {
  const listed = pods.filter((pod) => !isTerminating(pod))
  const addresses = (ready: boolean): readonly JsonObject[] =>
    listed
      .filter((pod) => (isReady(pod) || publishesAll(service)) === ready)
      .map((pod) => ({ ip: podIpOf(pod), nodeName: nodeOf(pod), targetRef: referenceTo(pod) }))
  const [ready, notReady] = [addresses(true), addresses(false)]
  const subsets =
    listed.length === 0
      ? undefined
      : [
          {
            ...(ready.length === 0 ? {} : { addresses: ready }),
            ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
            ports: portsOf(service, listed).map(({ name, port, protocol }) => ({
              ...(name === '' ? {} : { name }),
              port,
              protocol,
            })),
          },
        ]
  const ref = { namespace: namespaceOf(service), name: nameOf(service) }
  const before = context.store.get('endpoints', ref)
  if (before !== undefined && sameAddresses(before.subsets, subsets)) return
  const base = before ?? created(context, 'Endpoints', 'v1', ref.name, service)
  const rest = omit(base, 'subsets')
  const after = subsets === undefined ? rest : { ...rest, subsets }
  put(context, 'endpoints', after, before, 'v1')
}

function writeSlice(context: ControllerContext, service: JsonObject, pods: readonly JsonObject[]): void {
  const before = context.store
    .list('endpointslices.discovery.k8s.io', namespaceOf(service))
    .find((slice) => labelsOf(slice)[SERVICE_LABEL] === nameOf(service))
  const endpoints = pods.map((pod): JsonObject => {
    const serving = isReady(pod) || publishesAll(service)
    const terminating = isTerminating(pod)
    return {
      addresses: [podIpOf(pod)],
      conditions: { ready: serving && !terminating, serving, terminating },
      targetRef: referenceTo(pod),
      nodeName: nodeOf(pod),
    }
  })
  if (before !== undefined && sameEndpoints(before.endpoints, endpoints)) return
  const base = before ?? newSlice(context, service)
  const after = {
    ...base,
    endpoints,
    ports: portsOf(service, pods).map(({ name, port, protocol }) => ({ name, protocol, port })),
  }
  const generation = (asNumber(metadataOf(base).generation) ?? 0) + 1
  put(
    context,
    'endpointslices.discovery.k8s.io',
    withMetadata(after, { generation }),
    before,
    'discovery.k8s.io/v1',
  )
}

function newSlice(context: ControllerContext, service: JsonObject): JsonObject {
  const prefix = `${nameOf(service)}-`
  const slice = created(context, 'EndpointSlice', 'discovery.k8s.io/v1', `${prefix}${nameSuffix()}`, service)
  return withMetadata(
    { ...slice, addressType: 'IPv4' },
    {
      generateName: prefix,
      labels: { [MANAGED_BY]: SLICE_CONTROLLER, [SERVICE_LABEL]: nameOf(service) },
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          name: nameOf(service),
          uid: uidOf(service),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
  )
}

function created(
  context: ControllerContext,
  kind: string,
  apiVersion: string,
  name: string,
  service: JsonObject,
): JsonObject {
  const creationTimestamp = seconds(context.now())
  return withMetadata(
    { kind, apiVersion },
    { name, namespace: namespaceOf(service), uid: newUid(), creationTimestamp },
  )
}

function put(
  context: ControllerContext,
  table: string,
  after: JsonObject,
  before: JsonObject | undefined,
  apiVersion: string,
): void {
  const time = context.now()
  const stamped = withMetadata(after, {
    annotations: {
      ...asStringMap(metadataOf(after).annotations),
      'endpoints.kubernetes.io/last-change-trigger-time': seconds(time),
    },
  })
  const write = { manager: 'kube-controller-manager', apiVersion, time }
  context.store.put(table, withManagedFields(stamped, before, write))
}

function publishesAll(service: JsonObject): boolean {
  return specOf(service).publishNotReadyAddresses === true
}

function referenceTo(pod: JsonObject): JsonObject {
  return { kind: 'Pod', namespace: namespaceOf(pod) ?? '', name: nameOf(pod), uid: uidOf(pod) }
}

interface EndpointPort {
  readonly name: string
  readonly port: number
  readonly protocol: string
}

/** A named targetPort is looked up in the pods' containers; one that no pod has is left out. */
function portsOf(service: JsonObject, pods: readonly JsonObject[]): readonly EndpointPort[] {
  return objectsIn(specOf(service).ports).flatMap((port) => {
    const target = port.targetPort ?? port.port
    const number = asNumber(target) ?? containerPort(pods, asString(target))
    if (number === undefined) return []
    return [{ name: asString(port.name) ?? '', port: number, protocol: asString(port.protocol) ?? 'TCP' }]
  })
}

function containerPort(pods: readonly JsonObject[], name: string | undefined): number | undefined {
  const ports = pods.flatMap((pod) =>
    objectsIn(specOf(pod).containers).flatMap((container) => objectsIn(container.ports)),
  )
  return asNumber(ports.find((port) => port.name === name)?.containerPort)
}

/** Whether two lists of subsets send traffic to the same pods; in what order, and at which versions, doesn't matter. */
function sameAddresses(before: Json | undefined, after: Json | undefined): boolean {
  const flat = (subsets: Json | undefined): readonly string[] =>
    objectsIn(subsets)
      .flatMap((subset) =>
        ['addresses', 'notReadyAddresses'].flatMap((list) =>
          objectsIn(subset[list]).map((address) => `${list} ${asString(address.ip) ?? ''} ${uidIn(address)}`),
        ),
      )
      .sort()
  return isDeepStrictEqual(flat(before), flat(after))
}

function sameEndpoints(before: Json | undefined, after: Json | undefined): boolean {
  const flat = (endpoints: Json | undefined): readonly string[] =>
    objectsIn(endpoints)
      .map((endpoint) => {
        const conditions = ['ready', 'serving', 'terminating'].map(
          (name) => at(endpoint, 'conditions', name) === true,
        )
        return `${asString(at(endpoint, 'addresses', 0)) ?? ''} ${uidIn(endpoint)} ${conditions.join(' ')}`
      })
      .sort()
  return isDeepStrictEqual(flat(before), flat(after))
}

function uidIn(address: JsonObject): string {
  return asString(at(address, 'targetRef', 'uid')) ?? ''
}
