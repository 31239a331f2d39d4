import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../../src/lab/lab.js'
import { asArray, at, type JsonObject } from '../../../src/model/json.js'
import { accessOf, call, jsonPatch, mergePatch, type Access } from '../client.js'
import { smallPod, smallSeed, UID_ONE } from '../small-seed.js'

const POD = '/api/v1/namespaces/shop/pods/web-6dd6-one'
const RELEASE = [
  { op: 'remove', path: '/metadata/labels/app' },
  { op: 'remove', path: '/metadata/labels/pod-template-hash' },
  { op: 'add', path: '/metadata/labels/quarantine', value: '1' },
]

let lab: Lab
let admin: Access

beforeEach(async () => {
  lab = await startLab({ seed: smallSeed, pace: { react: 5, start: 20 } })
  await lab.settled()
  admin = await accessOf(lab.kubeconfig)
})
afterEach(() => lab.close())

const pods = (): readonly JsonObject[] => lab.objects.list('pods', 'shop')
const names = (): readonly unknown[] => pods().map((pod) => at(pod, 'metadata', 'name'))
const messages = (reason: string): readonly unknown[] =>
  lab.objects
    .list('events', 'shop')
    .filter((event) => event.reason === reason)
    .map(({ message }) => message)
const addresses = (): readonly unknown[] =>
  asArray(at(lab.objects.get('endpoints', 'shop', 'web'), 'subsets', 0, 'addresses')).map((address) =>
    at(address, 'ip'),
  )
const slice = (): JsonObject => lab.objects.list('endpointslices.discovery.k8s.io', 'shop')[0]!

describe('a ReplicaSet', () => {
  it('lets a pod go whose labels left, and starts another', async () => {
    await jsonPatch(admin, POD, RELEASE)
    await lab.settled()
    expect(lab.objects.get('pods', 'shop', 'web-6dd6-one')!.metadata).not.toHaveProperty('ownerReferences')
    const [replacement] = pods().filter(
      (pod) => !['web-6dd6-one', 'web-6dd6-two'].includes(String(at(pod, 'metadata', 'name'))),
    )
    expect(replacement).toMatchObject({
      metadata: {
        name: expect.stringMatching(/^web-6dd6-[a-z0-9]{5}$/),
        generateName: 'web-6dd6-',
        labels: { app: 'web', 'pod-template-hash': '6dd6', tier: 'front' },
        ownerReferences: [{ kind: 'ReplicaSet', name: 'web-6dd6', controller: true }],
      },
      spec: { nodeName: 'node-a' },
      status: { phase: 'Running', podIP: '10.1.2.4', hostIP: '10.0.0.1' },
    })
    expect(at(replacement, 'metadata', 'uid')).not.toBe(UID_ONE)
    expect(at(replacement, 'status', 'containerStatuses', 0)).toMatchObject({
      ready: true,
      imageID: `registry.example/web:1@sha256:${'0'.repeat(64)}`,
    })
    expect(messages('SuccessfulCreate')).toEqual([
      `Created pod: ${String(at(replacement, 'metadata', 'name'))}`,
    ])
  })

  it('takes a pod back that matches again, and ends the one that was ready last', async () => {
    await jsonPatch(admin, POD, RELEASE)
    await lab.settled()
    const [replacement] = names().filter((name) => name !== 'web-6dd6-one' && name !== 'web-6dd6-two')
    await mergePatch(admin, POD, {
      metadata: { labels: { app: 'web', 'pod-template-hash': '6dd6', quarantine: null } },
    })
    await lab.settled()
    expect(names()).toEqual(['web-6dd6-one', 'web-6dd6-two'])
    expect(
      at(lab.objects.get('pods', 'shop', 'web-6dd6-one'), 'metadata', 'ownerReferences', 0),
    ).toMatchObject({
      name: 'web-6dd6',
      controller: true,
      blockOwnerDeletion: true,
    })
    expect(messages('SuccessfulDelete')).toEqual([`Deleted pod: ${String(replacement)}`])
  })

  it('replaces a pod that is deleted while it still ends', async () => {
    const reply = await call(admin, POD, { method: 'DELETE' })
    expect(reply.json).toMatchObject({
      kind: 'Pod',
      metadata: { uid: UID_ONE, deletionGracePeriodSeconds: 30 },
    })
    expect(at(reply.json, 'metadata', 'deletionTimestamp')).toEqual(expect.any(String))
    await lab.settled()
    expect(names()).toHaveLength(2)
    expect(names()).not.toContain('web-6dd6-one')
  })

  it('takes its pods along, but not one that it has let go', async () => {
    await jsonPatch(admin, POD, RELEASE)
    await lab.settled()
    await call(admin, '/apis/apps/v1/namespaces/shop/replicasets/web-6dd6', { method: 'DELETE' })
    await lab.settled()
    expect(names()).toEqual(['web-6dd6-one'])
  })

  it('counts its pods in its status', async () => {
    expect(lab.objects.get('replicasets.apps', 'shop', 'web-6dd6')!.status).toEqual({
      replicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      observedGeneration: 1,
    })
  })
})

describe('a Service', () => {
  it('has its ready pods as endpoints, by the port that they name', () => {
    expect(at(lab.objects.get('endpoints', 'shop', 'web'), 'subsets')).toMatchObject([
      {
        addresses: [{ ip: '10.1.2.2' }, { ip: '10.1.2.3' }],
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ])
    expect(slice()).toMatchObject({
      metadata: {
        labels: { 'kubernetes.io/service-name': 'web' },
        ownerReferences: [{ kind: 'Service', name: 'web' }],
      },
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.1.2.2'],
          conditions: { ready: true, serving: true, terminating: false },
          targetRef: { uid: UID_ONE },
        },
        { addresses: ['10.1.2.3'] },
      ],
    })
  })

  it('loses a pod whose labels left, and gains its replacement', async () => {
    await jsonPatch(admin, POD, RELEASE)
    await lab.settled()
    expect(addresses().toSorted()).toEqual(['10.1.2.3', '10.1.2.4'])
    expect(asArray(slice().endpoints)).toHaveLength(2)
  })

  it('keeps a pod that is not ready, as such', async () => {
    const pod = smallPod('web-6dd6-one', UID_ONE, '10.1.2.2')
    const conditions = [{ type: 'Ready', status: 'False' }]
    lab.objects.put({ ...pod, status: { ...(pod.status as JsonObject), conditions } })
    await lab.settled()
    expect(at(lab.objects.get('endpoints', 'shop', 'web'), 'subsets', 0)).toMatchObject({
      addresses: [{ ip: '10.1.2.3' }],
      notReadyAddresses: [{ ip: '10.1.2.2' }],
    })
    expect(at(slice(), 'endpoints', 0, 'conditions', 'ready')).toBe(false)
  })
})

describe('a pod that somebody creates', () => {
  it('is placed on a node that takes pods, and runs', async () => {
    lab.objects.put({
      kind: 'Node',
      apiVersion: 'v1',
      metadata: { name: 'node-b' },
      spec: { unschedulable: true },
    })
    const body = { metadata: { name: 'mine' }, spec: { containers: [{ name: 'c', image: 'x:1' }] } }
    await call(admin, '/api/v1/namespaces/shop/pods', { method: 'POST', body })
    await lab.settled()
    expect(lab.objects.get('pods', 'shop', 'mine')).toMatchObject({
      spec: { nodeName: 'node-a' },
      status: { phase: 'Running', containerStatuses: [{ name: 'c', ready: true }] },
    })
  })
})
