import type { ReferenceUse } from './access-documents.js'
import { asArray, asString, at } from './json.js'
import { nameOf, specContainers, specVolumes } from './spec-volumes.js'

export type Uses = readonly ReferenceUse[]

interface Reference extends ReferenceUse {
  readonly kind: 'ConfigMap' | 'Secret'
  readonly name: string
}

/** ConfigMaps and Secrets that a pod's spec names, by name, each with all its uses. */
export function referencesOf(pod: unknown): {
  readonly configMaps: ReadonlyMap<string, Uses>
  readonly secrets: ReadonlyMap<string, Uses>
} {
  const all = [
    ...specVolumes(pod).flatMap(ofVolume),
    ...specContainers(pod).flatMap(ofContainer),
    ...asArray(at(pod, 'spec', 'imagePullSecrets')).flatMap((secret) =>
      reference('Secret', nameOf(secret), 'image pull', secret),
    ),
  ]
  return { configMaps: byName(all, 'ConfigMap'), secrets: byName(all, 'Secret') }
}

function ofVolume(volume: unknown): readonly Reference[] {
  const as = `volume ${nameOf(volume)}`
  const one = (source: unknown): readonly Reference[] => [
    ...reference('ConfigMap', asString(at(source, 'configMap', 'name')), as, at(source, 'configMap')),
    ...reference(
      'Secret',
      asString(at(source, 'secret', 'secretName')) ?? asString(at(source, 'secret', 'name')),
      as,
      at(source, 'secret'),
    ),
  ]
  // other sources (csi, azureFile, cephfs, flexVolume …) name a Secret of the pod's namespace in one of these ways
  const others = Object.entries(volume as object).flatMap(([type, source]) =>
    type === 'secret' || type === 'projected'
      ? []
      : [
          asString(at(source, 'secretRef', 'name')),
          asString(at(source, 'nodePublishSecretRef', 'name')),
          type === 'azureFile' ? asString(at(source, 'secretName')) : undefined,
        ].flatMap((name) => reference('Secret', name, as, undefined)),
  )
  return [...one(volume), ...asArray(at(volume, 'projected', 'sources')).flatMap(one), ...others]
}

function ofContainer(container: unknown): readonly Reference[] {
  const of = `of ${nameOf(container)}`
  return [
    ...asArray(at(container, 'env')).flatMap((variable) => {
      const as = `env ${nameOf(variable)} ${of}`
      const [map, secret] = ['configMapKeyRef', 'secretKeyRef'].map((key) => at(variable, 'valueFrom', key))
      return [
        ...reference('ConfigMap', asString(at(map, 'name')), as, map),
        ...reference('Secret', asString(at(secret, 'name')), as, secret),
      ]
    }),
    ...asArray(at(container, 'envFrom')).flatMap((source) => {
      const [map, secret] = ['configMapRef', 'secretRef'].map((key) => at(source, key))
      return [
        ...reference('ConfigMap', asString(at(map, 'name')), `envFrom ${of}`, map),
        ...reference('Secret', asString(at(secret, 'name')), `envFrom ${of}`, secret),
      ]
    }),
  ]
}

function reference(
  kind: Reference['kind'],
  name: string | undefined,
  as: string,
  source: unknown,
): readonly Reference[] {
  if (name === undefined || name === '') return []
  const keys = [
    asString(at(source, 'key')),
    ...asArray(at(source, 'items')).map((item) => asString(at(item, 'key'))),
  ].flatMap((key) => key ?? [])
  return [{ kind, name, as, keys, optional: at(source, 'optional') === true }]
}

function byName(all: readonly Reference[], kind: Reference['kind']): ReadonlyMap<string, Uses> {
  const found = new Map<string, ReferenceUse[]>()
  for (const { kind: own, name, ...use } of all) {
    if (own === kind) found.set(name, [...(found.get(name) ?? []), use])
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}
