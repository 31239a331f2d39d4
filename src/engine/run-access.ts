import { collectors as listCollectors } from '../collectors/index.js'
import { SCENE_ACCESS } from '../collectors/scene.js'
import { createContainment, pluginDenyRights } from '../containment/index.js'
import type { AccessRule } from '../model/api-path.js'
import type { CollectOptions } from '../model/collector.js'
import type { WantedAction } from '../model/containment.js'
import type { ServedResource } from '../model/ports/kube-reader.js'
import type { Scripts } from '../model/scripts.js'
import type { Target } from '../model/target.js'
import { nodePodAccess, nodePodUsefulAccess } from '../node-pod/index.js'
import { aftermathAccess } from './aftermath.js'
import { noWishes } from './no-wishes.js'
import { killAccess } from './plan-kill.js'
import { SOME_TWIN } from './twin-wishes.js'
import { targetAccess, type TargetRequest } from './targets.js'

/** The commands that a responder may need rights for. */
export type RunCommand = 'seize' | 'snapshot' | 'quarantine' | 'release'

/** What decides the rights of a run. */
export interface RunChoices {
  readonly command: RunCommand
  readonly collect: CollectOptions
  readonly wanted: readonly WantedAction[]
  /** The pod is deleted in the end. */
  readonly kill?: boolean
  /** Of --allow node: the namespace that is given, or none where one is made. */
  readonly nodeNamespace: string | undefined
  readonly openShift: boolean
  /** What the cluster serves, where it was asked: some rights are those of APIs that few have. */
  readonly served: readonly ServedResource[]
}

/** One part of a run and the rights that it declares. */
export interface AccessNeed {
  /** 'target', 'scene', a collector's name, 'quarantine', an action's name, 'node pod'. */
  readonly part: string
  readonly rules: readonly AccessRule[]
}

/** Stands for any pod of a namespace: what is asked for it carries no name. */
export function anyPod(namespace: string): Target {
  return { namespace, name: '', uid: '', pod: {} }
}

/**
 * Every right that a run would use, as its parts declare them: what the plan asks the server about, `preflight` shows and
 * `rbac` prints.
 */
export async function accessNeeds(
  { command, collect, wanted, kill, nodeNamespace, openShift, served }: RunChoices,
  targets: TargetRequest,
  target: Target,
  scripts: Scripts,
): Promise<readonly AccessNeed[]> {
  const collectors = command === 'seize' || command === 'snapshot' ? listCollectors(scripts) : []
  const contains = command !== 'snapshot'
  const containment = createContainment({
    ...(await noWishes({ case: '', who: '' })),
    wanted: new Set(wanted),
    allowNode: collect.allow.has('node'),
    ...(collect.allow.has('twin') ? { twin: SOME_TWIN } : {}),
  })
  const needs: readonly AccessNeed[] = [
    { part: 'scene', rules: SCENE_ACCESS },
    { part: 'target', rules: targetAccess(targets) },
    ...collectors
      .filter(({ name }) => !collect.skip.has(name))
      .map((collector) => ({
        part: collector.name,
        rules: collector.requirements(collect, target).access,
      })),
    ...(command === 'seize' || command === 'snapshot'
      ? [{ part: 'aftermath', rules: aftermathAccess(target.namespace) }]
      : []),
    ...(contains
      ? [
          { part: 'quarantine', rules: containment.requirements(target).access },
          { part: 'plugin-deny', rules: pluginDenyRights(served) },
        ]
      : []),
    ...(command === 'seize' && kill === true ? [{ part: 'kill', rules: killAccess(target) }] : []),
    ...(collect.allow.has('node')
      ? [
          {
            part: 'node pod',
            rules: [
              ...nodePodAccess({ namespace: nodeNamespace, openShift }, nodeNamespace === undefined),
              ...nodePodUsefulAccess(),
            ],
          },
        ]
      : []),
  ]
  return command === 'release' ? needs.map(ofRelease) : needs
}

/** A release makes nothing anew but its pod on the node. */
function ofRelease(need: AccessNeed): AccessNeed {
  return need.part === 'quarantine' || need.part === 'plugin-deny'
    ? { ...need, rules: need.rules.filter(({ verb }) => verb !== 'create') }
    : need
}
