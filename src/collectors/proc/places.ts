import type { CollectContext } from '../../model/collector.js'
import type { Sink } from '../../model/ports/sink.js'
import { containersOf, type Target, type TargetContainer } from '../../model/target.js'
import type { Scripts } from '../../model/scripts.js'
import { inContainer, onNode, type ScriptPlace } from './script-run.js'

/** templates/processes.sh: alone, and with what a script on a node begins with. */
export type ProcessScripts = Pick<Scripts, 'processes' | 'nodeProcesses'>

/** One run of the script: in a container for itself, or on the node for all of the pod's. */
export interface Reading {
  readonly place: ScriptPlace
  readonly containers: readonly TargetContainer[]
}

/**
 * Where the processes of the pod's running containers can be read, by the best way that is allowed and works: the node, else each
 * container for itself. What can't be read gets a row in the ledger, under `subject`.
 */
export async function readingsOf(
  context: CollectContext,
  target: Target,
  scripts: ProcessScripts,
  subject: string,
  sink: Sink,
): Promise<readonly Reading[]> {
  const running: TargetContainer[] = []
  for (const container of containersOf(target.pod)) {
    if (container.running) running.push(container)
    else await sink.skip(`${subject} ${container.name}`, 'not-applicable', 'the container is not running')
  }
  if (running.length === 0) return []
  const { allow } = context.options
  if (allow.has('node')) {
    const place = await nodePlace(context, target, scripts, subject, sink)
    if (place !== undefined) return [{ place, containers: running }]
  }
  if (allow.has('exec')) {
    return running.map((container) => ({
      place: inContainer(
        context,
        { namespace: target.namespace, pod: target.name, container: container.name },
        scripts.processes,
      ),
      containers: [container],
    }))
  }
  if (!allow.has('node')) {
    for (const { name } of running) {
      await sink.skip(
        `${subject} ${name}`,
        'not-allowed',
        "reading /proc takes a pod on its node (--allow node), or the container's own sh (--allow exec); an ephemeral container is not used for it",
      )
    }
  }
  return []
}

/** Undefined, with a row that says why, where there can be no pod of ours on the node. */
async function nodePlace(
  context: CollectContext,
  target: Target,
  scripts: ProcessScripts,
  subject: string,
  sink: Sink,
): Promise<ScriptPlace | undefined> {
  const node = target.pod.spec?.nodeName
  if (node === undefined) {
    await sink.skip(`${subject} by the node`, 'not-applicable', 'the pod is on no node')
    return undefined
  }
  try {
    const session = await context.nodePods.on(node, context.run.signal)
    return onNode(session, scripts.nodeProcesses)
  } catch (error) {
    if (context.run.signal.aborted) throw error
    await sink.failed(`${subject} by the node`, error)
    return undefined
  }
}

/** The ID that the runtime gave it: what stands behind 'containerd://'. */
export function runtimeId({ containerID }: Pick<TargetContainer, 'containerID'>): string {
  return containerID.replace(/^[a-z0-9-]+:\/\//, '')
}
