import type { LabelSelector, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyRule } from './kubernetes.js'
import type { PolicyPlan } from './quarantine-plan.js'
import { OPERATORS, selectorMatches, unknownOperators } from './selector.js'

type Labels = Readonly<Record<string, string>>
type Direction = 'Ingress' | 'Egress'

const MAX_LINES = 24
const MAX_PARTS = 8

/**
 * Whether a policy's podSelector selects a pod with these labels, as far as it can be told: a requirement whose operator
 * this version doesn't know counts as met, so the answer errs on the side of "selects".
 */
export function policySelects(policy: NetworkPolicy, labels: Labels): boolean {
  const selector = policy.spec?.podSelector ?? {}
  return selectorMatches(
    {
      ...(selector.matchLabels === undefined ? {} : { matchLabels: selector.matchLabels }),
      matchExpressions: (selector.matchExpressions ?? []).filter(({ operator }) =>
        OPERATORS.has(operator ?? ''),
      ),
    },
    labels,
  )
}

/** Operators in a policy's podSelector that this version can't evaluate; where there are any, nobody knows what it selects. */
export function policyUnknowns(policy: NetworkPolicy): readonly string[] {
  return unknownOperators(policy.spec?.podSelector ?? {})
}

/**
 * The directions that a policy isolates. Where it doesn't say, Ingress always, and Egress if it has egress rules.
 * Source: k8s.io/api networking/v1, NetworkPolicySpec.policyTypes.
 */
export function policyTypesOf(policy: NetworkPolicy): readonly Direction[] {
  const said = policy.spec?.policyTypes ?? []
  if (said.length === 0) {
    return (policy.spec?.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress']
  }
  return (['Ingress', 'Egress'] as const).filter((direction) => said.includes(direction))
}

/**
 * What a policy lets through, a line a rule: 'ingress from pods app=x in this namespace on TCP/80', 'egress to anywhere'. Empty where it
 * allows nothing: no rules, or rules only in a direction that its policyTypes leave out.
 */
export function policyAllows(policy: NetworkPolicy): readonly string[] {
  const types = policyTypesOf(policy)
  const lines = [
    ...(types.includes('Ingress') ? (policy.spec?.ingress ?? []) : []).map((rule) =>
      ruleLine('Ingress', rule),
    ),
    ...(types.includes('Egress') ? (policy.spec?.egress ?? []) : []).map((rule) => ruleLine('Egress', rule)),
  ]
  return lines.length <= MAX_LINES
    ? lines
    : [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more rules`]
}

/**
 * Each policy that selects the pod before or after, sorted by name, with what the deny-all will not override; and each that opens
 * more in between, with the labels `marked`.
 */
export function comparePolicies(
  policies: readonly NetworkPolicy[],
  before: Labels,
  after: Labels,
  marked: Labels = before,
): readonly PolicyPlan[] {
  const opening = new Set(policiesThatOpen(policies, before, marked))
  return policies
    .map((policy) => {
      const allows = policyAllows(policy)
      const selectsAfter = policySelects(policy, after)
      return {
        name: policy.metadata?.name ?? '',
        selectsNow: policySelects(policy, before),
        selectsAfter,
        residual: selectsAfter && allows.length > 0,
        ...(opening.has(policy) ? { opensMore: true as const } : {}),
        allows,
      }
    })
    .filter(({ selectsNow, selectsAfter, opensMore }) => selectsNow || selectsAfter || opensMore)
    .sort((left, right) => (left.name < right.name ? -1 : 1))
}

/**
 * Of the policies, those that these further labels make select the pod and that then let through more than before: they allow
 * in a direction in which some policy isolates the pod now.
 */
function policiesThatOpen(
  policies: readonly NetworkPolicy[],
  before: Labels,
  marked: Labels,
): readonly NetworkPolicy[] {
  const isolated = new Set(
    policies.filter((policy) => policySelects(policy, before)).flatMap((policy) => policyTypesOf(policy)),
  )
  return policies.filter(
    (policy) =>
      policySelects(policy, marked) &&
      !policySelects(policy, before) &&
      allowedDirections(policy).some((direction) => isolated.has(direction)),
  )
}

function allowedDirections(policy: NetworkPolicy): readonly Direction[] {
  const { ingress = [], egress = [] } = policy.spec ?? {}
  return policyTypesOf(policy).filter((direction) => (direction === 'Ingress' ? ingress : egress).length > 0)
}

function ruleLine(direction: Direction, rule: NetworkPolicyRule): string {
  const peers = (direction === 'Ingress' ? rule.from : rule.to) ?? []
  const verb = direction === 'Ingress' ? 'ingress from' : 'egress to'
  const where = peers.length === 0 ? 'anywhere' : some(peers.map(peerWords), ' or ')
  const ports = rule.ports ?? []
  return `${verb} ${where}${ports.length === 0 ? '' : ` on ${some(ports.map(portWords), ', ')}`}`
}

function peerWords(peer: NetworkPolicyPeer): string {
  if (peer.ipBlock !== undefined) {
    const except = peer.ipBlock.except ?? []
    return `${peer.ipBlock.cidr ?? '?'}${except.length === 0 ? '' : ` except ${some(except, ', ')}`}`
  }
  const pods = peer.podSelector === undefined ? 'all pods' : selected('pods', peer.podSelector)
  if (peer.namespaceSelector !== undefined) {
    return `${pods} in ${selected('namespaces', peer.namespaceSelector)}`
  }
  return peer.podSelector === undefined
    ? 'a peer that this version does not know'
    : `${pods} in this namespace`
}

function portWords(port: NonNullable<NetworkPolicyRule['ports']>[number]): string {
  const protocol = port.protocol ?? 'TCP'
  if (port.port === undefined) return `every ${protocol} port`
  return `${protocol}/${port.port}${port.endPort === undefined ? '' : `-${port.endPort}`}`
}

function selected(plural: string, selector: LabelSelector): string {
  const words = selectorWords(selector)
  return words === '' ? `all ${plural}` : `${plural} ${words}`
}

/** A label selector as kubectl writes it: 'app=x,tier in (a,b),!canary'. Empty for the one that matches everything. */
function selectorWords(selector: LabelSelector): string {
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const expressions = (selector.matchExpressions ?? []).map(({ key = '', operator = '', values = [] }) => {
    switch (operator) {
      case 'In':
        return `${key} in (${values.join(',')})`
      case 'NotIn':
        return `${key} notin (${values.join(',')})`
      case 'Exists':
        return key
      case 'DoesNotExist':
        return `!${key}`
      default:
        return `${key} ${operator} (${values.join(',')})`
    }
  })
  return some([...equal, ...expressions], ',')
}

function some(parts: readonly string[], separator: string): string {
  return parts.length <= MAX_PARTS
    ? parts.join(separator)
    : `${parts.slice(0, MAX_PARTS).join(separator)} and ${parts.length - MAX_PARTS} more`
}
