import { podPath } from '../../model/api-path.js'
import type { ReadContext, Suspect, WriteContext } from '../../model/containment.js'
import { ImpoundError, isCode } from '../../model/errors.js'
import { asArray, at } from '../../model/json.js'
import type { Pod } from '../../model/kubernetes.js'
import { hasEnded } from '../../model/pod-ended.js'
import { uid8 } from '../../model/target.js'
import { TWIN_KEY } from '../../model/twin-label.js'
import { readObject } from '../reading.js'
import { TWIN } from './names.js'
import { patience } from './patience.js'

const REMOVED_WITHIN_MS = 20_000

/** Twins of this suspect that are there, of whatever run. */
export async function twinsOf({ kube, run }: ReadContext, suspect: Suspect): Promise<readonly Pod[]> {
  const query = { labelSelector: `${TWIN_KEY}=${uid8(suspect)}` }
  const found: Pod[] = []
  for await (const { body } of kube.list(podPath(suspect.namespace), { signal: run.signal, query })) {
    found.push(...(asArray(at(JSON.parse(body.toString('utf8')), 'items')) as readonly Pod[]))
  }
  return found.filter(({ metadata }) => metadata?.annotations?.['impound.dev/pod-uid'] === suspect.uid)
}

/**
 * Deletes by UID and waits until it is seen to be gone, or its program to have ended. Throws `timeout` where that is not seen, and what reading
 * and writing throw. An interrupted run does it all the same.
 */
export async function removeTwin(
  context: WriteContext,
  suspect: Suspect,
  name: string,
  isMeant: (pod: Pod) => boolean,
): Promise<'gone' | 'ended' | 'never-there'> {
  const { kube, writer, run } = context
  const signal = AbortSignal.timeout(REMOVED_WITHIN_MS)
  const path = podPath(suspect.namespace, name)
  const again = patience({ ...run, signal }, REMOVED_WITHIN_MS)
  let seen = false
  do {
    const pod = await readObject<Pod>(kube, path, signal)
    if (pod === undefined || !isMeant(pod)) return seen ? 'gone' : 'never-there'
    seen = true
    if (pod.metadata?.deletionTimestamp !== undefined) {
      if (hasEnded(pod)) return 'ended'
      continue
    }
    try {
      await writer.delete(path, {
        signal,
        action: TWIN,
        step: 'delete',
        target: { namespace: suspect.namespace, name: suspect.name, uid: suspect.uid },
        prior: { case: suspect.case, object: `pods/${suspect.namespace}/${name}` },
        uid: pod.metadata?.uid ?? '',
      })
    } catch (error) {
      // somebody was faster, or the answer was lost: the next look tells
      if (!isCode(error, 'not-found', 'conflict', 'unreachable', 'timeout', 'cut', 'stalled', 'server'))
        throw error
    }
  } while (await again())
  throw new ImpoundError('timeout', `the end of pod ${suspect.namespace}/${name} was not seen in time`)
}
