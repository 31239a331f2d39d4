import type { AccessRule } from '../../model/api-path.js'
import type { Target } from '../../model/target.js'
import { uid8 } from '../../model/target.js'

/** The action's name, in plan and journal. */
export const TWIN = 'twin'
export const OWNER_KEY = 'impound.dev/owner'
export const RUN_KEY = 'impound.dev/run'
/** What else to try, for the script: 'inbound:10.1.2.3:61000'. */
export const PEERS_KEY = 'impound.dev/peers'
export const CONTAINER = 'twin'
/** Both listen there: above what kernels give to clients by default. */
export const TWIN_PORT = 61_000

/** The twin, and the pod beside it that tries to reach it and shows what answers at the same time. */
export interface TwinNames {
  readonly twin: string
  readonly caller: string
}

/** Of one suspect always the same: so that roles can name them, and a second run finds what the first one left. */
export function twinNames(suspect: Pick<Target, 'uid'>): TwinNames {
  const twin = `impound-twin-${uid8(suspect)}`
  return { twin, caller: `${twin}-caller` }
}

/** What it takes to start them, label the one, read what they write, and remove both. */
export function twinAccess({ namespace, uid }: Pick<Target, 'namespace' | 'uid'>): readonly AccessRule[] {
  const pods = { group: '', resource: 'pods', namespace } as const
  const names = twinNames({ uid })
  // of any pod of the namespace: nobody knows the names yet
  const one = (name: string): { readonly name?: string } => (uid === '' ? {} : { name })
  return [
    { verb: 'create', ...pods },
    ...[names.twin, names.caller].flatMap((name): readonly AccessRule[] => [
      { verb: 'get', ...pods, ...one(name) },
      { verb: 'patch', ...pods, ...one(name) },
      { verb: 'delete', ...pods, ...one(name) },
      { verb: 'get', ...pods, subresource: 'log', ...one(name) },
    ]),
  ]
}
