import type { Pod } from '../../model/kubernetes.js'
import type { Established, NetworkPluginFacts, NetworkPluginFinding } from '../../model/network-plugin.js'
import { forShell } from '../../text/shell.js'

/** What the plugins that were found come to for one pod. */
export function judgeFindings(
  pod: Pod,
  plugins: readonly NetworkPluginFinding[],
  unseen: readonly string[],
): NetworkPluginFacts {
  // nothing else can enforce anything there
  const fargate = plugins.find(({ plugin }) => plugin === 'fargate')
  const relevant = fargate === undefined ? plugins : [fargate]
  const enforcing = relevant.filter(({ enforces }) => enforces === 'yes')
  const doubtful = relevant.filter(({ enforces }) => enforces === 'not-known')
  const warnings = [...eksWarnings(pod, enforcing), ...fargateWarnings(pod, fargate)]
  const facts = { plugins, warnings, unseen }
  if (enforcing.length > 0) {
    return { ...facts, enforces: 'yes', why: words(enforcing), ...establishedOf(enforcing) }
  }
  const open = {
    established: 'not-known',
    establishedWhy: 'what enforces policies here is not known',
  } as const
  if (doubtful.length > 0) return { ...facts, enforces: 'not-known', why: words(doubtful), ...open }
  const nothing = relevant.filter(({ plugin }) => plugin !== 'flannel' && plugin !== 'aws-vpc-cni')
  if (nothing.length > 0) return { ...facts, enforces: 'no', why: words(nothing), ...establishedOf(nothing) }
  if (unseen.length > 0) {
    return {
      ...facts,
      enforces: 'not-known',
      why: 'not all could be read by which a plugin is known',
      ...open,
    }
  }
  // what only connects pods says nothing of a plugin that shows no sign that is known here
  return relevant.length > 0
    ? {
        ...facts,
        enforces: 'no',
        why: `${words(relevant)}; and nothing else that is known here runs`,
        ...establishedOf(relevant),
      }
    : { ...facts, enforces: 'not-known', why: 'no sign of a plugin that is known here', ...open }
}

function words(findings: readonly NetworkPluginFinding[]): string {
  return findings.map(({ plugin, why }) => `${plugin}: ${why}`).join('; ')
}

/** Where several enforce, what is open survives only where all leave it. */
function establishedOf(findings: readonly NetworkPluginFinding[]): {
  readonly established: Established
  readonly establishedWhy: string
} {
  const kinds = new Set(findings.map(({ established }) => established))
  const [only = 'not-known'] = kinds
  return {
    established: kinds.size === 1 ? only : 'not-known',
    establishedWhy: [...new Set(findings.map(({ establishedWhy }) => establishedWhy))].join('; '),
  }
}

/** Source: GetPodIdentifier of aws/aws-network-policy-agent: the name less its last segment, and the namespace. */
function eksWarnings(pod: Pod, enforcing: readonly NetworkPluginFinding[]): readonly string[] {
  if (!enforcing.some(({ plugin }) => plugin === 'eks-network-policy-agent')) return []
  const { name = '', namespace = '' } = pod.metadata ?? {}
  const shared = name.includes('-') ? `${name.slice(0, name.lastIndexOf('-'))}-*` : name
  return [
    `per-pod isolation unreliable: the EKS agent shares its rules among the pods ${namespace}/${shared} of a node; --drop-connections with --allow node cuts this pod alone`,
  ]
}

function fargateWarnings(pod: Pod, fargate: NetworkPluginFinding | undefined): readonly string[] {
  if (fargate === undefined) return []
  const address = pod.status?.podIP
  if (address === undefined)
    return ['Fargate: isolate the pod by the security groups of its network interface']
  return [
    'Fargate: the security groups of its network interface are what can isolate the pod, where AWS lets you change them:',
    `aws ec2 describe-network-interfaces --filters ${forShell(`Name=addresses.private-ip-address,Values=${address}`)} --query 'NetworkInterfaces[].[NetworkInterfaceId,Groups]'`,
    'aws ec2 modify-network-interface-attribute --network-interface-id ENI --groups SECURITY-GROUP-WITHOUT-RULES',
  ]
}
