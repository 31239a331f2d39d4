import { describe, expect, it } from '@jest/globals'

import { createContainment, detectNetworkPlugin } from '../../../src/containment/index.js'
import type { Json, JsonObject } from '../../../src/model/json.js'
import type { NetworkPluginFacts } from '../../../src/model/network-plugin.js'
import type { MemoryApi } from '../memory-api.js'
import { complaints } from '../schemas.js'
import { OPTIONS, pod, shop, SUSPECT, suspect, target, UID } from '../shop.js'

interface Made {
  readonly namespace?: string
  readonly containers?: readonly JsonObject[]
  readonly wanted?: number
}

function daemonSet(
  api: MemoryApi,
  name: string,
  { namespace = 'kube-system', containers, wanted }: Made = {},
) {
  api.put('daemonsets', {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace, uid: `ds-${name}` },
    spec: { template: { spec: { containers: (containers ?? [{ name }]) as Json } } },
    status: { desiredNumberScheduled: wanted ?? 3, numberReady: wanted ?? 3 },
  })
}

function configMap(api: MemoryApi, data: JsonObject): void {
  const metadata = { name: 'cilium-config', namespace: 'kube-system', uid: 'cm-1' }
  api.put('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
}

function node(api: MemoryApi, kubeletVersion: string, labels: JsonObject = {}): void {
  api.put('nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-a', namespace: '', uid: 'node-1', labels },
    status: { nodeInfo: { kubeletVersion } },
  })
}

async function detected(make: (api: MemoryApi) => void): Promise<NetworkPluginFacts> {
  const api = shop()
  make(api)
  return detectNetworkPlugin(api.context, suspect(api))
}

const AGENT = 'aws-eks-nodeagent'

