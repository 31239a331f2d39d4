import type { JournalEntry, ReadContext } from '../model/containment.js'
import { isCode } from '../model/errors.js'
import type { Pod } from '../model/kubernetes.js'
import type { Target } from '../model/target.js'
import { holdsOf } from './hold.js'
import { lockOf, type Lock } from './lock.js'
import { readPod } from './reading.js'

/** Whether the journal speaks of anything that may still stand. */
export function held(entries: readonly JournalEntry[]): boolean {
  return holdsOf(entries).length > 0
}

/** Who holds the pod by its own annotation; undefined where nobody does, or the pod is gone. */
export async function holderOf(
  { kube, run }: ReadContext,
  target: Pick<Target, 'namespace' | 'name' | 'uid'>,
): Promise<{ readonly lock: Lock; readonly pod: Pod } | undefined> {
  try {
    const pod = await readPod(kube, target, run.signal)
    const found = lockOf(pod)
    return found.state === 'held' ? { lock: found.lock, pod } : undefined
  } catch (error) {
    if (isCode(error, 'target-changed')) return undefined
    throw error
  }
}
