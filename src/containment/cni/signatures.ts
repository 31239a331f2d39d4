import { asArray, asNumber, asString, at } from '../../model/json.js'
import type { KubeObject } from '../../model/kubernetes.js'
import type { Established, NetworkPluginFinding, NetworkPluginName } from '../../model/network-plugin.js'

/** What is said of a plugin wherever it is found. */
const ESTABLISHED: Readonly<Record<NetworkPluginName, readonly [Established, string]>> = {
  // felix accepts what conntrack knows before it looks at policies: projectcalico/calico#2759, #6399
  calico: ['survive', 'Calico looks at new connections only'],
  // bpf_lxc.c asks the policy for every packet in the direction in which the connection was opened, and for no reply
  cilium: ['cut', 'Cilium drops the packets of the side that opened it; replies to them still pass'],
  'gke-dataplane-v2': [
    'cut',
    'Cilium drops the packets of the side that opened it; replies to them still pass',
  ],
  // docs/antrea-network-policy.md, on existing connections (#5381)
  antrea: ['survive', 'Antrea looks at new connections only'],
  // northd marks the tracked connection as blocked by the first packet that an ACL drops
  'ovn-kubernetes': ['cut', 'OVN-Kubernetes applies changed rules to connections that are open'],
  // the eBPF program lets pass what its own table of connections knows
  'eks-network-policy-agent': ['survive', 'the EKS network policy agent looks at new connections only'],
  // its chain is entered for packets of the state NEW alone: npm/pkg/dataplane/policies/chain-management_linux.go
  'azure-npm': ['survive', 'Azure Network Policy Manager looks at new connections only'],
  // kubernetes-sigs/network-policy-api#305 and kube-network-policies#268
  kindnet: ['not-known', 'kindnet looks at new connections only, newer versions at open ones too'],
  'kube-router': ['survive', 'kube-router accepts what is established before it looks at policies'],
  k3s: ['survive', 'k3s enforces policies by kube-router, which accepts what is established'],
  flannel: ['survive', 'flannel enforces no NetworkPolicy'],
  'aws-vpc-cni': ['survive', 'the VPC CNI alone enforces no NetworkPolicy'],
  fargate: ['survive', 'Fargate has no NetworkPolicy'],
}

export function finding(
  plugin: NetworkPluginName,
  evidence: readonly string[],
  enforces: NetworkPluginFinding['enforces'],
  why: string,
): NetworkPluginFinding {
  const [established, establishedWhy] = ESTABLISHED[plugin]
  return { plugin, evidence, enforces, why, established, establishedWhy }
}

type Judge = (daemonSet: KubeObject, evidence: string) => NetworkPluginFinding | undefined

function enforcing(plugin: NetworkPluginName): Judge {
  return (_daemonSet, evidence) => finding(plugin, [evidence], 'yes', 'it enforces NetworkPolicies')
}

const canal: Judge = (daemonSet, evidence) =>
  containerOf(daemonSet, 'calico-node') === undefined
    ? undefined
    : finding('calico', [`${evidence}, with container calico-node`], 'yes', 'it enforces NetworkPolicies')

/** Its chart can put the reference implementation of NetworkPolicies beside it: netpol.enabled. */
const flannel: Judge = (daemonSet, evidence) => {
  const beside = containersOf(daemonSet).some((container) =>
    asString(at(container, 'image'))?.includes('kube-network-policies'),
  )
  const alone = finding('flannel', [evidence], 'no', 'flannel connects pods and enforces no NetworkPolicy')
  if (!beside) return alone
  return {
    ...alone,
    evidence: [`${evidence}, with a container of kube-network-policies`],
    enforces: 'yes',
    why: 'kube-network-policies beside it enforces NetworkPolicies',
    established: 'not-known',
    establishedWhy: 'kube-network-policies looks at new connections only, newer versions at open ones too',
  }
}

