import { podPath, type ApiPath } from '../model/api-path.js'
import { isCode } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import { hasEnded } from '../model/pod-ended.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { KubeWriter } from '../model/ports/kube-writer.js'
import type { Clock } from '../model/ports/run-context.js'
import { namespacePath, RUN_LABEL } from './names.js'

export const ACTION = 'node-pod'

export interface Remover {
  readonly kube: KubeReader
  readonly writer: KubeWriter
  readonly clock: Clock
  /** Ends the waiting; what is not confirmed by then is not known. */
  readonly signal: AbortSignal
}

/** What is to go: of this run by its label, or of this UID. */
export interface Doomed {
  readonly kind: 'pod' | 'namespace'
  readonly namespace: string
  readonly name: string
  /** Absent where the answer to the create was lost. */
  readonly uid?: string
  readonly run: string
}

/**
 * Deletes by UID and waits until it is seen to be gone, or its container to have ended: a kubelet before 1.21 takes a minute
 * from there to let go of the object. Of a namespace, until it is on its way out, which takes the cluster a while too.
 * 'never-there' where nothing of the run bears the name. Throws what reading and writing throw.
 */
export async function remove(doomed: Doomed, by: Remover): Promise<'checked' | 'ended' | 'never-there'> {
  const path = doomed.kind === 'pod' ? podPath(doomed.namespace, doomed.name) : namespacePath(doomed.name)
  const found = await look(path, by)
  if (found === undefined || !isMeant(found, doomed)) {
    return doomed.uid === undefined ? 'never-there' : 'checked'
  }
  if (!isGoing(found)) {
    try {
      await by.writer.delete(path, {
        signal: by.signal,
        action: ACTION,
        step: doomed.kind === 'pod' ? 'delete' : 'delete-namespace',
        uid: found.uid,
      })
    } catch (error) {
      // somebody was faster: what is there now is not ours
      if (!isCode(error, 'not-found', 'conflict')) throw error
    }
  }
  for (let wait = 100; ; wait = Math.min(wait * 1.5, 1000)) {
    const left = await look(path, by)
    if (left?.uid !== found.uid) return 'checked'
    if (isGoing(left) && (doomed.kind === 'namespace' || hasEnded(left.object))) return 'ended'
    await by.clock.sleep(wait, by.signal)
  }
}

interface Found {
  readonly uid: string
  readonly run: string | undefined
  readonly object: unknown
}

async function look(path: ApiPath, { kube, signal }: Remover): Promise<Found | undefined> {
  try {
    const { body } = await kube.get(path, { signal })
    const object: unknown = JSON.parse(body.toString('utf8'))
    return {
      uid: asString(at(object, 'metadata', 'uid')) ?? '',
      run: asString(at(object, 'metadata', 'labels', RUN_LABEL)),
      object,
    }
  } catch (error) {
    if (isCode(error, 'not-found')) return undefined
    throw error
  }
}

function isMeant({ uid, run }: Found, doomed: Doomed): boolean {
  return doomed.uid === undefined ? run === doomed.run : uid === doomed.uid
}

function isGoing({ object }: Found): boolean {
  return at(object, 'metadata', 'deletionTimestamp') !== undefined
}
