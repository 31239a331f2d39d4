import { podPath } from '../model/api-path.js'
import { asArray, asString, at } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import type { RunContext } from '../model/ports/run-context.js'
import { openCluster } from './prepare.js'
import type { ClusterRequest } from './request.js'
import { restartsOf } from './aftermath.js'

/** A pod to choose from. */
export interface PodChoice {
  readonly name: string
  readonly phase: string
  readonly restarts: number
  readonly node: string
}

/** What there is to choose from in a cluster, read when it is asked for. Throws as KubeReader does. */
export interface Browser {
  readonly context: string
  readonly namespace: string
  namespaces(): Promise<readonly string[]>
  pods(namespace: string): Promise<readonly PodChoice[]>
  close(): Promise<void>
}

export async function browse(request: ClusterRequest, run: RunContext): Promise<Browser> {
  const kube = await openCluster(request, run, () => undefined)
  const items = async (path: Parameters<typeof kube.reader.list>[0]): Promise<readonly unknown[]> => {
    const found: unknown[] = []
    for await (const page of kube.reader.list(path, { signal: run.signal })) {
      found.push(...asArray(at(JSON.parse(page.body.toString('utf8')), 'items')))
    }
    return found
  }
  return {
    context: kube.reader.facts.context,
    namespace: kube.reader.facts.namespace,
    async namespaces() {
      const found = await items({ group: '', version: 'v1', resource: 'namespaces' })
      return found.map((one) => asString(at(one, 'metadata', 'name')) ?? '').sort()
    },
    async pods(namespace) {
      const found = (await items(podPath(namespace))) as readonly Pod[]
      return found.map((pod) => ({
        name: pod.metadata?.name ?? '',
        phase: pod.status?.phase ?? 'unknown',
        restarts: restartsOf(pod),
        node: pod.spec?.nodeName ?? '',
      }))
    },
    close: () => kube.close(),
  }
}
