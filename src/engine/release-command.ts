import type { Target } from '../model/target.js'
import { forShell } from '../text/shell.js'
import type { ClusterRequest } from './request.js'

/** The command that undoes a quarantine, for the same cluster as this run spoke to. */
export function releaseCommand(target: Pick<Target, 'namespace' | 'name'>, cluster: ClusterRequest): string {
  const { kubeconfig, context } = cluster
  return [
    'impound release',
    forShell(target.name),
    '-n',
    forShell(target.namespace),
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', forShell(kubeconfig)]),
    ...(context === undefined ? [] : ['--context', forShell(context)]),
  ].join(' ')
}
