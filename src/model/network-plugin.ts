/** What enforces NetworkPolicies, by signs that it leaves in the cluster. `flannel` and `aws-vpc-cni` connect pods and enforce none. */
export type NetworkPluginName =
  | 'calico'
  | 'cilium'
  | 'gke-dataplane-v2'
  | 'antrea'
  | 'ovn-kubernetes'
  | 'eks-network-policy-agent'
  | 'azure-npm'
  | 'kindnet'
  | 'kube-router'
  | 'k3s'
  | 'flannel'
  | 'aws-vpc-cni'
  | 'fargate'

export type Enforces = 'yes' | 'no' | 'not-known'

/** What becomes of a connection that is open when a policy begins to deny it. */
export type Established = 'survive' | 'cut' | 'not-known'

/** One plugin and by what it was recognised. */
export interface NetworkPluginFinding {
  readonly plugin: NetworkPluginName
  /** A line each: 'DaemonSet kube-system/calico-node, 3 of 3 ready'. */
  readonly evidence: readonly string[]
  readonly enforces: Enforces
  /** Why it does, does not, or why that can't be told. */
  readonly why: string
  readonly established: Established
  readonly establishedWhy: string
}

/**
 * What is known of how NetworkPolicies take effect on one pod. Only signs that are there count: that none was found, or that looking
 * was forbidden, makes it not known, never none.
 */
export interface NetworkPluginFacts {
  readonly plugins: readonly NetworkPluginFinding[]
  /** Whether the quarantine's NetworkPolicy takes effect on this pod, by what the cluster says of itself; it was not tried. */
  readonly enforces: Enforces
  readonly why: string
  readonly established: Established
  readonly establishedWhy: string
  /** What is odd about it for this pod, a line each. */
  readonly warnings: readonly string[]
  /** What could not be read, and why. */
  readonly unseen: readonly string[]
}

const SAYS: Readonly<Record<Established, string>> = {
  survive: 'connections that are open survive the cut',
  cut: 'connections that are open are cut too',
  'not-known': 'what becomes of connections that are open is not known',
}

/** What is known of it, a line each: each plugin with its evidence, what it does with open connections, what could not be read. */
export function networkLines(facts: NetworkPluginFacts): readonly string[] {
  const { plugins, enforces, why, established, establishedWhy, unseen } = facts
  return [
    ...plugins.map((found) => `${found.plugin}, by ${found.evidence.join(' and ')}: ${found.why}`),
    ...(plugins.length === 0 ? [`not known: ${why}`] : []),
    ...(enforces === 'not-known' && plugins.length > 0 ? ['whether policies take effect is not known'] : []),
    `${SAYS[established]}: ${establishedWhy}`,
    ...unseen.map((what) => `could not be read: ${what}`),
  ]
}
