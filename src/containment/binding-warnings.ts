import { podPath } from '../model/api-path.js'
import type { ReadContext } from '../model/containment.js'
import { isCode } from '../model/errors.js'
import type { Pod } from '../model/kubernetes.js'
import type { Target } from '../model/target.js'
import {
  accountOf,
  bindingTitle,
  groupsOf,
  subjectsOf,
  type Account,
  type Binding,
  type FoundBinding,
} from './account-bindings.js'
import { managedBy } from './managed-by.js'
import { listObjects } from './reading.js'

const MOST_NAMED = 5

/** Who else loses the account's rights. */
export async function siblingWarnings(
  { kube, run }: ReadContext,
  target: Target,
  account: Account,
): Promise<readonly string[]> {
  const said = `account ${account.namespace}/${account.name}`
  try {
    const pods = await listObjects<Pod>(kube, podPath(target.namespace), run.signal)
    const names = pods
      .filter(({ metadata }) => metadata?.uid !== target.uid)
      .filter((pod) => accountOf(pod, target).name === account.name)
      .map(({ metadata }) => metadata?.name ?? '')
      .sort()
    return names.length === 0 ? [] : [`${said} loses its rights in these pods too: ${atMost(names)}`]
  } catch (error) {
    if (!isCode(error, 'forbidden', 'unauthorized')) throw error
    return [`${said} loses its rights in every pod; which they are can't be listed`]
  }
}

/** Who may put a binding back as it was. */
export function keepers(binding: Binding): readonly string[] {
  const tool = managedBy(binding)
  return [
    ...(tool === undefined ? [] : [`kept by ${tool}, which may put it back as it was`]),
    // Source: the RBAC documentation, auto-reconciliation
    ...(binding.metadata?.labels?.['kubernetes.io/bootstrapping'] === 'rbac-defaults'
      ? ['put back as it was whenever the API server starts']
      : []),
  ]
}

/** What an account may do without being named. */
export function byGroup(all: readonly FoundBinding[], account: Account): readonly string[] {
  const names = all
    .filter(({ binding }) => groupsOf(subjectsOf(binding), account).length > 0)
    .map(({ path }) => bindingTitle(path))
  return names.length === 0 ? [] : [`what it may do as one of all accounts stays: ${atMost(names)}`]
}

function atMost(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).join(', ')
  return names.length <= MOST_NAMED ? shown : `${shown} and ${names.length - MOST_NAMED} more`
}
