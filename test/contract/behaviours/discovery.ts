import { expect } from '@jest/globals'

import { asArray, asString, at } from '../../../src/model/json.js'
import { call } from '../../lab/client.js'
import type { Behaviour } from '../behaviour.js'
import { never, type Scene } from '../scene.js'

/** The versions of a group, preferred first, as impound discovers them. */
async function versionsOf(scene: Scene, group: string, resource: string): Promise<readonly string[]> {
  const { resources } = await scene.admin.reader.discover(never)
  return resources
    .filter((one) => one.group === group && one.resource === resource)
    .sort((a, b) => Number(b.preferred) - Number(a.preferred))
    .map(({ version }) => version)
}

export const discovery: readonly Behaviour[] = [
  {
    name: 'tells its version to everybody',
    seen: 'real 1.20',
    check: async (scene) => {
      const { json } = await call(scene.stranger, '/version')
      const [major, minor] = scene.world.version.split('.')
      expect(json).toMatchObject({ major, minor, gitVersion: expect.stringMatching(/^v\d+\.\d+\.\d+/) })
    },
  },
  {
    name: 'tells everybody what it serves, with kinds, verbs and subresources',
    seen: 'real 1.20',
    check: async (scene) => {
      const { resources, failedGroups } = await scene.nobody.reader.discover(never)
      expect(failedGroups).toEqual([])
      expect(resources).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            group: '',
            version: 'v1',
            resource: 'pods',
            kind: 'Pod',
            namespaced: true,
          }),
          expect.objectContaining({
            group: '',
            version: 'v1',
            resource: 'pods/exec',
            kind: 'PodExecOptions',
          }),
          expect.objectContaining({ group: '', version: 'v1', resource: 'nodes', namespaced: false }),
          expect.objectContaining({
            group: 'networking.k8s.io',
            version: 'v1',
            resource: 'networkpolicies',
            kind: 'NetworkPolicy',
            preferred: true,
            verbs: expect.arrayContaining(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']),
          }),
        ]),
      )
    },
  },
  {
    name: 'answers a client that asks for aggregated discovery as it always did',
    seen: 'real 1.20',
    on: '1.20',
    check: async (scene) => {
      const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
      const reply = await call(scene.wire, '/apis', { headers: { Accept: accept } })
      expect(reply.headers['content-type']).toBe('application/json')
      expect(reply.json).toMatchObject({ kind: 'APIGroupList' })
      expect(asArray(reply.json['groups']).map((group) => asString(at(group, 'name')))).toContain('apps')
    },
  },
  {
    name: 'serves budgets and EndpointSlices as v1beta1 alone',
    seen: 'real 1.20',
    on: '1.20',
    check: async (scene) => {
      expect(await versionsOf(scene, 'policy', 'poddisruptionbudgets')).toEqual(['v1beta1'])
      expect(await versionsOf(scene, 'discovery.k8s.io', 'endpointslices')).toEqual(['v1beta1'])
    },
  },
  {
    name: 'serves budgets and EndpointSlices as v1',
    seen: 'lab only',
    on: '1.36',
    check: async (scene) => {
      expect(await versionsOf(scene, 'policy', 'poddisruptionbudgets')).toEqual(['v1'])
      expect(await versionsOf(scene, 'discovery.k8s.io', 'endpointslices')).toEqual(['v1'])
    },
  },
]
