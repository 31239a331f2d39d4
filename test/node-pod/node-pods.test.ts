import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../src/lab/lab.js'
import type { AdmissionEffect } from '../../src/lab/admission/admission.js'
import { at } from '../../src/model/json.js'
import { readNodeFacts } from '../../src/node-pod/index.js'
import { FACTS, IMAGE, LabPods, suspectNode } from './lab-pods.js'

const NAMESPACE = 'impound-node-1f3a9c02'
const NEVER = new AbortController().signal

let lab: Lab
let pods: LabPods
let node: string

beforeEach(async () => {
  lab = await startLab({ pace: { react: 5, start: 20 } })
  pods = await LabPods.open(lab.kubeconfig)
  node = suspectNode(lab)
})

afterEach(async () => {
  await pods.close()
  await lab.close()
})

const ours = (namespace = NAMESPACE): readonly unknown[] =>
  lab.objects
    .list('pods', namespace)
    .filter((pod) => at(pod, 'metadata', 'labels', 'impound.dev/node-pod') === 'true')
const steps = (): readonly string[] => pods.intents.map(({ step }) => step)

describe('a pod on a node', () => {
  it('starts in a namespace of its own, runs scripts, and is gone afterwards, each change noted before', async () => {
    const set = pods.set()
    const session = await set.on(node, NEVER)
    expect(session).toMatchObject({ node, pod: { namespace: NAMESPACE, image: IMAGE } })
    expect(ours()).toHaveLength(1)
    const facts = await readNodeFacts(session, FACTS, NEVER)
    expect(facts).toMatchObject({ node, hostname: node, seesHostProcesses: true, missingTools: [] })
    const results = await set.close(NEVER)
    expect(results).toEqual([
      {
        node,
        namespace: NAMESPACE,
        name: session.pod.name,
        image: IMAGE,
        readyAfterMs: expect.any(Number),
        removed: 'checked',
      },
    ])
    expect(ours()).toEqual([])
    expect(lab.objects.get('namespaces', undefined, NAMESPACE)).toBeUndefined()
    expect(steps()).toEqual(['create-namespace', 'create', 'delete', 'delete-namespace'])
    expect(pods.outcomes.every(({ status = 0 }) => status < 300)).toBe(true)
  })

  it('says nothing of its tools where what it says was cut', async () => {
    const set = pods.set()
    const session = await set.on(node, NEVER)
    lab.faults.add({ match: { path: /\/exec\?/ }, effect: { kind: 'truncate', bytes: 400 } })
    await expect(readNodeFacts(session, FACTS, NEVER)).rejects.toMatchObject({ code: 'cut' })
    expect(lab.faults.unfired()).toEqual([])
    await set.close(NEVER)
  })

  it('is what the node pod has to be', async () => {
    const set = pods.set()
    await set.on(node, NEVER)
    const [pod] = ours()
    expect(pod).toMatchObject({
      metadata: { labels: { 'impound.dev/case': 'INC-42', 'impound.dev/run': '20261122T030033Z-1f3a9c02' } },
      spec: {
        nodeName: node,
        hostPID: true,
        automountServiceAccountToken: false,
        restartPolicy: 'Never',
        activeDeadlineSeconds: 7200,
        tolerations: [{ operator: 'Exists' }],
        containers: [
          {
            command: ['sleep', '7200'],
            imagePullPolicy: 'IfNotPresent',
            securityContext: { privileged: true },
            volumeMounts: [{ mountPath: '/host', readOnly: true }],
          },
        ],
      },
    })
    expect(at(pod, 'spec', 'hostNetwork')).not.toBe(true)
    await set.close(NEVER)
  })

  it('is one for each node, whoever asks', async () => {
    const set = pods.set()
    const [one, two] = await Promise.all([set.on(node, NEVER), set.on(node, NEVER)])
    expect(one).toBe(two)
    expect(ours()).toHaveLength(1)
    await set.close(NEVER)
  })

  it('uses a namespace that it is given, and leaves that', async () => {
    const set = pods.set({ namespace: 'kube-system' })
    await set.on(node, NEVER)
    expect(ours('kube-system')).toHaveLength(1)
    await set.close(NEVER)
    expect(ours('kube-system')).toEqual([])
    expect(lab.objects.get('namespaces', undefined, 'kube-system')).toBeDefined()
    expect(steps()).toEqual(['create', 'delete'])
  })

  it('is removed where the run is interrupted while it starts', async () => {
    const set = pods.set({ namespace: 'kube-system' })
    const session = set.on(node, NEVER)
    while (ours('kube-system').length === 0) await new Promise((next) => setTimeout(next, 5))
    pods.stop.abort()
    await expect(session).rejects.toMatchObject({ code: 'aborted' })
    const [result] = await set.close(NEVER)
    expect(result).toMatchObject({ removed: 'checked', error: { code: 'aborted' } })
    expect(ours('kube-system')).toEqual([])
  })

  it('is removed where the answer to its creation was lost', async () => {
    const set = pods.set({ namespace: 'kube-system' })
    lab.faults.add({
      match: { method: 'POST', path: /\/namespaces\/kube-system\/pods\?/ },
      effect: { kind: 'answer-lost' },
    })
    await expect(set.on(node, NEVER)).rejects.toMatchObject({
      code: expect.stringMatching(/cut|unreachable/),
    })
    const [result] = await set.close(NEVER)
    expect(result).toMatchObject({ removed: 'checked' })
    expect(ours('kube-system')).toEqual([])
  })

  it('gives up waiting with who waits, not with the pod', async () => {
    const set = pods.set()
    await expect(set.on(node, AbortSignal.timeout(1))).rejects.toMatchObject({ code: 'aborted' })
    await expect(set.on(node, NEVER)).resolves.toMatchObject({ node })
    await set.close(NEVER)
  })

  it('says where its end was not seen', async () => {
    const set = pods.set({ namespace: 'kube-system' })
    await set.on(node, NEVER)
    lab.admission.add({
      match: { operation: 'DELETE', resource: 'pods' },
      effect: { kind: 'webhook-denies', webhook: 'keep.example' },
    })
    const [result] = await set.close(NEVER)
    expect(result).toMatchObject({
      removed: 'not-known',
      remove: expect.stringMatching(/^kubectl delete pod impound-node-/),
    })
    expect(pods.notices.join('\n')).toMatch(/may still be there/)
  })
})

