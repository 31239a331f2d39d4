import { describe, expect, it } from '@jest/globals'

import { networkCollector } from '../../src/collectors/network.js'
import { urlPath, type ApiPath } from '../../src/model/api-path.js'
import type { CollectContext, RecordedRead } from '../../src/model/collector.js'
import type { NetworkDocument } from '../../src/model/documents.js'
import { ImpoundError, type ErrorCode } from '../../src/model/errors.js'
import type { Json } from '../../src/model/json.js'
import type { Registry } from '../../src/model/ports/registry.js'
import { complaints } from '../containment/schemas.js'
import { collectContext, targetOf } from './collect-context.js'
import { MemorySink } from './memory-sink.js'

const POD_UID = '1f3a9c02'
const TARGET = (() => {
  const target = targetOf({ name: 'app', image: 'x', imageID: 'y' })
  return { ...target, pod: { ...target.pod, metadata: { ...target.pod.metadata, labels: { app: 'web' } } } }
})()

type Pages = readonly (readonly Json[])[]

const CLUSTER: Readonly<Record<string, Pages>> = {
  '/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies': [
    [{ metadata: { name: 'web-in' }, spec: { podSelector: { matchLabels: { app: 'web' } }, ingress: [{}] } }],
    [
      {
        metadata: { name: 'all-out' },
        spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{ ports: [{ port: 443 }] }] },
      },
      { metadata: { name: 'db' }, spec: { podSelector: { matchLabels: { app: 'db' } } } },
      {
        metadata: { name: 'odd' },
        spec: { podSelector: { matchExpressions: [{ key: 'app', operator: 'Like' }] } },
      },
    ],
  ],
  '/api/v1/namespaces/shop/services': [
    [
      {
        metadata: { name: 'web' },
        spec: {
          type: 'NodePort',
          clusterIP: '10.96.0.9',
          selector: { app: 'web' },
          ports: [{ port: 80, targetPort: 'http', protocol: 'TCP' }],
        },
      },
      { metadata: { name: 'by-hand' }, spec: { clusterIP: 'None', ports: [{ port: 53, protocol: 'UDP' }] } },
      { metadata: { name: 'db' }, spec: { selector: { app: 'db' } } },
    ],
  ],
  '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices': [
    [
      {
        metadata: { labels: { 'kubernetes.io/service-name': 'web' } },
        endpoints: [
          {
            addresses: ['10.0.0.8'],
            conditions: { ready: false },
            targetRef: { kind: 'Pod', name: 'other', uid: 'o' },
          },
          { addresses: ['10.0.0.9'], conditions: {}, targetRef: { kind: 'Pod', name: 'web', uid: POD_UID } },
        ],
      },
      {
        metadata: { labels: { 'kubernetes.io/service-name': 'by-hand' } },
        endpoints: [{ addresses: ['10.0.0.9'], targetRef: { kind: 'Pod', name: 'web', uid: POD_UID } }],
      },
      { metadata: {}, endpoints: [{ addresses: ['1.1.1.1'] }] },
    ],
  ],
  '/api/v1/namespaces/shop/endpoints': [
    [
      {
        metadata: { name: 'web' },
        subsets: [
          {
            notReadyAddresses: [{ ip: '10.0.0.8' }],
            addresses: [{ ip: '10.0.0.9', targetRef: { kind: 'Pod', name: 'web', uid: POD_UID } }],
          },
        ],
      },
    ],
  ],
  '/apis/networking.k8s.io/v1/namespaces/shop/ingresses': [
    [
      {
        metadata: { name: 'front' },
        spec: {
          rules: [
            {
              host: 'shop.example',
              http: {
                paths: [{ backend: { service: { name: 'web' } } }, { backend: { service: { name: 'db' } } }],
              },
            },
            { host: 'db.example', http: { paths: [{ backend: { service: { name: 'db' } } }] } },
          ],
        },
      },
      { metadata: { name: 'default' }, spec: { defaultBackend: { service: { name: 'by-hand' } } } },
      {
        metadata: { name: 'elsewhere' },
        spec: { rules: [{ host: 'x', http: { paths: [{ backend: { service: { name: 'db' } } }] } }] },
      },
    ],
  ],
  '/apis/extensions/v1beta1/namespaces/shop/ingresses': [
    [
      {
        metadata: { name: 'old' },
        spec: { rules: [{ http: { paths: [{ backend: { serviceName: 'web' } }] } }] },
      },
    ],
  ],
}

interface Script {
  /** By resource. */
  readonly fails?: Readonly<Record<string, ErrorCode>>
  readonly unserved?: readonly string[]
  readonly failedGroups?: readonly string[]
}

function context(sink: MemorySink, { fails = {}, unserved = [], failedGroups = [] }: Script): CollectContext {
  const base = collectContext({ registry: {} as unknown as Registry, sink })
  let pages = 0
  return {
    ...base,
    phase: 'read',
    api: {
      ...base.api,
      discover: async () => ({
        resources: Object.keys(CLUSTER)
          .filter((path) => !unserved.some((each) => path.includes(each)))
          .map((path) => {
            const parts = path.split('/')
            const core = parts[1] === 'api'
            return {
              group: core ? '' : parts[2]!,
              version: core ? parts[2]! : parts[3]!,
              resource: parts.at(-1)!,
              kind: '',
              namespaced: true,
              verbs: [],
              preferred: true,
            }
          }),
        failedGroups,
      }),
      list: async (path) => {
        const { resource } = path as ApiPath
        const code = fails[resource]
        if (code !== undefined) throw new ImpoundError(code, `${resource}: ${code}`)
        return (CLUSTER[urlPath(path as ApiPath)] ?? []).map((items): RecordedRead => {
          pages += 1
          return { artefact: `api/${pages}.json`, response: {} as RecordedRead['response'], json: { items } }
        })
      },
    },
  }
}

