import { describe, expect, it } from '@jest/globals'

import { applyStrategicPatch } from '../../../src/lab/api/strategic-patch.js'
import type { JsonObject } from '../../../src/model/json.js'

const SPEC: JsonObject = {
  containers: [
    { name: 'a', image: 'i:1', env: [{ name: 'E', value: '1' }], ports: [{ containerPort: 80 }] },
    { name: 'b', image: 'i:2' },
  ],
  tolerations: [{ key: 't1', operator: 'Exists' }],
  volumes: [{ name: 'v', emptyDir: {} }],
}
const DEPLOYMENT: JsonObject = { metadata: { name: 'd' }, spec: { template: { spec: SPEC } } }

const inTemplate = (patch: JsonObject): JsonObject => {
  const patched = applyStrategicPatch('Deployment', DEPLOYMENT, { spec: { template: { spec: patch } } })
  return (patched.spec as { template: { spec: JsonObject } }).template.spec
}
const [A, B] = SPEC.containers as readonly [JsonObject, JsonObject]

/** Each was compared with what a 1.20 server answers. */
describe('a strategic merge patch', () => {
  it.each<[string, JsonObject, JsonObject]>([
    [
      'changes the container it names',
      { containers: [{ name: 'b', image: 'i:3' }] },
      { containers: [A, { ...B, image: 'i:3' }] },
    ],
    [
      'puts a new one first',
      { containers: [{ name: 'c', image: 'x' }] },
      { containers: [{ name: 'c', image: 'x' }, A, B] },
    ],
    ['deletes', { containers: [{ name: 'b', $patch: 'delete' }] }, { containers: [A] }],
    [
      'replaces the list',
      { containers: [{ name: 'z' }, { $patch: 'replace' }] },
      { containers: [{ name: 'z' }] },
    ],
    [
      'merges env by name and ports by number',
      {
        containers: [
          {
            name: 'a',
            env: [
              { name: 'F', value: '2' },
              { name: 'E', $patch: 'delete' },
            ],
            ports: [{ containerPort: 81 }],
          },
        ],
      },
      {
        containers: [
          { ...A, env: [{ name: 'F', value: '2' }], ports: [{ containerPort: 81 }, { containerPort: 80 }] },
          B,
        ],
      },
    ],
    [
      'orders',
      {
        '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }],
        containers: [{ name: 'a', image: 'x' }],
      },
      { containers: [B, { ...A, image: 'x' }] },
    ],
    ['takes tolerations whole', { tolerations: [{ key: 't2' }] }, { tolerations: [{ key: 't2' }] }],
    [
      'retains keys',
      { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/' } }] },
      { volumes: [{ name: 'v', hostPath: { path: '/' } }] },
    ],
  ])('%s', (_what, patch, expected) => {
    expect(inTemplate(patch)).toEqual({ ...SPEC, ...expected })
  })

  it('merges owners by uid, and finalizers as a set', () => {
    const before = { metadata: { finalizers: ['a.dev/x'], ownerReferences: [{ uid: '1', name: 'one' }] } }
    const patched = applyStrategicPatch('Pod', before, {
      metadata: {
        finalizers: ['b.dev/y', 'a.dev/x'],
        ownerReferences: [{ uid: '1', controller: true }, { uid: '2' }],
      },
    })
    expect(patched).toEqual({
      metadata: {
        finalizers: ['b.dev/y', 'a.dev/x'],
        ownerReferences: [{ uid: '1', name: 'one', controller: true }, { uid: '2' }],
      },
    })
    expect(
      applyStrategicPatch('Pod', before, {
        metadata: { '$deleteFromPrimitiveList/finalizers': ['a.dev/x'] },
      }),
    ).toMatchObject({ metadata: { finalizers: [] } })
    expect(
      applyStrategicPatch('Pod', before, { metadata: { ownerReferences: [{ uid: '1', $patch: 'delete' }] } }),
    ).toMatchObject({ metadata: { ownerReferences: [] } })
  })

  it('replaces or empties a map by directive', () => {
    const before = { data: { x: '1', y: '2' } }
    expect(applyStrategicPatch('ConfigMap', before, { data: { $patch: 'replace', z: '3' } })).toEqual({
      data: { z: '3' },
    })
    expect(applyStrategicPatch('ConfigMap', before, { data: { $patch: 'delete' } })).toEqual({ data: {} })
    expect(applyStrategicPatch('ConfigMap', before, { data: { x: null } })).toEqual({ data: { y: '2' } })
  })

  it.each<[string, JsonObject, string]>([
    [
      'no merge key',
      { containers: [{ image: 'i:3' }] },
      'map: map[image:i:3] does not contain declared merge key: name',
    ],
    [
      'an unknown directive',
      { containers: [{ name: 'b', $patch: 'nix' }] },
      'unknown patch type: nix in map: map[$patch:nix name:b]',
    ],
    [
      'a map for a list',
      { containers: { name: 'b' } },
      ' "" is invalid: patch: Invalid value: "map[spec:map[template:map[spec:map[containers:map[name:b]]]]]": cannot restore slice from map',
    ],
  ])('with %s is refused', (_what, patch, message) => {
    expect(() => inTemplate(patch)).toThrow(message)
  })
})
