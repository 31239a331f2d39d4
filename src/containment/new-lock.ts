import type { Pod } from '../model/kubernetes.js'
import type { RunContext } from '../model/ports/run-context.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import { controllerOf, lockValue } from './lock.js'
import type { QuarantineOptions } from './options.js'

/** What this responder writes on the pod to hold it. */
export function newLock(run: RunContext, pod: Pod, options: QuarantineOptions): string {
  const owner = controllerOf(pod)
  // the mark of this very pod can only be one that we left before: it is not to come back on release
  const labels = Object.entries(pod.metadata?.labels ?? {}).filter(
    ([key, value]) => key !== QUARANTINE_KEY || value !== (pod.metadata?.uid ?? '').slice(0, 8),
  )
  return lockValue({
    case: options.case,
    who: options.who,
    when: run.clock.now().toISOString(),
    labels: Object.fromEntries(labels),
    ...(owner === undefined ? {} : { owner }),
    tool: options.toolVersion,
  })
}
