import type { ReadContext } from '../../model/containment.js'
import { isCode, messageOf } from '../../model/errors.js'
import { asString, at, type Json } from '../../model/json.js'
import type { KubeObject, Pod } from '../../model/kubernetes.js'
import type { NetworkPluginFacts, NetworkPluginFinding } from '../../model/network-plugin.js'
import { listObjects, readObject } from '../reading.js'
import { judgeCiliumConfig } from './cilium-config.js'
import { judgeFindings } from './judge.js'
import { finding, judgeDaemonSet } from './signatures.js'

/** Where plugins run, for who may not list DaemonSets everywhere. */
const PLACES: readonly string[] = [
  'kube-system',
  'calico-system',
  'kube-flannel',
  'openshift-ovn-kubernetes',
  'ovn-kubernetes',
]

/** What Amazon's Fargate writes on its pods and on the nodes that stand for them. */
const FARGATE_POD = 'eks.amazonaws.com/fargate-profile'
const FARGATE_NODE = 'eks.amazonaws.com/compute-type'

/**
 * Which network plugin this cluster runs, by what can be seen of it, and what that means for this pod. Reads only; what may not be read
 * is named and makes it not known.
 */
export async function detectNetworkPlugin(context: ReadContext, pod: Pod): Promise<NetworkPluginFacts> {
  const unseen: string[] = []
  const [daemonSets, node] = await Promise.all([
    listDaemonSets(context, unseen),
    readNode(context, pod, unseen),
  ])
  const found = daemonSets.flatMap((each) => judgeDaemonSet(each) ?? [])
  const plugins: NetworkPluginFinding[] = []
  for (const one of found) {
    plugins.push(one.plugin === 'cilium' ? await withConfig(context, one, daemonSets, unseen) : one)
  }
  plugins.push(...k3s(node), ...fargate(pod, node))
  return judgeFindings(pod, plugins.sort(byName), [...new Set(unseen)].sort())
}

async function listDaemonSets(context: ReadContext, unseen: string[]): Promise<readonly KubeObject[]> {
  const path = { group: 'apps', version: 'v1', resource: 'daemonsets' } as const
  const list = (namespace?: string): Promise<readonly KubeObject[] | undefined> =>
    orUnseen(unseen, `the DaemonSets of ${namespace ?? 'all namespaces'}`, () =>
      listObjects<KubeObject>(
        context.kube,
        { ...path, ...(namespace === undefined ? {} : { namespace }) },
        context.run.signal,
      ),
    )
  const everywhere = await list()
  if (everywhere !== undefined) return everywhere
  return (await Promise.all(PLACES.map((place) => list(place)))).flatMap((some) => some ?? [])
}

async function readNode(context: ReadContext, pod: Pod, unseen: string[]): Promise<Json | undefined> {
  const name = pod.spec?.nodeName
  if (name === undefined || name === '') return undefined
  return orUnseen(unseen, `Node ${name}`, () =>
    readObject<Json>(context.kube, { group: '', version: 'v1', resource: 'nodes', name }, context.run.signal),
  )
}

/** Cilium is the DaemonSet and its configuration together; without the latter nobody knows what it does with our label. */
async function withConfig(
  context: ReadContext,
  found: NetworkPluginFinding,
  daemonSets: readonly KubeObject[],
  unseen: string[],
): Promise<NetworkPluginFinding> {
  const namespace = daemonSets.find(({ metadata }) => metadata?.name === 'cilium')?.metadata?.namespace ?? ''
  const name = `ConfigMap ${namespace}/cilium-config`
  const read = { tried: false }
  const configMap = await orUnseen(unseen, name, async () => {
    const object = await readObject<Json>(
      context.kube,
      { group: '', version: 'v1', resource: 'configmaps', namespace, name: 'cilium-config' },
      context.run.signal,
    )
    read.tried = true
    return object
  })
  if (configMap === undefined) {
    const why = read.tried ? `${name} is not there` : `${name} could not be read`
    return { ...found, enforces: 'not-known', why }
  }
  const { enforces, why } = judgeCiliumConfig(configMap)
  return { ...found, evidence: [...found.evidence, name], enforces, why }
}

/** k3s has its policy controller in the one program that is also the kubelet. */
function k3s(node: Json | undefined): readonly NetworkPluginFinding[] {
  const version = asString(at(node, 'status', 'nodeInfo', 'kubeletVersion')) ?? ''
  if (!version.includes('+k3s')) return []
  const why = 'it enforces NetworkPolicies, unless it was started with --disable-network-policy'
  return [finding('k3s', [`kubelet ${version} of the node`], 'yes', why)]
}

function fargate(pod: Pod, node: Json | undefined): readonly NetworkPluginFinding[] {
  const profile = pod.metadata?.labels?.[FARGATE_POD]
  const evidence = [
    ...(profile === undefined ? [] : [`label ${FARGATE_POD}=${profile} of the pod`]),
    ...(at(node, 'metadata', 'labels', FARGATE_NODE) === 'fargate'
      ? [`label ${FARGATE_NODE}=fargate of the node`]
      : []),
  ]
  return evidence.length === 0
    ? []
    : [finding('fargate', evidence, 'no', 'pods on Fargate have no NetworkPolicy')]
}

async function orUnseen<Found>(
  unseen: string[],
  what: string,
  read: () => Promise<Found>,
): Promise<Found | undefined> {
  try {
    return await read()
  } catch (error) {
    if (isCode(error, 'aborted')) throw error
    unseen.push(`${what}: ${messageOf(error)}`)
    return undefined
  }
}

function byName(left: NetworkPluginFinding, right: NetworkPluginFinding): number {
  return left.plugin < right.plugin ? -1 : left.plugin > right.plugin ? 1 : 0
}
