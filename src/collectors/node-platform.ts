import type { CollectContext } from '../model/collector.js'
import { asString, at } from '../model/json.js'
import type { Platform } from '../model/ports/registry.js'
import type { Target } from '../model/target.js'

export interface NodePlatform extends Platform {
  /** False where the node could not be read and linux/amd64 is a guess. */
  readonly known: boolean
}

/** System and architecture of the node that a pod runs on. The variant of an ARM node no node says. */
export async function nodePlatform(context: CollectContext, target: Target): Promise<NodePlatform> {
  const name = target.pod.spec?.nodeName
  const node =
    name === undefined
      ? undefined
      : await context.api
          .get({ group: '', version: 'v1', resource: 'nodes', name })
          .catch((error: unknown) => {
            if (context.run.signal.aborted) throw error
            return undefined
          })
  const os = asString(at(node?.json, 'status', 'nodeInfo', 'operatingSystem'))
  const architecture = asString(at(node?.json, 'status', 'nodeInfo', 'architecture'))
  return os === undefined || architecture === undefined
    ? { os: 'linux', architecture: 'amd64', known: false }
    : { os, architecture, known: true }
}
