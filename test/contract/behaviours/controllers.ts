import { expect } from '@jest/globals'

import { podPath } from '../../../src/model/api-path.js'
import { asArray, asString, at, type JsonObject } from '../../../src/model/json.js'
import type { Behaviour } from '../behaviour.js'
import { nameOf, type Scene, uidOf } from '../scene.js'

/** What impound does first: the pod leaves all labels that anybody selects by. */
async function relabel(
  scene: Scene,
  pod: JsonObject,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  await scene.writer.patch(
    podPath(scene.namespace, nameOf(pod)),
    [
      { op: 'test', path: '/metadata/uid', value: uidOf(pod) },
      { op: 'replace', path: '/metadata/labels', value: labels },
    ],
    scene.write(),
  )
}

async function ownersOf(scene: Scene, pod: JsonObject): Promise<readonly unknown[]> {
  const { json } = await scene.get(scene.path('pods', nameOf(pod)))
  return asArray(at(json, 'metadata', 'ownerReferences'))
}

async function addresses(scene: Scene): Promise<readonly string[]> {
  const { json } = await scene.get(scene.path('endpoints', 'web'))
  return asArray(json['subsets']).flatMap((subset) =>
    asArray(at(subset, 'addresses')).map((address) => asString(at(address, 'targetRef', 'name')) ?? ''),
  )
}

async function sliceTargets(scene: Scene): Promise<readonly string[]> {
  const version = scene.world.version === '1.20' ? 'v1beta1' : 'v1'
  const { json } = await scene.get(
    `${scene.path(`discovery.k8s.io/${version}/endpointslices`)}?labelSelector=kubernetes.io%2Fservice-name%3Dweb`,
  )
  return asArray(json['items']).flatMap((slice) =>
    asArray(at(slice, 'endpoints')).map((endpoint) => asString(at(endpoint, 'targetRef', 'name')) ?? ''),
  )
}

export const controllers: readonly Behaviour[] = [
  {
    name: 'has a Service follow its pods, in Endpoints and in EndpointSlices',
    seen: 'real 1.20',
    check: async (scene) => {
      const names = (await scene.pods()).map(nameOf).sort()
      const settled = await scene.eventually('both pods behind the Service', async () => {
        const found = [await addresses(scene), await sliceTargets(scene)].map((list) => [...list].sort())
        return found.every((list) => list.join() === names.join()) ? found : undefined
      })
      expect(settled).toEqual([names, names])
    },
  },
  {
    name: 'has a ReplicaSet let a pod go whose labels left it, replace it, and take it back with its labels',
    seen: 'real 1.20',
    check: async (scene) => {
      const before = await scene.pods()
      const [pod] = before
      const labels = at(pod, 'metadata', 'labels') as Readonly<Record<string, string>>
      await relabel(scene, pod!, { 'impound.dev/quarantine': uidOf(pod).slice(0, 8) })
      await scene.eventually('the owner to let go', async () =>
        (await ownersOf(scene, pod!)).length === 0 ? true : undefined,
      )
      const after = await scene.pods()
      expect(after.map(uidOf)).not.toContain(uidOf(pod))
      const left = await scene.eventually('the Service to let go', async () => {
        const all = [...(await addresses(scene)), ...(await sliceTargets(scene))]
        return all.includes(nameOf(pod)) ? undefined : all
      })
      expect(left.length).toBeGreaterThan(0)
      const held = (await scene.get(scene.path('pods', nameOf(pod)))).json
      expect(held).toMatchObject({ metadata: { uid: uidOf(pod) }, status: { phase: 'Running' } })
      await relabel(scene, pod!, labels)
      await scene.eventually('the owner to take it back, and one of three to go', async () => {
        const { json } = await scene.get(`${scene.path('pods')}?labelSelector=app%3Dweb`)
        const items = asArray(json['items'])
        const owned = items.every((item) => asArray(at(item, 'metadata', 'ownerReferences')).length === 1)
        return owned && items.length === 2 ? true : undefined
      })
      const kept = (await scene.pods()).map(uidOf)
      expect([...after, pod].map(uidOf)).toEqual(expect.arrayContaining(kept))
    },
  },
  {
    name: 'replaces a pod that is deleted, and only the one that is meant',
    seen: 'real 1.20',
    check: async (scene) => {
      const [pod, other] = await scene.pods()
      await scene.writer.delete(podPath(scene.namespace, nameOf(pod)), { ...scene.write(), uid: uidOf(pod) })
      const after = await scene.eventually('a replacement', async () => {
        const uids = (await scene.pods()).map(uidOf)
        return uids.includes(uidOf(pod)) ? undefined : uids
      })
      expect(after).toContain(uidOf(other))
    },
  },
]
