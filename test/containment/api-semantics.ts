import type { JsonObject } from '../../src/model/json.js'
import type { LabelSelector, NetworkPolicy, NetworkPolicyPeer } from '../../src/model/kubernetes.js'

type Labels = Readonly<Record<string, string>>

/** One connection that somebody could try with the pod, in the words of the API's documentation. */
export interface Flow {
  readonly direction: 'Ingress' | 'Egress'
  readonly peer:
    | { readonly ip: string }
    | { readonly pod: Labels; readonly namespace: Labels; readonly sameNamespace: boolean }
  readonly protocol: string
  readonly port: number
  readonly portName?: string
}

/**
 * Which of the flows NetworkPolicies let through, written from the API's documentation alone and sharing nothing with what is
 * tested: per direction a pod that no policy isolates lets all through; else what some rule of some policy that selects it allows.
 */
export function allowedFlows(
  policies: readonly NetworkPolicy[],
  labels: Labels,
  flows: readonly Flow[],
): readonly Flow[] {
  return flows.filter((flow) => {
    const applying = policies.filter(
      ({ spec }) => matches(spec?.podSelector ?? {}, labels) && isolates(spec, flow.direction),
    )
    if (applying.length === 0) return true
    return applying.some(({ spec }) => {
      const rules = (flow.direction === 'Ingress' ? spec?.ingress : spec?.egress) ?? []
      return rules.some((rule) => {
        const peers = (flow.direction === 'Ingress' ? rule.from : rule.to) ?? []
        const ports = rule.ports ?? []
        const peerFits = peers.length === 0 || peers.some((peer) => reaches(peer, flow))
        const portFits =
          ports.length === 0 ||
          ports.some((port) => {
            if ((port.protocol ?? 'TCP') !== flow.protocol) return false
            if (port.port === undefined) return true
            if (typeof port.port === 'string') return port.port === flow.portName
            return flow.port >= port.port && flow.port <= (port.endPort ?? port.port)
          })
        return peerFits && portFits
      })
    })
  })
}

function isolates(spec: NetworkPolicy['spec'], direction: 'Ingress' | 'Egress'): boolean {
  const types = spec?.policyTypes
  if (types !== undefined && types.length > 0) return types.includes(direction)
  return direction === 'Ingress' ? true : spec?.egress !== undefined && spec.egress.length > 0
}

function reaches(peer: NetworkPolicyPeer, { peer: other }: Flow): boolean {
  if (peer.ipBlock !== undefined) {
    if (!('ip' in other)) return false
    const inside = (cidr: string): boolean => {
      const [base = '', bits = '32'] = cidr.split('/')
      const size = 2 ** (32 - Number(bits))
      return Math.floor(number(other.ip) / size) === Math.floor(number(base) / size)
    }
    return inside(peer.ipBlock.cidr ?? '') && !(peer.ipBlock.except ?? []).some(inside)
  }
  if ('ip' in other) return false
  if (peer.namespaceSelector === undefined) {
    return other.sameNamespace && peer.podSelector !== undefined && matches(peer.podSelector, other.pod)
  }
  return matches(peer.namespaceSelector, other.namespace) && matches(peer.podSelector ?? {}, other.pod)
}

function number(ip: string): number {
  return ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

/** As the requirement table of the label selector's documentation has it. */
export function matches({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  for (const key of Object.keys(matchLabels)) if (labels[key] !== matchLabels[key]) return false
  for (const { key = '', operator, values = [] } of matchExpressions) {
    const value = labels[key]
    if (operator === 'Exists' && value === undefined) return false
    if (operator === 'DoesNotExist' && value !== undefined) return false
    if (operator === 'In' && (value === undefined || !values.includes(value))) return false
    if (operator === 'NotIn' && value !== undefined && values.includes(value)) return false
  }
  return true
}

const PEER_PODS: readonly Labels[] = [{}, { a: '1' }, { a: '2' }, { a: '1', b: '1' }, { b: '1' }]
const NAMESPACES: readonly Labels[] = [{}, { a: '1' }, { a: '2' }, { a: '1', b: '1' }, { b: '1' }]

/** A flow of every kind that the policies of {@link arbitraries} can tell apart. */
export const FLOWS: readonly Flow[] = (['Ingress', 'Egress'] as const).flatMap((direction) =>
  [
    ...['10.1.2.3', '10.1.9.9', '192.168.0.1', '203.0.113.7'].map((ip) => ({ ip })),
    ...PEER_PODS.flatMap((pod) =>
      NAMESPACES.flatMap((namespace) =>
        [true, false].map((sameNamespace) => ({ pod, namespace, sameNamespace })),
      ),
    ),
  ].flatMap((peer) =>
    [
      { protocol: 'TCP', port: 80, portName: 'web' },
      { protocol: 'TCP', port: 443 },
      { protocol: 'TCP', port: 8085 },
      { protocol: 'UDP', port: 53, portName: 'dns' },
    ].map((port) => ({ direction, peer, ...port })),
  ),
)

/** The pod templates of namespaces whose selectors some peer meets. */
export function someoneMeets(selector: LabelSelector): boolean {
  return PEER_PODS.some((labels) => matches(selector, labels))
}

export function asObject(name: string, spec: NetworkPolicy['spec']): JsonObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: 'shop', uid: `np-${name}` },
    spec: spec as unknown as JsonObject,
  }
}
