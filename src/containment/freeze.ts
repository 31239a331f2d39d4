import type { ContainmentAction, Finding } from '../model/containment.js'
import { ImpoundError } from '../model/errors.js'
import type { Pod } from '../model/kubernetes.js'
import type { NodeSession } from '../model/ports/node-pod.js'
import { onNode } from './network-probe.js'
import { nodeAction, runningContainers } from './node-action.js'
import type { QuarantineOptions } from './options.js'

const NAME = 'freeze'

/** Stops the processes of every running container by the freezer of its cgroup. Memory stays as it is. */
export function createFreeze(options: QuarantineOptions): ContainmentAction {
  const run = async (
    session: NodeSession,
    pod: Pod,
    action: 'freeze' | 'check' | 'thaw',
    signal: AbortSignal,
  ): Promise<readonly string[]> => {
    const containers = runningContainers(pod)
    if (containers.length === 0) throw new ImpoundError('target-refused', 'no container of the pod runs')
    const text = await onNode(session, NAME, options.scripts.freeze, [action, ...containers], signal)
    return text.split('\n').filter((line) => /^[0-9a-f]{64} (frozen|thawed|gone)$/.test(line))
  }
  return nodeAction(
    {
      name: NAME,
      change: 'freeze the processes of every container',
      undone: 'the processes go on',
      warnings: (pod) => [
        'nothing can be started in a frozen container: no exec, not for evidence either',
        ...(pod.spec?.containers ?? [])
          .filter(({ livenessProbe }) => livenessProbe !== undefined)
          .map(
            ({ name = '' }) =>
              `the liveness probe of ${name} fails while it is frozen: the kubelet then kills it, and its memory is lost`,
          ),
      ],
      apply: async (session, pod, _suspect, signal) => {
        const lines = await run(session, pod, 'freeze', signal)
        const not = lines.filter((line) => line.endsWith(' thawed'))
        if (not.length > 0)
          throw new ImpoundError('target-refused', `${not.length} containers did not freeze`)
      },
      check: async (session, pod, _suspect, signal): Promise<Finding> => {
        const lines = await run(session, pod, 'check', signal)
        const frozen = lines.filter((line) => line.endsWith(' frozen')).length
        const going = lines.length - frozen
        return going === 0
          ? { tried: [`the processes of ${frozen} containers are frozen`], open: [] }
          : { tried: [], open: [], broken: `the processes of ${going} of ${lines.length} containers go on` }
      },
      undo: async (session, pod, _suspect, signal) => {
        const lines = await run(session, pod, 'thaw', signal)
        if (lines.some((line) => line.endsWith(' frozen'))) {
          throw new ImpoundError('target-refused', 'a container is still frozen')
        }
      },
    },
    options,
  )
}
