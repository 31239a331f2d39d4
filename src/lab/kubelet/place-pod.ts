import { asArray, asString, at, type JsonObject } from '../../model/json.js'
import { nameOf, objectsIn } from '../store/object.js'
import type { Store } from '../store/store.js'

/** The scheduler's choice: the schedulable node with the fewest pods, undefined where there is none. */
export function placeFor(store: Store): string | undefined {
  const pods = store.list('pods')
  const load = (node: string): number => pods.filter((pod) => at(pod, 'spec', 'nodeName') === node).length
  return store
    .list('nodes')
    .filter((node) => at(node, 'spec', 'unschedulable') !== true)
    .map(nameOf)
    .toSorted((a, b) => load(a) - load(b))[0]
}

/** A free address of the node's pod range (an IPv4 /24), 10.244.0.0/24 where the node names none. */
export function freeAddress(store: Store, node: string): string {
  const range = asString(at(store.get('nodes', { namespace: undefined, name: node }), 'spec', 'podCIDR'))
  const prefix = /^(\d+\.\d+\.\d+)\./.exec(range ?? '')?.[1] ?? '10.244.0'
  const taken = new Set(store.list('pods').map((pod) => asString(at(pod, 'status', 'podIP'))))
  for (let host = 2; host < 255; host += 1) {
    if (!taken.has(`${prefix}.${host}`)) return `${prefix}.${host}`
  }
  return ''
}

/** What the runtime calls an image, from a container that runs it already; empty where none does. */
export function imageIdOf(store: Store, image: string): string {
  const statuses = store
    .list('pods')
    .flatMap((pod) =>
      ['containerStatuses', 'initContainerStatuses'].flatMap((list) => objectsIn(at(pod, 'status', list))),
    )
  const running = statuses.find((status) => status.image === image && asString(status.imageID) !== '')
  return asString(running?.imageID) ?? ''
}

export function internalAddressOf(node: JsonObject | undefined): string {
  const addresses = asArray(at(node, 'status', 'addresses'))
  return (
    asString(
      at(
        addresses.find((address) => at(address, 'type') === 'InternalIP'),
        'address',
      ),
    ) ?? ''
  )
}
