import { expect } from '@jest/globals'

import { asArray, at } from '../../../src/model/json.js'
import type { Behaviour } from '../behaviour.js'
import { nameOf, never, uidOf } from '../scene.js'

export const reads: readonly Behaviour[] = [
  {
    name: 'gives an object with its kind, version, uid and resourceVersion',
    seen: 'real 1.20',
    check: async (scene) => {
      const reply = await scene.get(scene.path('pods', await scene.podName()))
      expect(reply.status).toBe(200)
      expect(reply.headers['content-type']).toBe('application/json')
      expect(reply.json).toMatchObject({
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: {
          namespace: scene.namespace,
          uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
          resourceVersion: expect.stringMatching(/^\d+$/),
          creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          ownerReferences: [{ kind: 'ReplicaSet', name: 'web', controller: true }],
        },
        spec: { nodeName: expect.any(String) },
        status: { phase: 'Running', podIP: expect.any(String), hostIP: expect.any(String) },
      })
    },
  },
  {
    name: 'names the image that runs by digest, and the container by runtime and id',
    seen: 'real 1.20',
    check: async (scene) => {
      const [pod] = await scene.pods()
      for (const status of asArray(at(pod, 'status', 'containerStatuses')))
        expect(status).toMatchObject({
          imageID: expect.stringMatching(/@?sha256:[0-9a-f]{64}$/),
          containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/),
          state: { running: { startedAt: expect.any(String) } },
        })
    },
  },
  {
    name: 'gives lists whose items have no kind of their own',
    seen: 'real 1.20',
    check: async (scene) => {
      const { json } = await scene.get(scene.path('pods'))
      expect(json).toMatchObject({ kind: 'PodList', apiVersion: 'v1' })
      expect(asArray(json['items']).map((item) => [at(item, 'kind'), at(item, 'apiVersion')])).toEqual([
        [undefined, undefined],
        [undefined, undefined],
      ])
    },
  },
  {
    name: 'gives a list in pages, in order, all at one resourceVersion',
    seen: 'real 1.20',
    check: async (scene) => {
      const path = { group: '', version: 'v1', resource: 'configmaps', namespace: scene.namespace }
      const names: string[] = []
      const versions = new Set<unknown>()
      const left: unknown[] = []
      for await (const page of scene.admin.reader.list(path, { signal: never, query: { limit: '3' } })) {
        const json: unknown = JSON.parse(page.body.toString('utf8'))
        names.push(...asArray(at(json, 'items')).map(nameOf))
        versions.add(at(json, 'metadata', 'resourceVersion'))
        left.push(at(json, 'metadata', 'remainingItemCount'))
      }
      // newer servers put the certificate of the CA into every namespace
      const ours = names.filter((name) => name.startsWith('page-'))
      expect(ours).toEqual(['page-0', 'page-1', 'page-2', 'page-3', 'page-4', 'page-5', 'page-6'])
      expect(names).toEqual([...names].sort())
      expect(versions.size).toBe(1)
      expect(left.slice(0, 2)).toEqual([names.length - 3, names.length - 6])
      expect(left.at(-1)).toBeUndefined()
    },
  },
  {
    name: 'refuses a continue token that it did not give',
    seen: 'real 1.20',
    check: async (scene) => {
      const reply = await scene.get(`${scene.path('configmaps')}?limit=2&continue=bm90aGluZw`)
      expect(reply.json).toMatchObject({
        kind: 'Status',
        code: 400,
        reason: 'BadRequest',
        message: expect.stringContaining('continue key is not valid'),
      })
    },
  },
  {
    name: 'answers an expired continue token with 410 Expired',
    seen: 'lab only',
    check: async (scene) => {
      const path = { group: '', version: 'v1', resource: 'configmaps', namespace: scene.namespace }
      const pages = scene.admin.reader.list(path, { signal: never, query: { limit: '3' } })
      const iterator = pages[Symbol.asyncIterator]()
      await iterator.next()
      scene.world.expireTokens?.()
      await expect(iterator.next()).rejects.toMatchObject({ code: 'gone', httpStatus: 410 })
    },
  },
  {
    name: 'selects by label and by field',
    seen: 'real 1.20',
    check: async (scene) => {
      const name = await scene.podName()
      const found = async (query: Readonly<Record<string, string>>): Promise<readonly string[]> => {
        const { json } = await scene.get(`${scene.path('pods')}?${new URLSearchParams(query).toString()}`)
        return asArray(json['items']).map(nameOf)
      }
      expect(await found({ labelSelector: 'app in (web),tier' })).toHaveLength(2)
      expect(await found({ labelSelector: 'app=web,tier!=front' })).toEqual([])
      expect(await found({ fieldSelector: `metadata.name=${name}` })).toEqual([name])
      expect(await found({ fieldSelector: 'status.phase=Pending' })).toEqual([])
    },
  },
  {
    name: 'refuses a selector that it can not read, or a field that it does not select by',
    seen: 'real 1.20',
    check: async (scene) => {
      const refused = async (query: string): Promise<unknown> =>
        (await scene.get(`${scene.path('pods')}?${query}`)).json
      expect(await refused('labelSelector=%3D%3D')).toMatchObject({
        kind: 'Status',
        code: 400,
        reason: 'BadRequest',
      })
      expect(await refused('fieldSelector=spec.hostname%3Dx')).toMatchObject({ kind: 'Status', code: 400 })
    },
  },
  {
    name: 'keeps the Audit-ID that a client chose, and tells its own time',
    seen: 'real 1.20',
    check: async (scene) => {
      const { auditId, headers } = await scene.admin.reader.get('/version', { signal: never })
      expect(headers['audit-id']).toBe(auditId)
      expect(Math.abs(Date.parse(headers['date'] ?? '') - Date.now())).toBeLessThan(60_000)
      expect(scene.admin.reader.facts.clockSamples().length).toBeGreaterThan(0)
    },
  },
  {
    name: 'says where a body ends',
    seen: 'real 1.20',
    check: async (scene) => {
      for (const path of ['/version', scene.path('pods'), scene.path('pods', 'none')]) {
        const { headers, complete } = await scene.get(path)
        expect('content-length' in headers || headers['transfer-encoding'] === 'chunked').toBe(true)
        expect(complete).toBe(true)
      }
    },
  },
  {
    name: 'shows a chain of certificates from the first request on',
    seen: 'real 1.20',
    check: async (scene) => {
      await scene.admin.reader.get(scene.path('pods'), { signal: never })
      expect(scene.admin.reader.facts.tlsChainSha256()[0]).toMatch(/^[0-9a-f]{64}$/)
    },
  },
  {
    name: 'has the events of a pod by its uid, in core and in events.k8s.io',
    seen: 'real 1.20',
    check: async (scene) => {
      const [pod] = await scene.pods()
      const query = new URLSearchParams({ fieldSelector: `involvedObject.uid=${uidOf(pod)}` }).toString()
      const reasons = await scene.eventually('the events of a pod', async () => {
        const { json } = await scene.get(`${scene.path('events')}?${query}`)
        const found = asArray(json['items']).map((event) => at(event, 'reason'))
        return found.includes('Started') ? found : undefined
      })
      expect(reasons).toEqual(expect.arrayContaining(['Scheduled', 'Created', 'Started']))
      const { json } = await scene.get(scene.path('events.k8s.io/v1/events'))
      const regarding = asArray(json['items']).filter((event) => at(event, 'regarding', 'uid') === uidOf(pod))
      expect(regarding.length).toBeGreaterThanOrEqual(reasons.length)
    },
  },
]
