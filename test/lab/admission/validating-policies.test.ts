import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { createContainment, type QuarantineOptions } from '../../../src/containment/index.js'
import { noWishes } from '../../../src/engine/no-wishes.js'
import { openCluster } from '../../../src/engine/prepare.js'
import { NO_NODE_PODS } from '../../../src/engine/no-node-pods.js'
import { systemContext } from '../../../src/engine/system.js'
import { startLab, type Lab } from '../../../src/lab/lab.js'
import type { JournalEntry, WriteContext } from '../../../src/model/containment.js'
import type { QuarantinePlan } from '../../../src/model/quarantine-plan.js'
import type { Target } from '../../../src/model/target.js'
import { accessOf, call, exec, type Access, type Reply } from '../client.js'

const ALL = [{ verb: '*', group: '*', resource: '*' }]
const EVERYTHING = [
  ...ALL,
  ...['exec', 'eviction', 'ephemeralcontainers'].map((subresource) => ({ ...ALL[0]!, subresource })),
]
const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies'

let lab: Lab
let context: WriteContext
let close: () => Promise<void>
let options: QuarantineOptions
let plan: QuarantinePlan
const journal: JournalEntry[] = []
let responder: Access
let mallory: Access
let kubelet: Access
let stolen: Access
let unbound: Access
let suspect: string
let sibling: string

beforeAll(async () => {
  lab = await startLab()
  const { namespace, name, uid } = lab.suspect
  const cluster = { kubeconfig: lab.kubeconfig, namespace, asGroups: [], requestTimeoutMs: 10_000 }
  const run = systemContext(new AbortController().signal)
  const kube = await openCluster(cluster, run, () => undefined)
  close = () => kube.close()
  const writer = kube.writer({
    intent: async (intent) => void journal.push({ intent }),
    result: async (outcome) => {
      const at = journal.findIndex(({ intent }) => intent.id === outcome.id)
      journal[at] = { intent: journal[at]!.intent, outcome }
    },
  })
  context = { run, kube: kube.reader, writer, nodePods: NO_NODE_PODS }
  responder = await accessOf(lab.kubeconfig)
  suspect = `/api/v1/namespaces/${namespace}/pods/${name}`
  const pods = await call(responder, `/api/v1/namespaces/${namespace}/pods`)
  const items = (pods.json as unknown as { items: { metadata: { name: string } }[] }).items
  sibling = `/api/v1/namespaces/${namespace}/pods/${items.find(({ metadata }) => metadata.name !== name)!.metadata.name}`
  const pod = (await call(responder, suspect)).json as unknown as Target['pod']
  const user = async (of: string, extra?: Readonly<Record<string, readonly string[]>>): Promise<Access> =>
    accessOf(await lab.kubeconfigFor(of, EVERYTHING, extra))
  mallory = await user('mallory')
  kubelet = await user(`system:node:${pod.spec?.nodeName ?? ''}`)
  stolen = await user('system:serviceaccount:shop:web', { 'authentication.kubernetes.io/pod-uid': [uid] })
  unbound = await user('system:serviceaccount:shop:other', {
    'authentication.kubernetes.io/pod-uid': ['another'],
  })
  options = {
    ...(await noWishes({ case: 'INC-42', who: 'lab-admin' })),
    wanted: new Set(['deny-access', 'block-token']),
  }
  const containment = createContainment(options)
  plan = await containment.plan(context, { namespace, name, uid, pod })
  await containment.apply(context, plan)
}, 60_000)

afterAll(async () => {
  await close()
  await lab.close()
})

const COMMAND = '/exec?command=true&container=app&stdout=true'

function evict(as: Access, pod: string): Promise<Reply> {
  const name = pod.split('/').at(-1)!
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } }
  return call(as, `${pod}/eviction?dryRun=All`, { method: 'POST', body })
}

function addContainer(as: Access, pod: string): Promise<Reply> {
  const body = { spec: { ephemeralContainers: [{ name: 'dbg', image: 'busybox' }] } }
  return call(as, `${pod}/ephemeralcontainers?dryRun=All`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/strategic-merge-patch+json' },
    body,
  })
}