/** The DaemonSets by which a plugin is known, by name. */
const SIGNATURES: ReadonlyMap<string, Judge> = new Map([
  ['calico-node', enforcing('calico')],
  ['canal', canal],
  ['rke2-canal', canal],
  ['cilium', enforcing('cilium')],
  ['anetd', enforcing('gke-dataplane-v2')],
  ['antrea-agent', enforcing('antrea')],
  ['ovnkube-node', enforcing('ovn-kubernetes')],
  ['aws-node', awsNode],
  ['azure-npm', enforcing('azure-npm')],
  ['kindnet', kindnet],
  ['kube-router', kubeRouter],
  ['kube-flannel', flannel],
  ['kube-flannel-ds', flannel],
  ['kube-flannel-ds-amd64', flannel],
])

/**
 * What a DaemonSet tells of the network, if anything. One whose status says that it is wanted on no node is no sign of anything.
 * Anybody who may create a DaemonSet can make one of such a name: the evidence names its namespace.
 */
export function judgeDaemonSet(daemonSet: KubeObject): NetworkPluginFinding | undefined {
  const { name = '', namespace = '' } = daemonSet.metadata ?? {}
  const judge = SIGNATURES.get(name)
  const wanted = asNumber(at(daemonSet, 'status', 'desiredNumberScheduled'))
  if (judge === undefined || wanted === 0) return undefined
  const ready = asNumber(at(daemonSet, 'status', 'numberReady'))
  const count = wanted === undefined ? '' : `, ${ready ?? 0} of ${wanted} ready`
  return judge(daemonSet, `DaemonSet ${namespace}/${name}${count}`)
}

/** Source: the chart of the VPC CNI: its container aws-eks-nodeagent has a flag. */
function awsNode(daemonSet: KubeObject, evidence: string): NetworkPluginFinding {
  const agent = containerOf(daemonSet, 'aws-eks-nodeagent')
  const flag = '--enable-network-policy=true'
  if (agent === undefined) {
    return finding('aws-vpc-cni', [evidence], 'no', 'it has no container aws-eks-nodeagent')
  }
  return argumentsOf(agent).includes(flag)
    ? finding(
        'eks-network-policy-agent',
        [`${evidence}, container aws-eks-nodeagent with ${flag}`],
        'yes',
        'it enforces NetworkPolicies',
      )
    : finding('aws-vpc-cni', [evidence], 'no', `its container aws-eks-nodeagent is not started with ${flag}`)
}

/** kind enforces since v0.24.0, whose kindnetd is of 2024-08-13; kindnet itself since v1.3.0. */
function kindnet(daemonSet: KubeObject, evidence: string): NetworkPluginFinding {
  const images = containersOf(daemonSet).flatMap((container) => asString(at(container, 'image')) ?? [])
  const image = images.find((each) => each.includes('kindnet')) ?? ''
  const line = image === '' ? evidence : `${evidence}, image ${image}`
  const dated = /:v(20\d{6})(?:-|$)/.exec(image)?.[1]
  const minor = /:v1\.(\d{1,4})\./.exec(image)?.[1]
  const enforces =
    dated === undefined ? minor !== undefined && Number(minor) >= 3 : Number(dated) >= 20_240_813
  return enforces
    ? finding('kindnet', [line], 'yes', 'this version of it enforces NetworkPolicies')
    : finding('kindnet', [line], 'not-known', 'only newer versions of it enforce NetworkPolicies')
}

function kubeRouter(daemonSet: KubeObject, evidence: string): NetworkPluginFinding {
  const off = containersOf(daemonSet).some((container) =>
    argumentsOf(container).includes('--run-firewall=false'),
  )
  return off
    ? finding('kube-router', [`${evidence}, with --run-firewall=false`], 'no', 'its firewall is turned off')
    : finding('kube-router', [evidence], 'yes', 'it enforces NetworkPolicies')
}

function containersOf(daemonSet: KubeObject): readonly unknown[] {
  return asArray(at(daemonSet, 'spec', 'template', 'spec', 'containers'))
}

function containerOf(daemonSet: KubeObject, name: string): unknown {
  return containersOf(daemonSet).find((container) => at(container, 'name') === name)
}

function argumentsOf(container: unknown): readonly string[] {
  return [...asArray(at(container, 'command')), ...asArray(at(container, 'args'))].flatMap(
    (one) => asString(one) ?? [],
  )
}
