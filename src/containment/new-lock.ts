import type { Pod } from '../model/kubernetes.js'
import type { RunContext } from '../model/ports/run-context.js'
import { controllerOf, lockValue } from './lock.js'
import type { QuarantineOptions } from './options.js'
import { protectingBefore } from './protecting-annotations.js'

/** What this responder writes on the pod to hold it. */
export function newLock(run: RunContext, pod: Pod, options: QuarantineOptions): string {
  const owner = controllerOf(pod)
  return lockValue({
    case: options.case,
    who: options.who,
    when: run.clock.now().toISOString(),
    labels: pod.metadata?.labels ?? {},
    annotations: protectingBefore(pod),
    ...(owner === undefined ? {} : { owner }),
    tool: options.toolVersion,
  })
}