describe('the network plugin of a cluster', () => {
  it.each<[string, (api: MemoryApi) => void, Partial<NetworkPluginFacts>]>([
    [
      'calico-node',
      (api) => daemonSet(api, 'calico-node', { namespace: 'calico-system' }),
      { enforces: 'yes', established: 'survive' },
    ],
    [
      'canal',
      (api) => daemonSet(api, 'canal', { containers: [{ name: 'calico-node' }, { name: 'kube-flannel' }] }),
      { enforces: 'yes', established: 'survive' },
    ],
    ['anetd', (api) => daemonSet(api, 'anetd'), { enforces: 'yes', established: 'cut' }],
    ['antrea-agent', (api) => daemonSet(api, 'antrea-agent'), { enforces: 'yes', established: 'survive' }],
    ['ovnkube-node', (api) => daemonSet(api, 'ovnkube-node'), { enforces: 'yes', established: 'cut' }],
    ['azure-npm', (api) => daemonSet(api, 'azure-npm'), { enforces: 'yes', established: 'survive' }],
    ['kube-router', (api) => daemonSet(api, 'kube-router'), { enforces: 'yes', established: 'survive' }],
    [
      'kube-router without its firewall',
      (api) =>
        daemonSet(api, 'kube-router', {
          containers: [{ name: 'kube-router', args: ['--run-firewall=false'] }],
        }),
      { enforces: 'no' },
    ],
    [
      'kindnet of a newer kind',
      (api) =>
        daemonSet(api, 'kindnet', {
          containers: [{ name: 'kindnet-cni', image: 'docker.io/kindest/kindnetd:v20241212-9f82dd49' }],
        }),
      { enforces: 'yes', established: 'not-known' },
    ],
    [
      'kindnet of an older kind',
      (api) =>
        daemonSet(api, 'kindnet', {
          containers: [{ name: 'kindnet-cni', image: 'docker.io/kindest/kindnetd:v20240202-8f1494ea' }],
        }),
      { enforces: 'not-known' },
    ],
    ['k3s', (api) => node(api, 'v1.33.1+k3s1'), { enforces: 'yes', established: 'survive' }],
    [
      'flannel alone',
      (api) => daemonSet(api, 'kube-flannel-ds', { namespace: 'kube-flannel' }),
      { enforces: 'no', established: 'survive' },
    ],
    [
      'flannel with policies beside it',
      (api) =>
        daemonSet(api, 'kube-flannel-ds', {
          containers: [
            { name: 'kube-flannel' },
            { name: 'np', image: 'registry.k8s.io/networking/kube-network-policies:v0.7.0' },
          ],
        }),
      { enforces: 'yes' },
    ],
    [
      'flannel and calico',
      (api) => {
        daemonSet(api, 'kube-flannel-ds')
        daemonSet(api, 'calico-node')
      },
      { enforces: 'yes', established: 'survive' },
    ],
    ['the VPC CNI without an agent', (api) => daemonSet(api, 'aws-node'), { enforces: 'no' }],
    [
      'an agent that is off',
      (api) =>
        daemonSet(api, 'aws-node', {
          containers: [{ name: AGENT, args: ['--enable-network-policy=false'] }],
        }),
      { enforces: 'no' },
    ],
    [
      'an agent that is on',
      (api) =>
        daemonSet(api, 'aws-node', { containers: [{ name: AGENT, args: ['--enable-network-policy=true'] }] }),
      { enforces: 'yes', established: 'survive' },
    ],
    [
      'two that treat open connections differently',
      (api) => {
        daemonSet(api, 'calico-node')
        daemonSet(api, 'ovnkube-node')
      },
      { enforces: 'yes', established: 'not-known' },
    ],
    [
      'a DaemonSet that runs nowhere',
      (api) => daemonSet(api, 'calico-node', { wanted: 0 }),
      { enforces: 'not-known', plugins: [] },
    ],
    [
      'nothing that is known here',
      () => undefined,
      { enforces: 'not-known', plugins: [], established: 'not-known' },
    ],
  ])('%s', async (_what, make, expected) => {
    expect(await detected(make)).toMatchObject(expected)
  })

  it('is named with its evidence', async () => {
    const { plugins } = await detected((api) => daemonSet(api, 'calico-node', { namespace: 'calico-system' }))
    expect(plugins).toMatchObject([
      { plugin: 'calico', evidence: ['DaemonSet calico-system/calico-node, 3 of 3 ready'] },
    ])
  })

  it.each<[string, JsonObject, string, string]>([
    ['as it comes', {}, 'yes', 'let our label pass'],
    ['in audit mode', { 'policy-audit-mode': 'true' }, 'no', 'policy-audit-mode'],
    ['with policies off', { 'enable-policy': 'never' }, 'no', 'never'],
    [
      'that looks at no NetworkPolicy',
      { 'enable-k8s-networkpolicy': 'false' },
      'no',
      'enable-k8s-networkpolicy',
    ],
    [
      'that keeps some labels only',
      { labels: 'k8s:io\\.kubernetes\\.pod\\.namespace k8s:app' },
      'no',
      'drop impound.dev/quarantine',
    ],
    ['that ignores ours', { labels: '!impound.*' }, 'no', 'drop impound.dev/quarantine'],
    ['that keeps ours among some', { labels: 'k8s:app k8s:impound\\.dev/' }, 'yes', 'let our label pass'],
    ['that ignores others', { labels: '!pod-template-hash k8s:!job-name' }, 'yes', 'let our label pass'],
    ['whose filters are a riddle', { labels: '(a|b)+$' }, 'not-known', 'can’t be told'],
    ['whose filters lie in a file', { 'label-prefix-file': '/x' }, 'not-known', 'label-prefix-file'],
  ])('Cilium %s', async (_what, data, enforces, why) => {
    const facts = await detected((api) => {
      daemonSet(api, 'cilium')
      configMap(api, data)
    })
    expect(facts).toMatchObject({ enforces, plugins: [{ plugin: 'cilium' }] })
    expect(facts.why).toContain(why)
  })

  it('is not known where Cilium’s configuration may not be read', async () => {
    const facts = await detected((api) => {
      daemonSet(api, 'cilium')
      configMap(api, {})
      api.unreadable.set('configmaps', 'forbidden')
    })
    expect(facts).toMatchObject({ enforces: 'not-known', plugins: [{ enforces: 'not-known' }] })
    expect(facts.unseen.join()).toContain('ConfigMap kube-system/cilium-config')
  })

  it('is looked for where plugins run, by who may not list DaemonSets everywhere', async () => {
    const facts = await detected((api) => {
      daemonSet(api, 'calico-node')
      const list = api.list.bind(api)
      api.list = (path) => {
        const all = typeof path !== 'string' && path.resource === 'daemonsets' && path.namespace === undefined
        if (all) api.unreadable.set('daemonsets', 'forbidden')
        else api.unreadable.delete('daemonsets')
        return list(path)
      }
    })
    expect(facts).toMatchObject({ enforces: 'yes', plugins: [{ plugin: 'calico' }] })
    expect(facts.unseen.join()).toContain('the DaemonSets of all namespaces')
  })

  it('is not known, and never none, where nothing may be read', async () => {
    const facts = await detected((api) => {
      daemonSet(api, 'kube-flannel-ds')
      api.unreadable.set('daemonsets', 'forbidden')
      api.unreadable.set('nodes', 'forbidden')
    })
    expect(facts).toMatchObject({ plugins: [], enforces: 'not-known', established: 'not-known' })
    expect(facts.unseen).toContain('Node node-a: nodes is forbidden')
  })

  it('of EKS shares its rules among siblings: said, with what cuts the pod alone', async () => {
    const { warnings } = await detected((api) =>
      daemonSet(api, 'aws-node', { containers: [{ name: AGENT, args: ['--enable-network-policy=true'] }] }),
    )
    expect(warnings.join()).toContain('per-pod isolation unreliable')
    expect(warnings.join()).toContain('shop/web-6dd6-*')
    expect(warnings.join()).toContain('--drop-connections')
  })
})

