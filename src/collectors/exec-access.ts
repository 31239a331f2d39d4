import type { AccessRule } from '../model/api-path.js'
import type { CollectOptions } from '../model/collector.js'
import type { Target } from '../model/target.js'

/** What it takes to exec into the target: both verbs, since servers ask for `get` before 1.35 and for `create` after it. */
export function execAccess(options: CollectOptions, target: Target): readonly AccessRule[] {
  if (!options.allow.has('exec')) return []
  return (['get', 'create'] as const).map((verb) => ({
    verb,
    group: '',
    resource: 'pods',
    subresource: 'exec',
    namespace: target.namespace,
  }))
}
