import { expect } from '@jest/globals'

import type { ApiPath } from '../../../src/model/api-path.js'
import { asArray, at } from '../../../src/model/json.js'
import type { Behaviour } from '../behaviour.js'
import { type Scene, uidOf } from '../scene.js'

const mapPath = (scene: Scene, name?: string): ApiPath => ({
  group: '',
  version: 'v1',
  resource: 'configmaps',
  namespace: scene.namespace,
  ...(name === undefined ? {} : { name }),
})
const object = (name: string): { apiVersion: string; kind: string; metadata: { name: string } } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
})
const exists = async (scene: Scene, name: string): Promise<boolean> =>
  (await scene.get(scene.path('configmaps', name))).status === 200

export const writes: readonly Behaviour[] = [
  {
    name: 'checks a dry run, answers as if, and stores nothing',
    seen: 'real 1.20',
    check: async (scene) => {
      const response = await scene.writer.create(mapPath(scene), object('dry'), scene.write({ dryRun: true }))
      expect(response.status).toBe(201)
      expect(uidOf(JSON.parse(response.body.toString('utf8')))).toMatch(/^[0-9a-f-]{36}$/)
      expect(await exists(scene, 'dry')).toBe(false)
      await expect(
        scene.writer.create(mapPath(scene), object('page-0'), scene.write({ dryRun: true })),
      ).rejects.toMatchObject({ code: 'conflict' })
    },
  },
  {
    name: 'stores nothing of a patch that is a dry run',
    seen: 'real 1.20',
    check: async (scene) => {
      const before = await scene.configMap('dry-patch')
      const patch = [{ op: 'add', path: '/data', value: { a: 'b' } }] as const
      await scene.writer.patch(mapPath(scene, 'dry-patch'), patch, scene.write({ dryRun: true }))
      expect((await scene.get(scene.path('configmaps', 'dry-patch'))).json).toEqual(before)
    },
  },
  {
    name: 'deletes nothing in a dry run that the body of the delete asks for',
    seen: 'real 1.20',
    check: async (scene) => {
      const uid = uidOf(await scene.configMap('keep'))
      await scene.writer.delete(mapPath(scene, 'keep'), { ...scene.write({ dryRun: true }), uid })
      expect(await exists(scene, 'keep')).toBe(true)
    },
  },
  {
    name: 'passes over what the query of a delete says where the delete has a body',
    seen: 'real 1.20',
    check: async (scene) => {
      await scene.configMap('gone')
      const body = { apiVersion: 'v1', kind: 'DeleteOptions' }
      await scene.send('DELETE', `${scene.path('configmaps', 'gone')}?dryRun=All`, body)
      expect(await exists(scene, 'gone')).toBe(false)
    },
  },
  {
    name: 'deletes the object of the uid that is named, and no other of its name',
    seen: 'real 1.20',
    check: async (scene) => {
      const uid = uidOf(await scene.configMap('meant'))
      const other = '00000000-0000-4000-8000-000000000000'
      const path = mapPath(scene, 'meant')
      await expect(scene.writer.delete(path, { ...scene.write(), uid: other })).rejects.toMatchObject({
        code: 'conflict',
        httpStatus: 409,
        message: expect.stringContaining('the UID in the precondition'),
      })
      expect(await exists(scene, 'meant')).toBe(true)
      await scene.writer.delete(path, { ...scene.write(), uid })
      expect(await exists(scene, 'meant')).toBe(false)
      await expect(scene.writer.delete(path, { ...scene.write(), uid })).rejects.toMatchObject({
        code: 'not-found',
      })
    },
  },
  {
    name: 'patches labels whose keys have slashes and tildes, one by one',
    seen: 'real 1.20',
    check: async (scene) => {
      await scene.create('configmaps', {
        ...object('labels'),
        metadata: { name: 'labels', labels: { a: '1' } },
      })
      const patch = [
        { op: 'test', path: '/metadata/labels/a', value: '1' },
        { op: 'add', path: '/metadata/labels/impound.dev~1case', value: 'C-1' },
        { op: 'remove', path: '/metadata/labels/a' },
      ] as const
      await scene.writer.patch(mapPath(scene, 'labels'), patch, scene.write())
      const { json } = await scene.get(scene.path('configmaps', 'labels'))
      expect(at(json, 'metadata', 'labels')).toEqual({ 'impound.dev/case': 'C-1' })
    },
  },
  {
    name: 'applies nothing of a JSON Patch whose test fails, and says so with a 422 that names no reason',
    seen: 'real 1.20',
    check: async (scene) => {
      const before = await scene.configMap('guarded')
      const patch = [
        { op: 'add', path: '/data', value: { a: 'b' } },
        { op: 'test', path: '/metadata/uid', value: 'another' },
      ] as const
      const path = scene.path('configmaps', 'guarded')
      const reply = await scene.send('PATCH', path, patch, 'application/json-patch+json')
      expect(reply.json).toMatchObject({
        code: 422,
        reason: 'Invalid',
        message: 'the server rejected our request due to an error in our request',
      })
      await expect(scene.writer.patch(mapPath(scene, 'guarded'), patch, scene.write())).rejects.toMatchObject(
        { code: 'conflict' },
      )
      expect((await scene.get(path)).json).toEqual(before)
    },
  },
  {
    name: 'fails a JSON Patch that adds below what is not there, or removes what is not there',
    seen: 'real 1.20',
    check: async (scene) => {
      await scene.configMap('bare')
      const refused = async (...patch: readonly object[]): Promise<number> =>
        (await scene.send('PATCH', scene.path('configmaps', 'bare'), patch, 'application/json-patch+json'))
          .status
      expect(await refused({ op: 'add', path: '/metadata/labels/a', value: 'b' })).toBe(422)
      expect(await refused({ op: 'remove', path: '/metadata/labels' })).toBe(422)
    },
  },
  {
    name: 'counts a change in the resourceVersion, and none where nothing changed',
    seen: 'real 1.20',
    check: async (scene) => {
      const first = await scene.configMap('counted')
      const path = mapPath(scene, 'counted')
      const version = async (value: string): Promise<unknown> => {
        const patch = [{ op: 'add', path: '/metadata/labels', value: { a: value } }] as const
        const { body } = await scene.writer.patch(path, patch, scene.write())
        return at(JSON.parse(body.toString('utf8')), 'metadata', 'resourceVersion')
      }
      const [one, two, same] = [await version('1'), await version('2'), await version('2')]
      expect(new Set([at(first, 'metadata', 'resourceVersion'), one, two]).size).toBe(3)
      expect(same).toBe(two)
    },
  },
  {
    name: 'writes down who changed what in managedFields',
    seen: 'real 1.20',
    check: async (scene) => {
      // of an object that began with no field of its own, servers never track any
      await scene.create('configmaps', { ...object('managed'), data: { old: '1' } })
      const patch = [{ op: 'add', path: '/data/a', value: 'b' }] as const
      await scene.writer.patch(mapPath(scene, 'managed'), patch, scene.write())
      const { json } = await scene.get(scene.path('configmaps', 'managed'))
      const entry = asArray(at(json, 'metadata', 'managedFields')).find(
        (one) => at(one, 'manager') === 'impound',
      )
      expect(entry).toMatchObject({
        operation: 'Update',
        time: expect.any(String),
        fieldsV1: { 'f:data': { 'f:a': {} } },
      })
    },
  },
  {
    name: 'keeps a NetworkPolicy as it was sent, with what it fills in',
    seen: 'real 1.20',
    check: async (scene) => {
      const spec = {
        podSelector: { matchLabels: { 'impound.dev/quarantine': 'x' } },
        policyTypes: ['Ingress', 'Egress'],
      }
      const made = await scene.create('networking.k8s.io/v1/networkpolicies', {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'quarantine' },
        spec,
      })
      expect(made).toMatchObject({ kind: 'NetworkPolicy', spec })
      const open = await scene.create('networking.k8s.io/v1/networkpolicies', {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'open' },
        spec: { podSelector: {}, ingress: [{}] },
      })
      expect(open).toMatchObject({ spec: { policyTypes: ['Ingress'] } })
    },
  },
]
