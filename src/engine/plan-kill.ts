import type { KubeConnection } from '../kube/connect.js'
import { podPath, type AccessRule } from '../model/api-path.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { asArray, asNumber, asString, at } from '../model/json.js'
import type { Journal } from '../model/ports/kube-writer.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Target } from '../model/target.js'
import { forbidden } from './access.js'
import type { KillPlan, TargetPlan } from './plan.js'

const ACTION = 'kill'
/** The default of core/v1 PodSpec.terminationGracePeriodSeconds. */
const DEFAULT_GRACE_S = 30

/** The right that --kill takes. */
export function killAccess({ namespace, name }: Pick<Target, 'namespace' | 'name'>): readonly [AccessRule] {
  return [{ verb: 'delete', group: '', resource: 'pods', namespace, ...(name === '' ? {} : { name }) }]
}

/** What deleting the pod would mean, and whether the server would do it. Changes nothing. */
export async function planKill(
  target: Target,
  kube: KubeConnection,
  journal: Journal,
  run: RunContext,
): Promise<KillPlan> {
  const { pod } = target
  const graceSeconds = asNumber(at(pod, 'spec', 'terminationGracePeriodSeconds')) ?? DEFAULT_GRACE_S
  const finalizers = asArray(at(pod, 'metadata', 'finalizers')).flatMap((one) => asString(one) ?? [])
  const [rule] = killAccess(target)
  const { allowed } = await kube.reader.canI(rule, run.signal)
  const refused = allowed ? await tried(target, kube, journal, run) : undefined
  return {
    graceSeconds,
    losses: [
      'memory, emptyDirs, files written since the image, and the logs on its node are gone with it',
      ...(finalizers.length === 0
        ? []
        : [`it stays until its finalizers are taken off: ${finalizers.join(', ')}`]),
    ],
    missingAccess: allowed ? [] : [rule],
    ...(refused === undefined ? {} : { refused }),
  }
}

async function tried(
  target: Target,
  kube: KubeConnection,
  journal: Journal,
  run: RunContext,
): Promise<string | undefined> {
  try {
    await sendKill(target, kube, journal, run, true)
    return undefined
  } catch (error) {
    if (!isCode(error, 'forbidden', 'invalid')) {
      if (isCode(error, 'aborted', 'bug')) throw error
      return undefined
    }
    // an admission webhook that can't do dry runs says nothing of the deletion
    return messageOf(error).includes('does not support dry run') ? undefined : messageOf(error)
  }
}

/** Why a pod can't be deleted, where that was asked for. */
export function killRefusal({ name, kill }: TargetPlan): ImpoundError | undefined {
  if (kill === undefined) return undefined
  if (kill.missingAccess.length > 0) return forbidden(kill.missingAccess)
  return kill.refused === undefined
    ? undefined
    : new ImpoundError('refused', `${name} can't be deleted: ${kill.refused}`, {
        hints: ['without --kill the evidence is taken and the pod is held'],
      })
}

/** The deletion of the very pod of this UID. */
export function sendKill(
  { namespace, name, uid }: Target,
  kube: KubeConnection,
  journal: Journal,
  run: RunContext,
  dryRun: boolean,
): Promise<unknown> {
  return kube.writer(journal).delete(podPath(namespace, name), {
    signal: run.signal,
    action: ACTION,
    step: 'delete Pod',
    target: { namespace, name, uid },
    uid,
    dryRun,
  })
}
