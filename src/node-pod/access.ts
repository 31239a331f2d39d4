import type { AccessRule } from '../model/api-path.js'

/** The rights without which no pod can be started on a node, used and removed. */
export function nodePodAccess(namespace: string, madeNamespace: boolean): readonly AccessRule[] {
  const pods = { group: '', resource: 'pods', namespace } as const
  const namespaces = { group: '', resource: 'namespaces' } as const
  return [
    { verb: 'create', ...pods },
    { verb: 'get', ...pods },
    { verb: 'delete', ...pods },
    { verb: 'get', ...pods, subresource: 'exec' },
    { verb: 'create', ...pods, subresource: 'exec' },
    ...(madeNamespace ? (['create', 'get', 'delete'] as const).map((verb) => ({ verb, ...namespaces })) : []),
  ]
}
