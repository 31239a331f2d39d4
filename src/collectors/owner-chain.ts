import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { asArray, asString, at } from '../model/json.js'
import type { OwnersDocument } from '../model/documents.js'
import type { RecordedRead, RecordingReader } from '../model/collector.js'
import type { ServedResource } from '../model/ports/kube-reader.js'

export type Owner = OwnersDocument['owners'][number]

/** More owners than any controller stacks; an attacker may write a circle. */
const MAX_OWNERS = 32

/**
 * Everything that owns the object, nearest first, each read where it can be. Owner references are the object's own
 * words: an owner whose UID is another one's is said to be unread.
 */
export async function ownerChain(
  api: RecordingReader,
  read: RecordedRead,
  signal: AbortSignal,
): Promise<{ readonly owners: readonly Owner[]; readonly derivedFrom: readonly string[] }> {
  const namespace = asString(at(read.json, 'metadata', 'namespace')) ?? ''
  const owners: Owner[] = []
  const derivedFrom = [read.artefact]
  const seen = new Set<string>()
  const queue: unknown[] = [...asArray(at(read.json, 'metadata', 'ownerReferences'))]
  while (queue.length > 0 && owners.length < MAX_OWNERS) {
    const reference = queue.shift()
    const uid = asString(at(reference, 'uid')) ?? ''
    if (seen.has(uid)) continue
    seen.add(uid)
    const owner = {
      apiVersion: asString(at(reference, 'apiVersion')) ?? '',
      kind: asString(at(reference, 'kind')) ?? '',
      name: asString(at(reference, 'name')) ?? '',
      uid,
      controller: at(reference, 'controller') === true,
    }
    try {
      const found = await readOwner(api, owner, namespace, signal)
      derivedFrom.push(found.artefact)
      queue.push(...asArray(at(found.json, 'metadata', 'ownerReferences')))
      owners.push({ ...owner, read: true })
    } catch (error) {
      if (isCode(error, 'aborted', 'storage')) throw error
      owners.push({ ...owner, read: false, why: messageOf(error) })
    }
  }
  return { owners, derivedFrom }
}

async function readOwner(
  api: RecordingReader,
  owner: Omit<Owner, 'read'>,
  namespace: string,
  signal: AbortSignal,
): Promise<RecordedRead> {
  const [group, version] = owner.apiVersion.includes('/')
    ? owner.apiVersion.split('/', 2)
    : ['', owner.apiVersion]
  const { resources } = await api.discover(signal)
  const served = resources.find(
    (resource: ServedResource) =>
      resource.group === group && resource.version === version && resource.kind === owner.kind,
  )
  if (served === undefined) {
    throw new ImpoundError('unsupported', `this cluster does not serve ${owner.apiVersion} ${owner.kind}`)
  }
  const read = await api.get({
    group: served.group,
    version: served.version,
    resource: served.resource,
    ...(served.namespaced ? { namespace } : {}),
    name: owner.name,
  })
  if (at(read.json, 'metadata', 'uid') !== owner.uid) {
    throw new ImpoundError('not-found', `${owner.kind} ${owner.name} is another object now: its UID differs`)
  }
  return read
}
