import { collectors as listCollectors } from '../../collectors/index.js'
import { actions, pluginDenyRights } from '../../containment/index.js'
import { neededAccess } from '../../containment/access.js'
import type { AccessRule } from '../../model/api-path.js'
import { describeAccess } from '../../model/api-path.js'
import type { CollectOptions, Collector, Way } from '../../model/collector.js'
import type { WantedAction } from '../../model/containment.js'
import type { ServedResource } from '../../model/ports/kube-reader.js'
import type { PreflightRow, PreflightState } from '../../model/preflight.js'
import type { Scripts } from '../../model/scripts.js'
import type { Target } from '../../model/target.js'
import { keyOf } from '../access.js'
import { killAccess } from '../plan-kill.js'
import { SOME_TWIN } from '../twin-wishes.js'
import { noWishes } from '../no-wishes.js'
import { collectChoices, type RightsWishes } from '../rbac.js'

/** Taken only where it is asked for by a flag of its own. */
const BY_FLAG: ReadonlySet<string> = new Set(['memory', 'checkpoint', 'node-triage', 'image-export'])
const WAYS: readonly Way[] = ['exec', 'ephemeral', 'node']
/** Of these something is had without any right: from registries, by annotations of the pod. */
const NEVER_ALL_MISSING = new Set(['image', 'image-export', 'protect'])
const EVERY_ACTION: Readonly<Record<WantedAction, true>> = {
  'patch-residuals': true,
  cordon: true,
  'detach-bindings': true,
  'deny-access': true,
  'block-token': true,
  'drop-connections': true,
  freeze: true,
  'detach-owner': true,
}

/** A row whose state the rights alone decide, or, of what a pod on the node does, that pod. */
export interface Draft extends Pick<PreflightRow, 'area' | 'name' | 'asked'> {
  readonly rules: readonly AccessRule[]
  /** Without any of these it can't be done at all; the others make it partial. Absent: all of them. */
  readonly needed?: readonly AccessRule[]
  readonly served?: Pick<ServedResource, 'group' | 'version' | 'resource'>
  readonly by?: Way
}

/** Everything that a run could take or do, whether the flags ask for it or not. */
export async function drafts(
  wishes: RightsWishes,
  target: Target,
  scripts: Scripts,
  served: readonly ServedResource[],
): Promise<readonly Draft[]> {
  const choices = collectChoices(wishes)
  const evidence = listCollectors(scripts).flatMap((collector) =>
    ofCollector(collector, wishes, choices, target),
  )
  const contains = wishes.command !== 'snapshot'
  const containment = actions({
    ...(await noWishes({ case: '', who: '' })),
    wanted: new Set(Object.keys(EVERY_ACTION) as WantedAction[]),
    allowNode: true,
    twin: SOME_TWIN,
  })
  return [
    ...evidence,
    {
      area: 'containment',
      name: 'quarantine',
      asked: contains,
      rules: neededAccess(target),
    },
    ...containment.flatMap((action): readonly Draft[] => {
      const { access, ...more } = action.requirements(target)
      if (action.stage === 'verify') return [twinDraft(contains && wishes.allow.includes('twin'), access)]
      const isFlag = action.name in EVERY_ACTION
      const rules = action.name === 'plugin-deny' ? pluginDenyRights(served) : access
      // no API of the kind is served: there is nothing of it to be had or missed
      if (!isFlag && rules.length === 0) return []
      return [
        {
          area: 'containment',
          name: isFlag ? `--${action.name}` : action.name,
          asked: contains && (!isFlag || wishes.wanted.some((one) => one === action.name)),
          rules,
          // what protects is done as far as it can be
          ...(isFlag ? {} : { needed: [] }),
          ...more,
        },
      ]
    }),
    {
      area: 'containment',
      name: KILL,
      asked: wishes.command === 'seize' && wishes.kill === true,
      rules: killAccess(target),
    },
  ]
}

export const CANARY_TWIN = 'canary twin'
export const KILL = '--kill'

/** Where the API server and DNS are, is only part of what it tries. */
function twinDraft(asked: boolean, rules: readonly AccessRule[]): Draft {
  const needed = rules.filter(({ resource }) => resource === 'pods')
  return { area: 'containment', name: CANARY_TWIN, asked, rules, needed }
}

function ofCollector(
  collector: Collector,
  wishes: RightsWishes,
  choices: CollectOptions,
  target: Target,
): readonly Draft[] {
  const takes = wishes.command === 'seize' || wishes.command === 'snapshot'
  const wanted = takes && !wishes.skip.includes(collector.name)
  const bare = collector.requirements({ ...choices, allow: new Set() }, target)
  const isFree = bare.impact === 'read'
  const ways = WAYS.filter((way) => {
    const { impact, ways: known } = collector.requirements({ ...choices, allow: new Set([way]) }, target)
    return (known ?? [impact]).includes(way)
  })
  return [
    ...(isFree
      ? [
          {
            area: 'evidence' as const,
            name: collector.name,
            asked: wanted && !BY_FLAG.has(collector.name),
            rules: bare.access,
            // each right costs a part
            needed: [],
          },
        ]
      : []),
    ...ways.map((way): Draft => ({
      area: 'evidence',
      name: `${collector.name} by ${way}`,
      asked: wanted && wishes.allow.includes(way) && !BY_FLAG.has(collector.name),
      rules: collector.requirements({ ...choices, allow: new Set([way]) }, target).access,
      by: way,
      ...(way === 'ephemeral'
        ? { served: { group: '', version: 'v1', resource: 'pods/ephemeralcontainers' } }
        : {}),
    })),
  ]
}

/** The row, by the rights that are lacking, what is served, and how things stand with the pod on the node. */
export function rowOf(
  draft: Draft,
  lacks: ReadonlySet<string>,
  served: readonly ServedResource[],
  node: PreflightState,
): PreflightRow {
  const { area, name, asked, rules, needed = rules, by } = draft
  const missingAccess = rules.filter((rule) => lacks.has(keyOf(rule)))
  const wants = draft.served
  const isServed =
    wants === undefined ||
    served.some(
      ({ group, version, resource }) =>
        group === wants.group && version === wants.version && resource === wants.resource,
    )
  const [state, why] = !isServed
    ? ([
        'missing',
        [
          `this cluster does not serve ${wants.resource} (${wants.group === '' ? '' : `${wants.group}/`}${wants.version})`,
        ],
      ] as const)
    : stateBy(draft, missingAccess, needed, by === 'node' ? node : 'works')
  return { area, name, state, asked, why, missingAccess }
}

function stateBy(
  { name, rules }: Draft,
  missing: readonly AccessRule[],
  needed: readonly AccessRule[],
  node: PreflightState,
): readonly [PreflightState, readonly string[]] {
  const words = [...new Set(missing.map((rule) => describeAccess(rule)))]
  const why = words.length === 0 ? [] : [`no right to ${words.join(', ')}`]
  if (node !== 'works') return [node, ['by the pod on the node', ...why]]
  if (missing.length === 0) return ['works', []]
  const none =
    missing.some((rule) => needed.includes(rule)) ||
    (missing.length === rules.length && !NEVER_ALL_MISSING.has(name))
  return [none ? 'missing' : 'partial', why]
}
