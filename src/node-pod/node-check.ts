import { ImpoundError, isCode } from '../model/errors.js'
import { asArray, asString, asStringMap, at } from '../model/json.js'
import type { KubeReader } from '../model/ports/kube-reader.js'

/**
 * Whether a node can have a pod of ours at all. Throws `unsupported` where it never can, `target-refused` where its kubelet is
 * silent; gives a warning where the cluster will most likely refuse. A node that may not be read is believed.
 */
export async function checkNode(
  kube: KubeReader,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly warning?: string }> {
  const node = await readNode(kube, name, signal)
  if (node === undefined) return {}
  const labels = asStringMap(at(node, 'metadata', 'labels'))
  const os = asString(at(node, 'status', 'nodeInfo', 'operatingSystem')) ?? labels['kubernetes.io/os']
  if (os !== undefined && os !== 'linux') {
    throw new ImpoundError('unsupported', `node ${name} runs ${os}: a node pod needs Linux`)
  }
  if (labels['eks.amazonaws.com/compute-type'] === 'fargate') {
    throw new ImpoundError(
      'unsupported',
      `node ${name} is Fargate: it admits no privileged pod, and has no node to look at`,
    )
  }
  if (labels['type'] === 'virtual-kubelet') {
    throw new ImpoundError(
      'unsupported',
      `node ${name} is a virtual kubelet: there is no node behind it to look at`,
    )
  }
  const ready = asArray(at(node, 'status', 'conditions')).find(
    (condition) => at(condition, 'type') === 'Ready',
  )
  if (at(ready, 'status') === 'Unknown') {
    throw new ImpoundError('target-refused', `node ${name} is NotReady: its kubelet has stopped answering`, {
      hints: ['nothing can be started there; its disk may still be had through the provider'],
    })
  }
  return name.startsWith('gk3-')
    ? { warning: 'by its name a node of GKE Autopilot, which admits allow-listed workloads only' }
    : {}
}

async function readNode(kube: KubeReader, name: string, signal: AbortSignal): Promise<unknown> {
  try {
    const { body } = await kube.get({ group: '', version: 'v1', resource: 'nodes', name }, { signal })
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    if (isCode(error, 'not-found')) {
      throw new ImpoundError('unsupported', `there is no node ${name} any more`, { cause: error })
    }
    if (isCode(error, 'forbidden')) return undefined
    throw error
  }
}