async function collect(
  script: Script = {},
): Promise<{ readonly sink: MemorySink; readonly document: NetworkDocument }> {
  const sink = new MemorySink()
  await networkCollector.collect(context(sink, script), TARGET, sink)
  const document = sink.json('network.json') as NetworkDocument
  expect(complaints('network', document)).toEqual([])
  return { sink, document }
}

describe('the network collector', () => {
  it('says of every policy of every page whether it selects the pod and what it allows', async () => {
    const { document } = await collect()
    expect(document.policies).toEqual([
      {
        name: 'all-out',
        selectsNow: true,
        allows: ['egress to anywhere on TCP/443'],
        policyTypes: ['Egress'],
        unknownOperators: [],
      },
      { name: 'db', selectsNow: false, allows: [], policyTypes: ['Ingress'], unknownOperators: [] },
      { name: 'odd', selectsNow: true, allows: [], policyTypes: ['Ingress'], unknownOperators: ['Like'] },
      {
        name: 'web-in',
        selectsNow: true,
        allows: ['ingress from anywhere'],
        policyTypes: ['Ingress'],
        unknownOperators: [],
      },
    ])
  })

  it('joins Services with their endpoints and knows the target among them, ready ones first', async () => {
    const { document } = await collect()
    expect(document.services).toEqual([
      {
        name: 'by-hand',
        type: 'ClusterIP',
        clusterIP: 'None',
        selectsPod: false,
        ports: ['UDP/53'],
        endpoints: [{ address: '10.0.0.9', ready: true, pod: 'web', isTarget: true }],
      },
      { name: 'db', type: 'ClusterIP', clusterIP: '', selectsPod: false, ports: [], endpoints: [] },
      {
        name: 'web',
        type: 'NodePort',
        clusterIP: '10.96.0.9',
        selectsPod: true,
        ports: ['TCP/80 to http'],
        endpoints: [
          { address: '10.0.0.9', ready: true, pod: 'web', isTarget: true },
          { address: '10.0.0.8', ready: false, pod: 'other', isTarget: false },
        ],
      },
    ])
  })

  it('finds the Ingresses that lead to the pod, by the hosts that do', async () => {
    const { document } = await collect()
    expect(document.ingresses).toEqual([
      { name: 'default', hosts: ['*'], services: ['by-hand'] },
      { name: 'front', hosts: ['shop.example'], services: ['web'] },
    ])
  })

  it('names every body that it was made from', async () => {
    const { sink, document } = await collect()
    expect(document.derivedFrom).toEqual([
      'api/1.json',
      'api/2.json',
      'api/3.json',
      'api/4.json',
      'api/5.json',
    ])
    expect(sink.records.get('network.json')?.source.derivedFrom).toEqual(document.derivedFrom)
    expect(document.missing).toEqual([])
  })

  it('reads Endpoints and Ingresses of older servers', async () => {
    const { document } = await collect({
      unserved: ['discovery.k8s.io', 'v1/namespaces/shop/ingresses'].slice(0, 1),
    })
    expect(document.services?.find(({ name }) => name === 'web')?.endpoints).toEqual([
      { address: '10.0.0.9', ready: true, pod: 'web', isTarget: true },
      { address: '10.0.0.8', ready: false, isTarget: false },
    ])
    const old = await collect({ unserved: ['networking.k8s.io/v1/namespaces/shop/ingresses'] })
    expect(old.document.ingresses).toEqual([{ name: 'old', hosts: ['*'], services: ['web'] }])
  })

  it.each<[string, keyof NetworkDocument, string]>([
    ['networkpolicies', 'policies', 'NetworkPolicies'],
    ['services', 'services', 'Services'],
    ['ingresses', 'ingresses', 'Ingresses'],
  ])('leaves out %s that are forbidden, and says so in document and ledger', async (resource, key, what) => {
    const { sink, document } = await collect({ fails: { [resource]: 'forbidden' } })
    expect(document[key]).toBeUndefined()
    expect(document.missing).toEqual([{ what, reason: 'forbidden', detail: `${resource}: forbidden` }])
    expect(sink.row(`network ${what}`)).toMatchObject({ status: 'failed', reason: 'forbidden' })
    expect(sink.row('network')).toMatchObject({ status: 'collected' })
  })

  it('takes what is not served for not there, unless its group does not answer', async () => {
    const unserved = ['ingresses']
    const none = await collect({ unserved })
    expect(none.document.missing).toMatchObject([{ what: 'Ingresses', reason: 'not-applicable' }])
    expect(none.sink.row('network Ingresses')).toMatchObject({ status: 'skipped', reason: 'not-applicable' })
    const broken = await collect({ unserved, failedGroups: ['networking.k8s.io/v1'] })
    expect(broken.document.missing).toMatchObject([{ what: 'Ingresses', reason: 'unreachable' }])
    expect(broken.sink.row('network Ingresses')).toMatchObject({ status: 'failed' })
  })

  it('fails where nothing could be read', async () => {
    const fails = {
      networkpolicies: 'forbidden',
      services: 'forbidden',
      endpointslices: 'forbidden',
      ingresses: 'forbidden',
    } as const
    await expect(collect({ fails })).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('stops at once when the run is interrupted', async () => {
    await expect(collect({ fails: { services: 'aborted' } })).rejects.toMatchObject({ code: 'aborted' })
  })
})