describe('a pod that is refused', () => {
  const REFUSALS: readonly (readonly [string, AdmissionEffect, RegExp])[] = [
    [
      'a webhook that says no',
      { kind: 'webhook-denies', webhook: 'no.example', message: 'privileged' },
      /an admission rule of the cluster refuses it.*privileged/,
    ],
    [
      'a webhook that is not there',
      {
        kind: 'webhook-fails',
        webhook: 'gone.example',
        url: 'https://gone',
        error: 'context deadline exceeded',
      },
      /a webhook can’t be called|webhook can’t be called/,
    ],
    [
      'a quota',
      { kind: 'forbids', message: 'exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1' },
      /a quota refuses it/,
    ],
    [
      'a security context constraint',
      {
        kind: 'forbids',
        message: 'unable to validate against any security context constraint: [provider "x": Forbidden]',
      },
      /no SecurityContextConstraints/,
    ],
    [
      'Autopilot',
      {
        kind: 'webhook-denies',
        webhook: 'warden.example',
        message: 'GKE Warden rejected the request because it violates one or more constraints',
      },
      /Autopilot/,
    ],
  ]

  it.each(REFUSALS)('says by whom: %s', async (_, effect, words) => {
    const set = pods.set({ namespace: 'kube-system' })
    lab.admission.add({ match: { operation: 'CREATE', resource: 'pods' }, effect })
    await expect(set.on(node, NEVER)).rejects.toMatchObject({
      code: 'target-refused',
      message: expect.stringMatching(words),
    })
    const [result] = await set.close(NEVER)
    expect(result).toMatchObject({ removed: 'never-there', error: { hints: [expect.any(String)] } })
    expect(lab.admission.unmet()).toEqual([])
  })

  it('says by whom: Pod Security', async () => {
    lab.objects.put({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'strict', labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } },
      status: { phase: 'Active' },
    })
    const set = pods.set({ namespace: 'strict' })
    await expect(set.on(node, NEVER)).rejects.toMatchObject({
      code: 'target-refused',
      message: expect.stringMatching(/Pod Security refuses it.*privileged/),
      hints: [expect.stringMatching(/--node-namespace/)],
    })
    await set.close(NEVER)
  })

  it('says which right is missing, and changes nothing', async () => {
    const responder = await LabPods.open(await lab.kubeconfigFor('nobody', []))
    const set = responder.set()
    await expect(set.on(node, NEVER)).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/namespace/),
    })
    expect(await set.close(NEVER)).toMatchObject([{ removed: 'never-there' }])
    expect(responder.outcomes.map(({ status }) => status)).toEqual([403])
    await responder.close()
  })

  it('says that a namespace is not there', async () => {
    const set = pods.set({ namespace: 'nowhere' })
    await expect(set.on(node, NEVER)).rejects.toMatchObject({
      code: 'target-refused',
      message: expect.stringMatching(/nowhere/),
    })
    await set.close(NEVER)
  })

  it.each([
    ['unsupported', /no node/, 'no-such-node', undefined],
    ['unsupported', /runs windows/, 'win', { labels: { 'kubernetes.io/os': 'windows' } }],
    ['unsupported', /Fargate/, 'fargate-1', { labels: { 'eks.amazonaws.com/compute-type': 'fargate' } }],
    ['unsupported', /virtual kubelet/, 'vk', { labels: { type: 'virtual-kubelet' } }],
    ['target-refused', /NotReady/, 'silent', { conditions: [{ type: 'Ready', status: 'Unknown' }] }],
  ])('does not ask for one where none can be: %s %s', async (code, words, name, facts) => {
    if (facts !== undefined) {
      const { labels = {}, conditions = [] } = facts as {
        labels?: Record<string, string>
        conditions?: never[]
      }
      lab.objects.put({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, status: { conditions } })
    }
    const set = pods.set()
    await expect(set.on(name, NEVER)).rejects.toMatchObject({ code, message: expect.stringMatching(words) })
    expect(pods.intents).toEqual([])
    await set.close(NEVER)
  })
})

