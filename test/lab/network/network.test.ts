import { describe, expect, it } from '@jest/globals'

import { resourcesOf } from '../../../src/lab/api/resources.js'
import { LabNetwork, type Reach } from '../../../src/lab/network/network.js'
import { firstVersion, plant } from '../../../src/lab/objects.js'
import { NODE_A, NODE_B, DB_POD, SIBLING, SUSPECT } from '../../../src/lab/shop/names.js'
import { seedShop } from '../../../src/lab/shop/shop.js'
import { Store } from '../../../src/lab/store/store.js'
import type { JsonObject } from '../../../src/model/json.js'

const NONE: ReadonlySet<string> = new Set()

/** The shop, with further policies in its namespace, and a pod of nobody's in another namespace. */
function world(enforces: boolean, ...specs: readonly JsonObject[]) {
  const seed = seedShop({ now: new Date('2026-11-22T03:00:00Z') })
  const policies = specs.map((spec, index) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `p${index}`, namespace: 'shop', uid: `p-${index}`, resourceVersion: '90000' },
    spec: { policyTypes: ['Ingress', 'Egress'], podSelector: {}, ...spec },
  }))
  // its own policies would decide what is to be decided by those of the test
  const objects = [...seed.objects.filter(({ kind }) => kind !== 'NetworkPolicy'), ...policies]
  const store = new Store(firstVersion(objects))
  plant(store, objects, resourcesOf('1.36'))
  const pod = (name: string): JsonObject => store.get('pods', { namespace: 'shop', name })!
  const stranger: JsonObject = {
    metadata: { name: 'stranger', namespace: 'default', uid: 's' },
    spec: {},
    status: { podIP: '10.42.2.200', hostIP: NODE_B.ip },
  }
  const network = new LabNetwork(store, seed.runtime, enforces)
  return {
    network,
    suspect: pod(SUSPECT.name),
    db: pod(DB_POD.name),
    stranger,
    reach: (from: JsonObject, address: string, port: number): Reach =>
      network.reach(from, address, port, NONE),
  }
}

describe('who reaches whom in the lab, where nothing enforces policies', () => {
  it.each([
    ['a pod that listens', DB_POD.ip, 5432, 'connected'],
    ['a port where nothing listens', DB_POD.ip, 5433, 'refused'],
    ['a Service', '172.20.41.8', 5432, 'connected'],
    ['the API server', '172.20.0.1', 443, 'connected'],
    ['a kubelet', NODE_B.ip, 10_250, 'connected'],
    ['another port of a node', NODE_B.ip, 22, 'refused'],
    ['the provider’s metadata', '169.254.169.254', 80, 'connected'],
    ['an address that leads nowhere', '203.0.113.7', 443, 'silent'],
    ['itself', SUSPECT.ip, 8080, 'connected'],
  ] as const)('%s, with a policy that denies all', (_, address, port, reach) => {
    const { suspect, reach: from } = world(false, {})
    expect(from(suspect, address, port)).toBe(reach)
  })

  it('counts what listens for one try alone', () => {
    const { network, suspect } = world(false)
    expect(network.reach(suspect, DB_POD.ip, 61_000, new Set([`${DB_POD.ip}:61000`]))).toBe('connected')
  })
})

describe('policies, where something enforces them', () => {
  const toDb = { to: [{ podSelector: { matchLabels: { app: 'db' } } }], ports: [{ port: 5432 }] }

  it.each<[string, JsonObject, Reach]>([
    ['all pods deny all', {}, 'silent'],
    ['another pod is selected', { podSelector: { matchLabels: { app: 'x' } } }, 'connected'],
    [
      'egress goes on where ingress alone is denied elsewhere',
      { policyTypes: ['Egress'], egress: [{}] },
      'connected',
    ],
    ['the peer is selected, the port too', { policyTypes: ['Egress'], egress: [toDb] }, 'connected'],
    [
      'the port is another',
      { policyTypes: ['Egress'], egress: [{ ...toDb, ports: [{ port: 80 }] }] },
      'silent',
    ],
    [
      'a range of ports',
      { policyTypes: ['Egress'], egress: [{ ports: [{ port: 5000, endPort: 6000 }] }] },
      'connected',
    ],
    [
      'a port by the name that the far pod has',
      { policyTypes: ['Egress'], egress: [{ ports: [{ port: 'postgres' }] }] },
      'connected',
    ],
    [
      'the protocol is another',
      { policyTypes: ['Egress'], egress: [{ ports: [{ protocol: 'UDP' }] }] },
      'silent',
    ],
    [
      'its range of addresses',
      { policyTypes: ['Egress'], egress: [{ to: [{ ipBlock: { cidr: '10.42.1.0/24' } }] }] },
      'connected',
    ],
    [
      'a hole in that range',
      {
        policyTypes: ['Egress'],
        egress: [{ to: [{ ipBlock: { cidr: '10.42.1.0/24', except: ['10.42.1.11/32'] } }] }],
      },
      'silent',
    ],
    [
      'ingress of the far pod denies',
      { podSelector: { matchLabels: { app: 'db' } }, policyTypes: ['Ingress'] },
      'silent',
    ],
  ])('%s', (_, spec, reach) => {
    const { suspect, reach: from } = world(true, spec)
    expect(from(suspect, DB_POD.ip, 5432)).toBe(reach)
  })

  it('of several, what one allows is allowed', () => {
    const { suspect, reach } = world(true, {}, { ingress: [{}], egress: [{}] })
    expect(reach(suspect, DB_POD.ip, 5432)).toBe('connected')
  })

  it('let in pods of this namespace, and of others where those are selected', () => {
    const from = (peer: JsonObject) => ({ policyTypes: ['Ingress'], ingress: [{ from: [peer] }] })
    const own = world(true, from({ podSelector: {} }))
    expect([own.reach(own.suspect, SIBLING.ip, 8080), own.reach(own.stranger, SIBLING.ip, 8080)]).toEqual([
      'connected',
      'silent',
    ])
    const other = world(
      true,
      from({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } }),
    )
    expect([
      other.reach(other.suspect, SIBLING.ip, 8080),
      other.reach(other.stranger, SIBLING.ip, 8080),
    ]).toEqual(['silent', 'connected'])
  })

  it('decide behind a Service, and leave the pod and its own node alone', () => {
    const { suspect, reach } = world(true, {})
    expect(reach(suspect, '172.20.41.8', 5432)).toBe('silent')
    expect(reach(suspect, '172.20.0.1', 443)).toBe('silent')
    expect(reach(suspect, NODE_A.ip, 10_250)).toBe('connected')
    expect(reach(suspect, NODE_B.ip, 10_250)).toBe('silent')
  })
})

describe('rules in the network of a pod', () => {
  it('drop what comes and what goes, its node included, and count it; without them all is as before', () => {
    const { network, suspect, stranger, reach } = world(false)
    network.drop(suspect, '1f3a9c02')
    expect(reach(suspect, NODE_A.ip, 10_250)).toBe('silent')
    expect(reach(stranger, SUSPECT.ip, 8080)).toBe('silent')
    expect(reach(suspect, SUSPECT.ip, 8080)).toBe('connected')
    expect(network.rulesOf(suspect, '1f3a9c02')).toEqual({ name: '1f3a9c02', in: 3, out: 3 })
    network.restore(suspect, 'another')
    expect(reach(stranger, SUSPECT.ip, 8080)).toBe('silent')
    network.restore(suspect, '1f3a9c02')
    expect(reach(stranger, SUSPECT.ip, 8080)).toBe('connected')
  })
})
