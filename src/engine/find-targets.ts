import { NAMELESS_POD } from '../collectors/gone-pod.js'
import type { KubeConnection } from '../kube/connect.js'
import { ImpoundError } from '../model/errors.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Scripts } from '../model/scripts.js'
import type { Target } from '../model/target.js'
import { nameMissingRights } from './access.js'
import { collectOptions } from './collect-options.js'
import type { CaptureRequest } from './request.js'
import { accessNeeds, anyPod } from './run-access.js'
import { resolveTargets } from './targets.js'

/** The pods that a request means. Throws what resolving them throws, and `forbidden` with every right that is missing by name. */
export async function findTargets(
  request: CaptureRequest,
  kube: KubeConnection,
  scripts: Scripts,
  run: RunContext,
): Promise<readonly Target[]> {
  const namespace = request.cluster.namespace ?? kube.reader.facts.namespace
  if (request.gone !== undefined) return [gonePod(request.gone, namespace, request.names)]
  const targets = {
    names: request.names,
    namespace,
    ...(request.selector === undefined ? {} : { selector: request.selector }),
  }
  try {
    return await resolveTargets(kube.reader, targets, run.signal)
  } catch (error) {
    const needs = await accessNeeds(
      {
        command: request.command,
        collect: collectOptions(request, request),
        wanted: request.wanted,
        kill: request.kill,
        nodeNamespace: request.nodePods?.namespace,
        openShift: false,
        served: [],
      },
      targets,
      anyPod(namespace),
      scripts,
    )
    const rules = needs.flatMap((need) => need.rules)
    throw await nameMissingRights(error, kube.reader, rules, run.signal)
  }
}

/** A target that the API does not have. Throws `usage` for what is no UID: it becomes a part of paths. */
function gonePod(
  { uid, node }: NonNullable<CaptureRequest['gone']>,
  namespace: string,
  [name = NAMELESS_POD, ...others]: readonly string[],
): Target {
  if (!/^[0-9A-Za-z-]{8,64}$/.test(uid)) throw new ImpoundError('usage', `"${uid}" is no UID of a pod`)
  if (others.length > 0) throw new ImpoundError('usage', 'one UID is one pod: give one name, or none')
  return { namespace, name, uid, pod: { metadata: { namespace, name, uid }, spec: { nodeName: node } } }
}

/** Throws `refused` where more pods would be changed than one run may. */
export function guardCount(request: CaptureRequest, targets: readonly Target[]): void {
  if (request.command === 'snapshot' || targets.length <= request.maxPods) return
  throw new ImpoundError(
    'refused',
    `${targets.length} pods match, and one run may change ${request.maxPods}`,
    {
      hints: [
        `they are ${targets
          .slice(0, 5)
          .map(({ name }) => name)
          .join(', ')}${targets.length > 5 ? ', …' : ''}`,
        `name one of them, or say --max-pods ${targets.length}`,
      ],
    },
  )
}