function remove(as: Access, pod: string): Promise<Reply> {
  return call(as, `${pod}?dryRun=All`, { method: 'DELETE' })
}

function write(as: Access): Promise<Reply> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'shop' } }
  return call(as, '/api/v1/namespaces/shop/configmaps?dryRun=All', { method: 'POST', body })
}

const DENIED =
  /ValidatingAdmissionPolicy 'impound-deny-access-[0-9a-f]{8}' with binding '.*' denied request: the pod is held for case INC-42/

describe('the policies of --deny-access and --block-token, enforced by the lab', () => {
  it('were taken by the server as they are, and stand', async () => {
    expect(plan.refusals).toEqual([])
    const { tried } = await createContainment(options).verify(context, plan)
    expect(tried.filter((line) => line.includes('ValidatingAdmissionPolicy'))).toHaveLength(4)
  })

  it.each([
    ['delete', remove],
    ['evict', evict],
    ['add a container to', addContainer],
  ])('refuse others to %s the suspect, and nobody for its siblings', async (_what, ask) => {
    const reply = await ask(mallory, suspect)
    expect([reply.status, reply.json['message']]).toEqual([403, expect.stringMatching(DENIED)])
    expect((await ask(mallory, sibling)).status).toBeLessThan(300)
    // its own disruption budget may still refuse the responder
    expect((await ask(responder, suspect)).status).not.toBe(403)
  })

  it('refuse others to enter it', async () => {
    expect(await exec(mallory, suspect + COMMAND)).toEqual({
      refused: 403,
      text: expect.stringMatching(DENIED),
    })
    await expect(exec(responder, suspect + COMMAND)).resolves.toMatchObject({ status: { status: 'Success' } })
  })

  it('refuse to delete it among others by the collection', async () => {
    const all = '/api/v1/namespaces/shop/pods?dryRun=All'
    const reply = await call(mallory, all, { method: 'DELETE' })
    expect([reply.status, reply.json['message']]).toEqual([403, expect.stringMatching(DENIED)])
  })

  it('let its kubelet delete it, and all read it', async () => {
    expect((await remove(kubelet, suspect)).status).toBe(200)
    expect((await call(mallory, suspect)).status).toBe(200)
  })

  it('refuse writes by a token that is bound to it, and pass its reads and the tokens of others', async () => {
    const reply = await write(stolen)
    expect([reply.status, reply.json['message']]).toEqual([
      403,
      expect.stringContaining("the token's pod is held for case INC-42"),
    ])
    expect((await call(stolen, '/api/v1/namespaces/shop/configmaps')).status).toBe(200)
    for (const as of [unbound, mallory]) expect((await write(as)).status).toBe(201)
  })

  it('are taken away by a release, whoever is refused until then', async () => {
    const { left } = await createContainment({ ...options, wanted: new Set() }).undo(context, journal)
    expect(left).toEqual([])
    const { items } = (await call(responder, POLICIES)).json
    expect(items).toEqual([])
    expect((await write(stolen)).status).toBe(201)
    expect((await remove(mallory, suspect)).status).toBeLessThan(300)
  })
})

describe('a policy that the lab can not take', () => {
  const spec = {
    matchConstraints: {
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    },
    validations: [{ expression: 'false' }],
  }
  it.each([
    ['an expression that it would have to guess at', { ...spec, validations: [{ expression: '1 < 2' }] }],
    ['nothing to match', { ...spec, matchConstraints: {} }],
    ['nothing to check', { ...spec, validations: [] }],
    [
      'an operation that there is not',
      {
        ...spec,
        matchConstraints: {
          resourceRules: [{ ...spec.matchConstraints.resourceRules[0], operations: ['EXEC'] }],
        },
      },
    ],
  ])('is refused: %s', async (_what, bad) => {
    const body = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'p' },
    }
    const create = (of: object): Promise<Reply> =>
      call(responder, `${POLICIES}?dryRun=All`, { method: 'POST', body: { ...body, spec: of } })
    expect((await create(bad)).status).toBe(422)
    expect((await create(spec)).status).toBe(201)
  })
})
