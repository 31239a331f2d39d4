import type { Allowance, CollectOptions } from '../model/collector.js'
import type { WantedAction } from '../model/containment.js'
import { ImpoundError } from '../model/errors.js'
import type { JsonObject } from '../model/json.js'
import type { ServedResource } from '../model/ports/kube-reader.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Target } from '../model/target.js'
import { SCC_GROUP } from '../model/openshift.js'
import { openCluster } from './prepare.js'
import type { Progress } from './progress.js'
import type { ClusterRequest } from './request.js'
import { roleObjects, rolesFor, type Subject } from './roles.js'
import { accessNeeds, anyPod, type AccessNeed, type RunCommand } from './run-access.js'
import { readScripts } from './system.js'
import { resolveTargets, type TargetRequest } from './targets.js'

/** What decides which rights a run uses: the flags of seize, snapshot, quarantine and release that matter to them. */
export interface RightsWishes {
  readonly command: RunCommand
  readonly allow: readonly Allowance[]
  readonly wanted: readonly WantedAction[]
  readonly kill?: boolean
  readonly skip: readonly string[]
  readonly usePullSecrets: boolean
  /** Absent: one is made for each run. */
  readonly nodeNamespace?: string
}

export interface RbacRequest extends RightsWishes {
  readonly cluster: ClusterRequest
  /** Without any: for every pod of the namespace. */
  readonly names: readonly string[]
  readonly selector?: string
  readonly openShift: boolean
  /** What roles and bindings are called. */
  readonly name: string
  readonly subjects: readonly Subject[]
}

/** The least roles for a plan. */
export interface RbacDocument {
  readonly schema: 'impound/rbac/v1'
  readonly for: RunCommand
  readonly namespace: string
  /** The pods whose names the roles carry; empty: any of the namespace. */
  readonly pods: readonly string[]
  readonly objects: readonly JsonObject[]
  /** What who grants this should know, a line each. */
  readonly notes: readonly string[]
}

/** Computed from what the parts of a run declare. Asks the cluster only where pods are named, or no namespace is. */
export async function leastRoles(
  request: RbacRequest,
  run: RunContext,
  progress: Progress,
): Promise<RbacDocument> {
  const { targets, namespace, pods, openShift, served } = await placeOf(request, run, progress)
  if (request.usePullSecrets && pods.length === 0) {
    throw new ImpoundError('usage', 'which Secrets --use-pull-secrets reads, the pod says', {
      hints: ['name the pod: impound rbac POD --use-pull-secrets …'],
    })
  }
  const scripts = await readScripts()
  const choices = {
    command: request.command,
    collect: collectChoices(request),
    wanted: request.wanted,
    kill: request.kill ?? false,
    nodeNamespace: request.nodeNamespace,
    openShift,
    served,
  }
  const needs: AccessNeed[] = []
  for (const pod of pods.length === 0 ? [anyPod(namespace)] : pods) {
    needs.push(...(await accessNeeds(choices, targets, pod, scripts)))
  }
  const roles = rolesFor(needs.flatMap(({ rules }) => rules))
  return {
    schema: 'impound/rbac/v1',
    for: request.command,
    namespace,
    pods: pods.map(({ name }) => name),
    objects: roleObjects(roles, request.name, request.subjects),
    notes: notes(request, needs, pods.length > 0),
  }
}

/** Of the options of collectors, those that decide rights; the others have no meaning here. */
export function collectChoices({ allow, skip, usePullSecrets }: RightsWishes): CollectOptions {
  return {
    allow: new Set(allow),
    skip: new Set(skip),
    usePullSecrets,
    stallTimeoutMs: 0,
    maxLogBytes: 0,
    maxContentBytes: 0,
  }
}

interface Place {
  readonly targets: TargetRequest
  readonly namespace: string
  readonly pods: readonly Target[]
  readonly openShift: boolean
  /** Empty where the cluster was not asked. */
  readonly served: readonly ServedResource[]
}

async function placeOf(request: RbacRequest, run: RunContext, progress: Progress): Promise<Place> {
  const { names, selector, cluster } = request
  const named = names.length > 0 || selector !== undefined
  if (!named && cluster.namespace !== undefined) {
    const { namespace } = cluster
    return { targets: { names, namespace }, namespace, pods: [], openShift: request.openShift, served: [] }
  }
  const kube = await openCluster(cluster, run, progress)
  try {
    const { namespace } = kube.reader.facts
    const targets = { names, namespace, ...(selector === undefined ? {} : { selector }) }
    if (!named) return { targets, namespace, pods: [], openShift: request.openShift, served: [] }
    const pods = await resolveTargets(kube.reader, targets, run.signal)
    const { resources } = await kube.reader.discover(run.signal)
    const openShift = request.openShift || resources.some(({ group }) => group === SCC_GROUP)
    return { targets, namespace, pods, openShift, served: resources }
  } finally {
    await kube.close()
  }
}

function notes(request: RbacRequest, needs: readonly AccessNeed[], asked: boolean): readonly string[] {
  const rules = needs.flatMap((need) => need.rules)
  const made = request.allow.includes('node') && request.nodeNamespace === undefined
  return [
    ...(made
      ? [
          'the namespace of the pod on the node is made for each run: its rights count in every namespace; with --node-namespace NAME they are asked for there alone',
        ]
      : []),
    ...(request.allow.includes('node')
      ? ['who may start a privileged pod has the node, and every pod and Secret on it']
      : []),
    ...(rules.some(({ verb }) => verb === 'bind')
      ? [
          'bind: who has it may give any role to anybody; leave it out where the responder holds the rights of the roles himself',
        ]
      : []),
    ...(asked || request.command === 'snapshot'
      ? []
      : [
          'the deny of a network plugin’s own takes rights of its API: name a pod, and the cluster is asked which',
        ]),
    'discovery, access reviews and /version are taken for granted: Kubernetes gives them to all who are logged in',
    'owners of kinds that are none of Kubernetes’ own are read where a right to it is there: add get on them',
  ]
}
