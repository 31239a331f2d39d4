import type { AccessRule } from '../model/api-path.js'
import { ownerAccess } from '../model/owner-access.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { Target } from '../model/target.js'

/** The rights without which a pod can't be quarantined, or could not be released. */
export function neededAccess({ namespace, name }: Pick<Target, 'namespace' | 'name'>): readonly AccessRule[] {
  const policies = { group: 'networking.k8s.io', resource: 'networkpolicies', namespace } as const
  const pod = { group: '', resource: 'pods', namespace, ...(name === '' ? {} : { name }) } as const
  return [
    { verb: 'get', ...pod },
    { verb: 'patch', ...pod },
    { verb: 'list', ...policies },
    { verb: 'get', ...policies },
    { verb: 'create', ...policies },
    { verb: 'delete', ...policies },
  ]
}

/** The rights that show what else a quarantine touches; without them the plan says what it could not see. */
export function usefulAccess({ namespace }: Pick<Target, 'namespace'>): readonly AccessRule[] {
  return [
    { verb: 'list', group: '', resource: 'services', namespace },
    { verb: 'list', group: 'discovery.k8s.io', resource: 'endpointslices', namespace },
    { verb: 'list', group: '', resource: 'pods', namespace },
    { verb: 'get', group: '', resource: 'serviceaccounts', namespace },
    ...ownerAccess(namespace),
    // by these the network plugin is known
    { verb: 'list', group: 'apps', resource: 'daemonsets' },
    { verb: 'get', group: '', resource: 'nodes' },
    { verb: 'get', group: '', resource: 'configmaps', namespace: 'kube-system', name: 'cilium-config' },
  ]
}

/** Which of the needed rights the server says that we don't have. */
export async function missingAccess(
  kube: KubeReader,
  target: Pick<Target, 'namespace' | 'name'>,
  signal: AbortSignal,
): Promise<readonly AccessRule[]> {
  const answers = await Promise.all(neededAccess(target).map((rule) => kube.canI(rule, signal)))
  return answers.filter(({ allowed }) => !allowed).map(({ rule }) => rule)
}
