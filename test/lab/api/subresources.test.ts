import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../../src/lab/lab.js'
import { at, type JsonObject } from '../../../src/model/json.js'
import { accessOf, call, mergePatch, until, type Access, type Reply } from '../client.js'
import { smallSeed } from '../small-seed.js'

const POD = '/api/v1/namespaces/shop/pods/web-6dd6-one'

let lab: Lab
let old: Lab
let admin: Access
let oldAdmin: Access
const opened: string[] = []

beforeAll(async () => {
  const options = { seed: smallSeed, pace: { react: 5, start: 20 } }
  lab = await startLab({ ...options, log: ({ path }) => void opened.push(path) })
  old = await startLab({ ...options, version: '1.20' })
  await Promise.all([lab.settled(), old.settled()])
  admin = await accessOf(lab.kubeconfig)
  oldAdmin = await accessOf(old.kubeconfig)
})
afterAll(async () => {
  await Promise.all([lab.close(), old.close()])
})

const strategic = (path: string, patch: unknown): Promise<Reply> =>
  call(admin, path, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/strategic-merge-patch+json' },
    body: patch,
  })

describe('an eviction', () => {
  const evict = (access: Access, body: JsonObject, query = ''): Promise<Reply> =>
    call(access, `${POD}/eviction${query}`, { method: 'POST', body })
  const eviction = (apiVersion: string, more: JsonObject = {}): JsonObject => ({
    kind: 'Eviction',
    apiVersion,
    metadata: { name: 'web-6dd6-one' },
    ...more,
  })

  it('is refused where the budget has nothing left, and allowed where it has', async () => {
    const budget = (minAvailable: number): JsonObject =>
      lab.objects.put({
        kind: 'PodDisruptionBudget',
        apiVersion: 'policy/v1',
        metadata: { name: 'pdb', namespace: 'shop' },
        spec: { minAvailable, selector: { matchLabels: { app: 'web' } } },
      })
    budget(2)
    await lab.settled()
    expect(at(lab.objects.get('poddisruptionbudgets.policy', 'shop', 'pdb'), 'status')).toEqual({
      disruptionsAllowed: 0,
      currentHealthy: 2,
      desiredHealthy: 2,
      expectedPods: 2,
    })
    expect((await evict(admin, eviction('policy/v1'))).json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      reason: 'TooManyRequests',
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget pdb needs 2 healthy pods and has 2 currently',
          },
        ],
      },
      code: 429,
    })
    budget(1)
    await lab.settled()
    const tried = await evict(admin, eviction('policy/v1', { deleteOptions: { dryRun: ['All'] } }))
    expect([tried.status, tried.json.status]).toEqual([201, 'Success'])
    expect((await call(admin, POD)).json.metadata).not.toHaveProperty('deletionTimestamp')
    expect((await evict(admin, eviction('policy/v1'))).status).toBe(201)
    await lab.settled()
    expect((await call(admin, POD)).status).toBe(404)
    lab.objects.delete('poddisruptionbudgets.policy', 'shop', 'pdb')
  })

  it('has the version of its server', async () => {
    expect((await evict(oldAdmin, eviction('policy/v1'))).json).toMatchObject({
      code: 400,
      message: expect.stringContaining('no kind "Eviction" is registered for version "policy/v1"'),
    })
    expect((await evict(oldAdmin, eviction('policy/v1beta1'), '?dryRun=All')).status).toBe(201)
    const other = eviction('policy/v1beta1', { metadata: { name: 'q' } })
    expect((await evict(oldAdmin, other)).json.message).toBe(
      'name in URL does not match name in Eviction object',
    )
  })
})

describe('ephemeral containers', () => {
  const TWO = '/api/v1/namespaces/shop/pods/web-6dd6-two'
  const add = (container: JsonObject): Promise<Reply> =>
    strategic(`${TWO}/ephemeralcontainers`, { spec: { ephemeralContainers: [container] } })

  it('are added to a running pod, and run', async () => {
    const reply = await add({ name: 'debug', image: 'busybox:1', targetContainerName: 'app' })
    expect(at(reply.json, 'spec', 'ephemeralContainers')).toMatchObject([
      { name: 'debug', imagePullPolicy: 'IfNotPresent', terminationMessagePolicy: 'File' },
    ])
    await lab.settled()
    expect(at((await call(admin, TWO)).json, 'status', 'ephemeralContainerStatuses')).toMatchObject([
      { name: 'debug', state: { running: {} } },
    ])
  })

  it.each([
    [{ name: 'debug', image: 'other' }, 'existing ephemeral containers "debug" may not be changed'],
    [{ name: 'debug', $patch: 'delete' }, 'existing ephemeral containers "debug" may not be removed'],
    [{ name: 'app', image: 'x' }, 'spec.ephemeralContainers[0].name: Duplicate value: "app"'],
    [{ name: 'x', image: 'x', targetContainerName: 'nix' }, 'targetContainerName: Not found: "nix"'],
  ])('can not be %j', async (container, message) => {
    const reply = await add(container)
    expect(reply.status).toBe(422)
    expect(reply.json.message).toEqual(expect.stringContaining(message))
  })

  it('can not be added to the pod itself', async () => {
    const reply = await strategic(TWO, { spec: { ephemeralContainers: [{ name: 'late', image: 'x' }] } })
    expect(reply.status).toBe(422)
  })

  it('are not known to 1.20', async () => {
    expect((await call(oldAdmin, `${POD}/ephemeralcontainers`)).json).toMatchObject({
      code: 404,
      message: 'the server could not find the requested resource',
    })
  })
})

describe('a status', () => {
  const NODE = '/api/v1/nodes/node-a'

  it('is written by its subresource, and by nothing else', async () => {
    const before = (await call(admin, NODE)).json.status
    const ignored = await mergePatch(admin, NODE, {
      status: { phase: 'x' },
      metadata: { labels: { a: 'b' } },
    })
    expect(ignored.json).toMatchObject({ metadata: { labels: { a: 'b' } }, status: before })
    const written = await mergePatch(admin, `${NODE}/status`, {
      status: { phase: 'x' },
      spec: { unschedulable: true },
    })
    expect(at(written.json, 'status', 'phase')).toBe('x')
    expect(written.json.spec).not.toHaveProperty('unschedulable')
  })
})

describe('a log that is followed', () => {
  it('shows each line as it is written, until the pod ends', async () => {
    const path = `${POD.replace('one', 'two')}/log?container=app&follow=true&tailLines=1&timestamps=true`
    const reply = call(admin, path)
    await until(() => opened.includes(path))
    lab.appendLog('shop', 'web-6dd6-two', 'app', 'new')
    lab.objects.delete('pods', 'shop', 'web-6dd6-two')
    const { complete, text } = await reply
    expect(complete).toBe(true)
    expect(text).toMatch(/^2026-11-01T10:00:03.000000000Z bye\n\S+Z new\n$/)
  })

  it('is cut at its limit, and has what was appended before', async () => {
    old.appendLog('shop', 'web-6dd6-one', 'app', 'later')
    const log = `${POD}/log?container=app`
    expect((await call(oldAdmin, `${log}&tailLines=1`)).text).toBe('later\n')
    expect((await call(oldAdmin, `${log}&follow=true&limitBytes=8`)).text).toBe(
      'hello\nw\u00c3'.slice(0, 7) + '\ufffd',
    )
  })
})