describe('what is known beforehand', () => {
  it('is said of a namespace that is there by a dry run', async () => {
    const plan = await pods.plan([node], { namespace: 'kube-system' })
    expect(plan).toMatchObject({ madeNamespace: false, byDigest: true, leftovers: [], missingAccess: [] })
    expect(plan.pods).toMatchObject([{ node, will: 'admitted' }])
    lab.admission.add({
      match: { operation: 'CREATE', resource: 'pods' },
      effect: { kind: 'webhook-denies', webhook: 'no.example' },
    })
    const refused = await pods.plan([node], { namespace: 'kube-system' })
    expect(refused.pods).toMatchObject([{ will: 'refused', why: expect.stringMatching(/admission/) }])
    expect(ours('kube-system')).toEqual([])
  })

  it('is not claimed of a namespace that is yet to be made', async () => {
    const plan = await pods.plan([node])
    expect(plan.pods).toMatchObject([{ will: 'not-known' }])
    expect(lab.objects.get('namespaces', undefined, plan.namespace)).toBeUndefined()
  })

  it('names the rights that are missing', async () => {
    const responder = await LabPods.open(
      await lab.kubeconfigFor('reader', [
        { verb: 'get', group: '', resource: 'nodes' },
        { verb: 'list', group: '', resource: 'pods' },
      ]),
    )
    const { missingAccess } = await responder.plan([node])
    expect(
      missingAccess.map(
        ({ verb, resource, subresource }) =>
          `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`,
      ),
    ).toEqual(
      expect.arrayContaining([
        'create pods',
        'delete pods',
        'create pods/exec',
        'create namespaces',
        'delete namespaces',
      ]),
    )
    await responder.close()
  })
})

describe('what a killed run left', () => {
  it('is found by the next run, removed before it starts its own, and no other', async () => {
    const killed = pods.set()
    await killed.on(node, NEVER)
    const next = await LabPods.open(lab.kubeconfig, '20261122T040033Z-aaaaaaaa')
    expect((await next.plan([node], { alive: true })).leftovers).toEqual([])
    const { leftovers } = await next.plan([node], { alive: false })
    expect(leftovers.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      expect.stringMatching(/^pod impound-node-1f3a9c02-/),
      `namespace ${NAMESPACE}`,
    ])
    const set = next.set({ leftovers })
    const session = await set.on(node, NEVER)
    expect(lab.objects.get('namespaces', undefined, NAMESPACE)).toBeUndefined()
    expect(ours(session.pod.namespace)).toHaveLength(1)
    await set.close(NEVER)
    expect(next.intents.map(({ step }) => step).slice(0, 2)).toEqual(['delete', 'delete-namespace'])
    await next.close()
  })

  it('is found by its age, whoever started it', async () => {
    const killed = pods.set()
    await killed.on(node, NEVER)
    const later = new Date(Date.now() + 3 * 3_600_000)
    expect((await pods.plan([node], { alive: true, now: later })).leftovers).toHaveLength(2)
    await killed.close(NEVER)
  })

  it('is left alone where another object has its name by then', async () => {
    const killed = pods.set({ namespace: 'kube-system' })
    await killed.on(node, NEVER)
    const { leftovers } = await pods.plan([node], { alive: false, namespace: 'kube-system' })
    const [left] = leftovers
    const set = pods.set({ namespace: 'kube-system', leftovers: [{ ...left!, uid: 'another' }] })
    await expect(set.on(node, NEVER)).rejects.toMatchObject({ code: 'target-refused' }) // the name is taken
    expect(ours('kube-system')).toHaveLength(1)
    await set.close(NEVER)
    await killed.close(NEVER)
  })
})
