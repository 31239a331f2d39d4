import { podPath } from '../model/api-path.js'
import type { ReferencesDocument } from '../model/access-documents.js'
import type { CollectContext, Collector } from '../model/collector.js'
import { ImpoundError } from '../model/errors.js'
import { asArray, asObject, asString, at, type Json, type JsonObject } from '../model/json.js'
import type { Target } from '../model/target.js'
import { PartialReads } from './partial-reads.js'
import { referencesOf, type Uses } from '../model/spec-references.js'
import { mountsOf, nameOf, specVolumes } from '../model/spec-volumes.js'

type Volume = ReferencesDocument['volumes'][number]

/** More than any pod of the field names: a pod's spec can be made of a megabyte of names. */
const MAX_READS = 200

/**
 * ConfigMaps, claims and volumes that the pod's spec names, and Secrets by name alone: reading Secrets needs rare rights, shows in
 * the audit log, and puts them into the archive.
 */
export const referencesCollector: Collector = {
  name: 'references',
  summary: 'ConfigMaps, claims and volumes that the pod uses, and the names of its Secrets',
  phases: ['read'],
  requirements: (_options, { namespace }) => ({
    access: [
      { verb: 'get', group: '', resource: 'configmaps', namespace },
      { verb: 'get', group: '', resource: 'persistentvolumeclaims', namespace },
      { verb: 'get', group: '', resource: 'persistentvolumes' },
    ],
    impact: 'read',
  }),
  async collect(context, target, sink) {
    const pod = await context.api.get(podPath(target.namespace, target.name))
    if (at(pod.json, 'metadata', 'uid') !== target.uid) {
      throw new ImpoundError('target-changed', `pod ${target.name} is another pod now: its UID differs`)
    }
    const reads = new PartialReads('references', sink)
    const { configMaps, secrets } = referencesOf(pod.json)
    const read: ReferencesDocument['configMaps'][number][] = []
    for (const [name, uses] of configMaps) {
      if (read.length >= MAX_READS) {
        await reads.report(
          `${configMaps.size - read.length} more ConfigMaps`,
          new ImpoundError('too-big', `the pod names more than ${MAX_READS} ConfigMaps`),
        )
        break
      }
      read.push(await configMap(context, target, reads, name, uses))
    }
    const volumes: Volume[] = []
    for (const volume of specVolumes(pod.json).slice(0, MAX_READS)) {
      volumes.push(await volumeOf(context, target, reads, pod.json, volume))
    }
    const derivedFrom = [pod.artefact, ...reads.artefacts]
    const document: ReferencesDocument = {
      schema: 'impound/references/v1',
      derivedFrom,
      configMaps: read,
      secrets: [...secrets].map(([name, uses]) => ({ name, uses })),
      volumes,
      missing: reads.missing,
    }
    await sink.document(
      'references.json',
      document,
      { kind: 'derived', mediaType: 'application/json', trust: 'derived', derivedFrom },
      'references',
    )
  },
}

async function configMap(
  context: CollectContext,
  { namespace }: Target,
  reads: PartialReads,
  name: string,
  uses: Uses,
): Promise<ReferencesDocument['configMaps'][number]> {
  const ask = (): ReturnType<typeof context.api.get> =>
    context.api.get({ group: '', version: 'v1', resource: 'configmaps', namespace, name })
  const answer = await reads.read(`ConfigMap ${name}`, ask)
  const uid = asString(at(answer?.json, 'metadata', 'uid'))
  return {
    name,
    uses,
    read: answer !== undefined,
    ...(uid === undefined ? {} : { uid }),
    keys: ['data', 'binaryData']
      .flatMap((part) => Object.keys(asObject(at(answer?.json, part)) ?? {}))
      .sort(),
  }
}

async function volumeOf(
  context: CollectContext,
  target: Target,
  reads: PartialReads,
  pod: Json,
  volume: JsonObject,
): Promise<Volume> {
  const name = nameOf(volume)
  const type = Object.keys(volume).find((key) => key !== 'name') ?? ''
  const claimName = asString(at(volume, 'persistentVolumeClaim', 'claimName'))
  // Kubernetes makes the claim of an ephemeral volume and calls it so
  const claim = claimName ?? (type === 'ephemeral' ? `${target.name}-${name}` : undefined)
  const source =
    claim ??
    asString(at(volume, 'hostPath', 'path')) ??
    asString(at(volume, 'csi', 'driver')) ??
    asString(at(volume, 'nfs', 'server'))
  const read = claim === undefined ? undefined : await claimOf(context, target, reads, claim)
  return {
    name,
    type,
    ...(source === undefined ? {} : { source }),
    mounts: mountsOf(pod, name),
    ...(read === undefined ? {} : { claim: read }),
  }
}

async function claimOf(
  context: CollectContext,
  { namespace }: Target,
  reads: PartialReads,
  name: string,
): Promise<Volume['claim']> {
  const claim = await reads.read(`claim ${name}`, () =>
    context.api.get({ group: '', version: 'v1', resource: 'persistentvolumeclaims', namespace, name }),
  )
  if (claim === undefined) return undefined
  const text = (...path: readonly string[]): string | undefined => asString(at(claim.json, ...path))
  const volume = text('spec', 'volumeName')
  const backing =
    volume === undefined || volume === ''
      ? undefined
      : await reads.read(`volume ${volume}`, () =>
          context.api.get({ group: '', version: 'v1', resource: 'persistentvolumes', name: volume }),
        )
  return {
    ...defined({
      phase: text('status', 'phase'),
      volume,
      storageClass: text('spec', 'storageClassName'),
      capacity: text('status', 'capacity', 'storage'),
      backing: backing === undefined ? undefined : backingWords(backing.json),
    }),
    accessModes: asArray(at(claim.json, 'spec', 'accessModes')).flatMap((mode) => asString(mode) ?? []),
  }
}

/** Keys of a PersistentVolume's spec that are no source. */
const NO_SOURCE = new Set(
  (
    'accessModes capacity claimRef mountOptions nodeAffinity persistentVolumeReclaimPolicy storageClassName ' +
    'volumeAttributesClassName volumeMode'
  ).split(' '),
)

function backingWords(volume: Json): string | undefined {
  const spec = asObject(at(volume, 'spec')) ?? {}
  const type = Object.keys(spec).find((key) => !NO_SOURCE.has(key))
  if (type === undefined) return undefined
  const source = spec[type]
  const facts = ['driver', 'volumeHandle', 'volumeID', 'pdName', 'diskURI', 'server', 'path'].flatMap(
    (key) => asString(at(source, key)) ?? [],
  )
  return [type, ...facts].join(' ')
}

function defined<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Fields]?: Exclude<Fields[Key], undefined>
  }
}