describe('a pod that no NetworkPolicy reaches', () => {
  async function fargate(): Promise<MemoryApi> {
    const api = shop()
    daemonSet(api, 'calico-node')
    const metadata = pod(SUSPECT, UID)['metadata'] as JsonObject
    const labels = { ...(metadata['labels'] as JsonObject), 'eks.amazonaws.com/fargate-profile': 'web' }
    api.put('pods', pod(SUSPECT, UID, { metadata: { ...metadata, labels } }))
    return Promise.resolve(api)
  }

  it('runs on Fargate, whatever else the cluster runs, and the plan says what the provider has', async () => {
    const api = await fargate()
    const plan = await createContainment(OPTIONS).plan(api.context, target(api))
    expect(plan.network).toMatchObject({
      enforces: 'no',
      why: 'fargate: pods on Fargate have no NetworkPolicy',
    })
    expect(plan.warnings).toContain(
      'a NetworkPolicy has no effect on this pod: fargate: pods on Fargate have no NetworkPolicy',
    )
    expect(plan.warnings.join()).toContain('Values=10.0.3.9')
    expect(complaints('quarantine-plan', plan)).toEqual([])
  })

  it('is not contained, and the verdict says so at once', async () => {
    const api = await fargate()
    const containment = createContainment(OPTIONS)
    const plan = await containment.plan(api.context, target(api))
    await containment.apply(api.context, plan)
    const verdict = await containment.verify(api.context, plan)
    expect(verdict).toMatchObject({ kind: 'not-enforced' })
    expect(verdict.why).toContain('Fargate have no NetworkPolicy')
    expect(verdict.inForceAt).toBeUndefined()
  })
})

describe('what a plan says of connections that are open', () => {
  it.each([
    ['calico-node', 'they survive it (Calico looks at new connections only)'],
    ['ovnkube-node', 'they are to be cut too'],
  ])('is what %s does', async (name, says) => {
    const api = shop()
    daemonSet(api, name)
    const plan = await createContainment(OPTIONS).plan(api.context, target(api))
    expect(plan.wontStop[0]).toContain(says)
    expect(plan.warnings.join()).not.toContain('has any effect')
  })
})
