import type { ApiPath } from '../model/api-path.js'
import type { Json } from '../model/json.js'
import type { NetworkPolicy } from '../model/kubernetes.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import { uid8, type Target } from '../model/target.js'
import { caseMarks, marksOf } from './marks.js'

type Suspect = Pick<Target, 'namespace' | 'name' | 'uid'>

export function denyAllName(suspect: Pick<Target, 'uid'>): string {
  return `impound-${uid8(suspect)}`
}

export function policiesPath(namespace: string, name?: string): ApiPath {
  return {
    group: 'networking.k8s.io',
    version: 'v1',
    resource: 'networkpolicies',
    namespace,
    ...(name === undefined ? {} : { name }),
  }
}

/** The deny-all: both directions, no rule, selecting the quarantine label of this one pod. */
export function denyAllManifest(suspect: Suspect, caseName: string): Json {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: {
      name: denyAllName(suspect),
      namespace: suspect.namespace,
      ...caseMarks({ uid: suspect.uid, case: caseName }),
    },
    spec: {
      podSelector: { matchLabels: { [QUARANTINE_KEY]: uid8(suspect) } },
      policyTypes: ['Ingress', 'Egress'],
    },
  }
}

/** Whether a policy is the deny-all of this pod and case, and still denies all: what may be used, and later deleted. */
export function isOurDenyAll(policy: NetworkPolicy, suspect: Suspect, caseName: string): boolean {
  const { metadata } = policy
  return (
    metadata?.name === denyAllName(suspect) &&
    marksOf(policy).case === caseName &&
    marksOf(policy).uid === suspect.uid &&
    metadata.deletionTimestamp === undefined &&
    deniesAll(policy, suspect)
  )
}

function deniesAll({ spec }: NetworkPolicy, suspect: Suspect): boolean {
  const labels = spec?.podSelector?.matchLabels ?? {}
  const types = spec?.policyTypes ?? []
  return (
    Object.keys(labels).length === 1 &&
    labels[QUARANTINE_KEY] === uid8(suspect) &&
    (spec?.podSelector?.matchExpressions ?? []).length === 0 &&
    types.length === 2 &&
    types.includes('Ingress') &&
    types.includes('Egress') &&
    (spec?.ingress ?? []).length === 0 &&
    (spec?.egress ?? []).length === 0
  )
}

/** Of which pod and case a policy says it is the deny-all; undefined where it is no policy of ours. */
export function denyAllOf(
  policy: NetworkPolicy,
): { readonly uid: string; readonly case: string } | undefined {
  const { uid, case: caseName } = marksOf(policy)
  return uid !== undefined && caseName !== undefined && policy.metadata?.name === denyAllName({ uid })
    ? { uid, case: caseName }
    : undefined
}
