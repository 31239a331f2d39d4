import type { QuarantinePlan } from '../model/quarantine-plan.js'
import { forShell } from '../text/shell.js'
import { DEFAULT_NODE_IMAGE } from './node-image.js'
import type { CaptureRequest } from './request.js'

/** The command that undoes a quarantine, for the same cluster as this run spoke to, and by the same pod on the node. */
export function releaseCommand(
  { target, actions }: Pick<QuarantinePlan, 'target' | 'actions'>,
  { cluster, nodePods }: Pick<CaptureRequest, 'cluster' | 'nodePods'>,
): string {
  const { kubeconfig, context } = cluster
  const { image = DEFAULT_NODE_IMAGE, namespace } = nodePods ?? {}
  const node = [
    '--allow node',
    ...(image === DEFAULT_NODE_IMAGE ? [] : ['--node-image', forShell(image)]),
    ...(namespace === undefined ? [] : ['--node-namespace', forShell(namespace)]),
  ]
  return [
    'impound release',
    forShell(target.name),
    '-n',
    forShell(target.namespace),
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', forShell(kubeconfig)]),
    ...(context === undefined ? [] : ['--context', forShell(context)]),
    ...(actions.some(({ needs }) => needs === 'node') ? node : []),
  ].join(' ')
}
