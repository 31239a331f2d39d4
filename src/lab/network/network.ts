import { asNumber, asString, at, type JsonObject } from '../../model/json.js'
import { internalAddressOf } from '../kubelet/place-pod.js'
import { namespaceOf, nameOf, objectsIn, uidOf } from '../store/object.js'
import type { Store } from '../store/store.js'
import type { LabRuntime } from '../types.js'
import { policiesAllow, type Peer } from './policies.js'

/** How a try to connect ends. */
export type Reach = 'connected' | 'refused' | 'silent'

/** Rules in a pod's own network that drop all but what its node begins, and the packets that they dropped. */
export interface DropRules {
  readonly name: string
  in: number
  out: number
}

const KUBELET_PORT = 10_250
const METADATA = '169.254.169.254'
/** Packets of a try that nobody answers: the first SYN and two more. */
const SYNS = 3

/** Who reaches whom by TCP in the lab's cluster: nothing is sent, what stands in the API and inside of containers decides. IPv4 only. */
export class LabNetwork {
  readonly #store: Store
  readonly #runtime: LabRuntime
  readonly #enforcesPolicies: boolean
  readonly #rules = new Map<string, DropRules>()

  constructor(store: Store, runtime: LabRuntime, enforcesPolicies: boolean) {
    this.#store = store
    this.#runtime = runtime
    this.#enforcesPolicies = enforcesPolicies
  }

  rulesOf(pod: JsonObject, name: string): DropRules | undefined {
    const rules = this.#rules.get(uidOf(pod))
    return rules?.name === name ? rules : undefined
  }

  drop(pod: JsonObject, name: string): void {
    this.#rules.set(uidOf(pod), { name, in: 0, out: 0 })
  }

  restore(pod: JsonObject, name: string): void {
    if (this.rulesOf(pod, name) !== undefined) this.#rules.delete(uidOf(pod))
  }

  /** From a pod to an address. `listeners`, 'ADDRESS:PORT', listen besides what the lab's containers have. */
  reach(from: JsonObject, address: string, port: number, listeners: ReadonlySet<string>): Reach {
    const listens = (where: string, at: number): boolean => listeners.has(`${where}:${at}`)
    if (address === addressOf(from))
      return listens(address, port) || this.#containersListen(from, port) ? 'connected' : 'refused'
    const own = this.#rules.get(uidOf(from))
    if (own !== undefined) {
      own.out += SYNS
      return 'silent'
    }
    const service = this.#serviceAt(address, port)
    if (service !== undefined) {
      const [backend] = service.backends
      return backend === undefined ? 'refused' : this.reach(from, backend.address, backend.port, listeners)
    }
    const pod = this.#podAt(address)
    if (!this.#allows(from, { address, ...(pod === undefined ? {} : { pod }) }, port)) return 'silent'
    if (pod === undefined) return this.#outside(address, port)
    const rules = this.#rules.get(uidOf(pod))
    if (rules !== undefined) {
      rules.in += SYNS
      return 'silent'
    }
    return listens(address, port) || this.#containersListen(pod, port) ? 'connected' : 'refused'
  }

  /** What a network plugin would say. A pod and its own node always reach each other. */
  #allows(from: JsonObject, to: Peer, port: number): boolean {
    if (!this.#enforcesPolicies || to.address === asString(at(from, 'status', 'hostIP'))) return true
    return policiesAllow(this.#store, { address: addressOf(from), pod: from }, to, port)
  }

  /** Nodes with their kubelets, the API server behind its own address, and the provider's metadata service; nothing else answers. */
  #outside(address: string, port: number): Reach {
    const nodes = this.#store.list('nodes')
    if (nodes.some((node) => internalAddressOf(node) === address))
      return port === KUBELET_PORT ? 'connected' : 'refused'
    if (address === API_SERVER) return 'connected'
    const hasProvider = nodes.some((node) => (asString(at(node, 'spec', 'providerID')) ?? '') !== '')
    return address === METADATA && port === 80 && hasProvider ? 'connected' : 'silent'
  }

  #podAt(address: string): JsonObject | undefined {
    return this.#store
      .list('pods')
      .find(
        (pod) =>
          addressOf(pod) === address &&
          at(pod, 'spec', 'hostNetwork') !== true &&
          at(pod, 'status', 'phase') === 'Running',
      )
  }

  #serviceAt(
    address: string,
    port: number,
  ): { readonly backends: readonly { readonly address: string; readonly port: number }[] } | undefined {
    const service = this.#store.list('services').find((one) => at(one, 'spec', 'clusterIP') === address)
    const entry = objectsIn(at(service, 'spec', 'ports')).find((one) => one.port === port)
    if (service === undefined || entry === undefined) return undefined
    // of a Service without a selector somebody else keeps the endpoints: here, the API server
    if (at(service, 'spec', 'selector') === undefined)
      return { backends: [{ address: API_SERVER, port: asNumber(entry.targetPort) ?? port }] }
    const endpoints = this.#store.get('endpoints', {
      namespace: namespaceOf(service),
      name: nameOf(service),
    })
    return {
      backends: objectsIn(at(endpoints, 'subsets')).flatMap((subset) => {
        const target = objectsIn(subset.ports).find(({ name }) => name === entry.name)
        return objectsIn(subset.addresses).map(({ ip }) => ({
          address: asString(ip) ?? '',
          port: asNumber(target?.port) ?? port,
        }))
      }),
    }
  }

  #containersListen(pod: JsonObject, port: number): boolean {
    return objectsIn(at(pod, 'spec', 'containers')).some(({ name }) =>
      (this.#runtime.container(pod, asString(name) ?? '')?.inside?.sockets ?? []).some(
        ({ protocol, state, local }) => protocol !== 'udp' && state === 'listen' && local.port === port,
      ),
    )
  }
}

/** An address of TEST-NET-1 (RFC 5737): what stands behind the Service `kubernetes`. */
const API_SERVER = '192.0.2.1'

function addressOf(pod: JsonObject): string {
  return asString(at(pod, 'status', 'podIP')) ?? ''
}
