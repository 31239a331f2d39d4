import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../../src/lab/lab.js'
import { asArray, at, type JsonObject } from '../../../src/model/json.js'
import { accessOf, call, mergePatch, type Access, type Reply } from '../client.js'
import { smallSeed } from '../small-seed.js'

const MAPS = '/api/v1/namespaces/shop/configmaps'

let lab: Lab
let admin: Access

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed, pace: { react: 5, start: 20 } })
  await lab.settled()
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

const put = (name: string, metadata: JsonObject = {}): JsonObject =>
  lab.objects.put({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'shop', ...metadata } })
const isThere = (name: string): boolean => lab.objects.get('configmaps', 'shop', name) !== undefined
const remove = (name: string, body?: unknown, query = ''): Promise<Reply> =>
  call(admin, `${MAPS}/${name}${query}`, { method: 'DELETE', body })

describe('the options of a delete', () => {
  beforeEach(() => void put('m'))

  it('in a body hide those of the query', async () => {
    await remove('m', { kind: 'DeleteOptions', apiVersion: 'v1' }, '?dryRun=All')
    expect(isThere('m')).toBe(false)
  })

  it('in a body can say dryRun', async () => {
    await remove('m', { dryRun: ['All'] })
    expect(isThere('m')).toBe(true)
  })

  it.each([
    [{ dryRun: ['Some'] }, 422, 'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value'],
    [{ propagationPolicy: 'Nix' }, 422, 'supported values: "Foreground", "Background", "Orphan", "nil"'],
    [{ propagationPolicy: 'Orphan', orphanDependents: true }, 422, 'cannot be both set'],
    [{ kind: 'Pod', apiVersion: 'v1' }, 500, 'no kind "Pod" is registered for version "v1" in scheme'],
    ['{', 500, "couldn't get version/kind; json parse error: "],
  ])('%j are refused', async (body, code, message) => {
    const reply = await remove('m', body)
    expect(reply.status).toBe(code)
    expect(reply.json.message).toEqual(expect.stringContaining(message))
    expect(isThere('m')).toBe(true)
  })
})

describe('an object with finalizers', () => {
  it('is marked, takes no new ones, and goes with the last', async () => {
    put('held', { finalizers: ['a.dev/x'] })
    const reply = await remove('held')
    expect(at(reply.json, 'metadata', 'deletionTimestamp')).toEqual(expect.any(String))
    const added = await mergePatch(admin, `${MAPS}/held`, {
      metadata: { finalizers: ['a.dev/x', 'b.dev/y'] },
    })
    expect(added.json.message).toContain(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"b.dev/y"}',
    )
    expect((await mergePatch(admin, `${MAPS}/held`, { metadata: { finalizers: null } })).status).toBe(200)
    expect(isThere('held')).toBe(false)
  })

  it('if a pod, stays when its kubelet has ended it', async () => {
    const pod = lab.objects.get('pods', 'shop', 'web-6dd6-two')!
    lab.objects.put({ ...pod, metadata: { ...(pod.metadata as JsonObject), finalizers: ['a.dev/x'] } })
    const path = '/api/v1/namespaces/shop/pods/web-6dd6-two'
    await call(admin, path, { method: 'DELETE' })
    await lab.settled()
    expect(at((await call(admin, path)).json, 'metadata', 'deletionGracePeriodSeconds')).toBe(0)
    await mergePatch(admin, path, { metadata: { finalizers: null } })
    expect((await call(admin, path)).status).toBe(404)
  })

  it('must have names for them', async () => {
    put('plain')
    const reply = await mergePatch(admin, `${MAPS}/plain`, { metadata: { finalizers: ['nodomain'] } })
    expect(reply.json.message).toContain(
      'metadata.finalizers[0]: Invalid value: "nodomain": name is neither a standard finalizer name nor is it fully qualified',
    )
  })
})

describe('a delete of a collection', () => {
  it('takes what the selectors leave, and answers with the list as it was', async () => {
    for (const name of ['c1', 'c2']) put(name, { labels: { k: 'v' } })
    put('c3')
    const tried = await call(admin, `${MAPS}?labelSelector=k%3Dv&dryRun=All`, { method: 'DELETE' })
    expect([tried.status, asArray(tried.json.items).length, isThere('c1')]).toEqual([200, 2, true])
    const reply = await call(admin, `${MAPS}?labelSelector=k%3Dv`, { method: 'DELETE' })
    expect(reply.json).toMatchObject({ kind: 'ConfigMapList', items: [{ metadata: { name: 'c1' } }, {}] })
    expect(['c1', 'c2', 'c3'].map(isThere)).toEqual([false, false, true])
    expect(lab.audit.at(-1)).toMatchObject({
      verb: 'deletecollection',
      objectRef: { resource: 'configmaps' },
    })
  })

  it.each(['/api/v1/configmaps', '/api/v1/namespaces'])('%s is not allowed', async (path) => {
    expect((await call(admin, path, { method: 'DELETE' })).status).toBe(405)
  })
})

describe('what an owner leaves behind', () => {
  it('goes with it, unless it is orphaned', async () => {
    const own = (name: string, uid: string): JsonObject =>
      put(name, { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }] })
    const first = String(at(put('owner'), 'metadata', 'uid'))
    own('left', first)
    await remove('owner', { propagationPolicy: 'Orphan' })
    const second = String(at(put('owner'), 'metadata', 'uid'))
    own('taken', second)
    await remove('owner')
    await lab.settled()
    expect([isThere('left'), isThere('taken')]).toEqual([true, false])
    expect(lab.objects.get('configmaps', 'shop', 'left')).not.toHaveProperty('metadata.ownerReferences')
  })
})
