import { expect } from '@jest/globals'

import { podPath } from '../../../src/model/api-path.js'
import { call } from '../../lab/client.js'
import type { Behaviour } from '../behaviour.js'
import { never } from '../scene.js'

export const refusals: readonly Behaviour[] = [
  {
    name: 'says 404 in a Status that names what is missing',
    seen: 'real 1.20',
    check: async (scene) => {
      const reply = await scene.get(scene.path('apps/v1/replicasets', 'none'))
      expect(reply.status).toBe(404)
      expect(reply.json).toEqual({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'replicasets.apps "none" not found',
        reason: 'NotFound',
        details: { name: 'none', group: 'apps', kind: 'replicasets' },
        code: 404,
      })
    },
  },
  {
    name: 'says 404 for a resource that a group version lacks, and in plain text for one that is not served',
    seen: 'real 1.20',
    check: async (scene) => {
      const lacking = await scene.get(scene.path('apps/v1/nothings'))
      expect(lacking.json).toMatchObject({
        code: 404,
        reason: 'NotFound',
        message: 'the server could not find the requested resource',
      })
      const foreign = await scene.get('/apis/nothing.example/v1/things')
      expect([foreign.status, foreign.text]).toEqual([404, '404 page not found\n'])
      expect(foreign.headers['content-type']).toMatch(/^text\/plain/)
    },
  },
  {
    name: 'says 403 with who may not do what, where',
    seen: 'real 1.20',
    check: async (scene) => {
      const reply = await call(scene.stranger, scene.path('pods'))
      expect(reply.json).toMatchObject({
        kind: 'Status',
        code: 403,
        reason: 'Forbidden',
        message: `pods is forbidden: User "responder" cannot list resource "pods" in API group "" in the namespace "${scene.namespace}"`,
        details: { kind: 'pods' },
      })
      await expect(
        scene.nobody.reader.get(podPath(scene.namespace, 'x'), { signal: never }),
      ).rejects.toMatchObject({
        code: 'forbidden',
        hints: expect.arrayContaining([`Ask for the right: get pods in ${scene.namespace}.`]),
      })
    },
  },
  {
    name: 'says 403 before 404: who may not read does not learn what is there',
    seen: 'real 1.20',
    check: async (scene) => {
      const there = await call(scene.stranger, scene.path('pods', await scene.podName()))
      const missing = await call(scene.stranger, scene.path('pods', 'none'))
      expect([there.status, missing.status]).toEqual([403, 403])
    },
  },
  {
    name: 'says 401 to a token that it does not know',
    seen: 'real 1.20',
    check: async (scene) => {
      const { server, ca } = scene.wire
      const access = { server, ca, token: 'never-issued', cert: undefined, key: undefined }
      const reply = await call(access, scene.path('pods'))
      expect(reply.json).toEqual({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Unauthorized',
        reason: 'Unauthorized',
        code: 401,
      })
    },
  },
  {
    name: 'takes who shows nothing for system:anonymous',
    seen: 'real 1.20',
    check: async (scene) => {
      const { server, ca } = scene.wire
      const reply = await call(
        { server, ca, token: undefined, cert: undefined, key: undefined },
        scene.path('pods'),
      )
      expect(reply.json).toMatchObject({ code: 403, message: expect.stringContaining('"system:anonymous"') })
    },
  },
  {
    name: 'says 409 AlreadyExists to a name that is taken',
    seen: 'real 1.20',
    check: async (scene) => {
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'page-0' } }
      const reply = await scene.send('POST', scene.path('configmaps'), object)
      expect(reply.json).toMatchObject({
        code: 409,
        reason: 'AlreadyExists',
        message: 'configmaps "page-0" already exists',
        details: { name: 'page-0', kind: 'configmaps' },
      })
    },
  },
  {
    name: 'says 409 Conflict to a write on a resourceVersion that is not the newest',
    seen: 'real 1.20',
    check: async (scene) => {
      const stale = await scene.configMap('stale')
      const path = scene.path('configmaps', 'stale')
      expect((await scene.send('PUT', path, { ...stale, data: { a: '1' } })).status).toBe(200)
      expect((await scene.send('PUT', path, { ...stale, data: { a: '2' } })).json).toMatchObject({
        code: 409,
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on configmaps "stale": the object has been modified; please apply your changes to the latest version and try again',
      })
    },
  },
  {
    name: 'says 422 to an object that is not valid, field by field',
    seen: 'real 1.20',
    check: async (scene) => {
      const object = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'Not_A_Name', labels: { a: '-' } },
      }
      const reply = await scene.send('POST', scene.path('configmaps'), object)
      expect(reply.json).toMatchObject({
        code: 422,
        reason: 'Invalid',
        message: expect.stringMatching(/^ConfigMap "Not_A_Name" is invalid: \[/),
        details: {
          name: 'Not_A_Name',
          kind: 'ConfigMap',
          causes: expect.arrayContaining([
            expect.objectContaining({ reason: 'FieldValueInvalid', field: 'metadata.name' }),
            expect.objectContaining({ reason: 'FieldValueInvalid', field: 'metadata.labels' }),
          ]),
        },
      })
    },
  },
  {
    name: 'says 400 to a body that is no JSON, and 415 to a patch of a kind that it does not know',
    seen: 'real 1.20',
    check: async (scene) => {
      const broken = await scene.send('POST', scene.path('configmaps'), '{')
      expect(broken.json).toMatchObject({ kind: 'Status', code: 400, reason: 'BadRequest' })
      const odd = await scene.send('PATCH', scene.path('configmaps', 'page-0'), '{}', 'application/json')
      expect(odd.json).toMatchObject({ kind: 'Status', code: 415, reason: 'UnsupportedMediaType' })
    },
  },
  {
    name: 'resolves no dots in a path, and takes no name that is none',
    seen: 'real 1.20',
    check: async (scene) => {
      const reply = await scene.get(scene.path('pods', '..%2F..%2Fx'))
      expect(reply.json).toMatchObject({ kind: 'Status', code: 404 })
    },
  },
]
