import { expect } from '@jest/globals'

import { podPath } from '../../../src/model/api-path.js'
import type { Behaviour } from '../behaviour.js'
import { never } from '../scene.js'

export const rights: readonly Behaviour[] = [
  {
    name: 'tells everybody what they may do',
    seen: 'real 1.20',
    check: async (scene) => {
      const rule = {
        verb: 'create',
        group: '',
        resource: 'pods',
        subresource: 'exec',
        namespace: scene.namespace,
      } as const
      expect(await scene.admin.reader.canI(rule, never)).toMatchObject({ allowed: true })
      expect(await scene.nobody.reader.canI(rule, never)).toMatchObject({ allowed: false })
    },
  },
  {
    name: 'answers an access review with 201 and the question',
    seen: 'real 1.20',
    check: async (scene) => {
      const review = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb: 'get', resource: 'pods', namespace: scene.namespace } },
      }
      const reply = await scene.send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review)
      expect(reply.status).toBe(201)
      expect(reply.json).toMatchObject({ ...review, status: { allowed: true } })
    },
  },
  {
    name: 'has no SelfSubjectReview: who we are can not be asked',
    seen: 'real 1.20',
    on: '1.20',
    check: async (scene) => {
      expect(await scene.admin.reader.whoAmI(never)).toBeUndefined()
    },
  },
  {
    name: 'tells who we are in a SelfSubjectReview',
    seen: 'lab only',
    on: '1.36',
    check: async (scene) => {
      expect(await scene.nobody.reader.whoAmI(never)).toEqual({
        user: 'responder',
        groups: expect.arrayContaining(['system:authenticated']),
      })
    },
  },
  {
    name: 'takes us for whom an administrator names, with no more rights than they have',
    seen: 'real 1.20',
    check: async (scene) => {
      const jane = await scene.connect('jane')
      try {
        await expect(jane.reader.get(podPath(scene.namespace), { signal: never })).rejects.toMatchObject({
          code: 'forbidden',
          message: expect.stringContaining('User "jane" cannot list resource "pods"'),
        })
      } finally {
        await jane.close()
      }
    },
  },
]
