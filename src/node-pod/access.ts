import type { AccessRule } from '../model/api-path.js'
import { SCC_GROUP } from '../model/openshift.js'

/** Where the pod will be; without a namespace: one that is yet to be made, whose name nobody knows before. */
export interface NodePodPlace {
  readonly namespace: string | undefined
  /** OpenShift, where the right to use a SecurityContextConstraints admits a pod. */
  readonly openShift: boolean
}

/** The rights without which no pod can be started on a node, used and removed. */
export function nodePodAccess(
  { namespace, openShift }: NodePodPlace,
  madeNamespace: boolean,
): readonly AccessRule[] {
  const inNamespace = namespace === undefined ? {} : { namespace }
  const pods = { group: '', resource: 'pods', ...inNamespace } as const
  const namespaces = { group: '', resource: 'namespaces' } as const
  return [
    { verb: 'create', ...pods },
    { verb: 'get', ...pods },
    { verb: 'delete', ...pods },
    { verb: 'get', ...pods, subresource: 'exec' },
    { verb: 'create', ...pods, subresource: 'exec' },
    ...(madeNamespace ? (['create', 'get', 'delete'] as const).map((verb) => ({ verb, ...namespaces })) : []),
    ...(openShift
      ? [
          {
            verb: 'use' as const,
            group: SCC_GROUP,
            resource: 'securitycontextconstraints',
            name: 'privileged',
            ...inNamespace,
          },
        ]
      : []),
  ]
}

/** What lets a plan know the node, and what an earlier run that was killed has left; without it they are not looked at. */
export function nodePodUsefulAccess(): readonly AccessRule[] {
  return [
    { verb: 'get', group: '', resource: 'nodes' },
    { verb: 'list', group: '', resource: 'pods' },
    { verb: 'list', group: '', resource: 'namespaces' },
  ]
}
