import { asArray, asString, at } from './json.js'

/** What a container waits for that may run a moment later. */
const STARTING: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing'])

/** Of a pod that is to be deleted, by its kubelet's word: nothing of it runs, and nothing will. */
export function hasEnded(pod: unknown): boolean {
  const statuses = asArray(at(pod, 'status', 'containerStatuses'))
  return (
    statuses.length > 0 &&
    statuses.every((status) => {
      const waiting = asString(at(status, 'state', 'waiting', 'reason'))
      return (
        at(status, 'state', 'terminated') !== undefined ||
        // what a kubelet says that removed the container before it wrote down its end; it is never started a second time
        at(status, 'lastState', 'terminated') !== undefined ||
        (waiting !== undefined && !STARTING.has(waiting))
      )
    })
  )
}
