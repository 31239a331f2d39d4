import type { KubeConnection } from '../../kube/connect.js'
import { describeAccess } from '../../model/api-path.js'
import { ImpoundError, isCode, messageOf } from '../../model/errors.js'
import { asArray, asString, at } from '../../model/json.js'
import type { NodePodPlan } from '../../model/node-pod-plan.js'
import type { RunContext } from '../../model/ports/run-context.js'
import type { PreflightRow, PreflightState } from '../../model/preflight.js'
import type { Scene } from '../../model/scene.js'
import type { Target } from '../../model/target.js'
import { tryNamespace } from '../../node-pod/index.js'
import { belonging, planForNodes } from '../plan-node-pods.js'
import { NO_JOURNAL } from '../prepare.js'
import type { NodePodWishes } from '../request.js'

/** Whether a privileged pod could run on the target's node, or on any: by rights, by dry runs, by its image. */
export async function nodeRows(
  wishes: NodePodWishes,
  image: { readonly given: boolean },
  target: Target,
  scene: Scene,
  kube: KubeConnection,
  asked: boolean,
  run: RunContext,
): Promise<readonly PreflightRow[]> {
  const node = target.pod.spec?.nodeName ?? (await anyNode(kube, run.signal))
  const plan = await planForNodes(wishes, node === undefined ? [] : [node], scene, kube, NO_JOURNAL, run)
  const refused = await namespaceRefusal(plan, scene, kube, run)
  const { state, why } = judged(plan, node, refused)
  return [
    { area: 'node', name: 'pod on the node', state, asked, why, missingAccess: plan.missingAccess },
    {
      area: 'node',
      name: 'its image',
      state: 'not-known',
      asked,
      why: [
        `${plan.image}${image.given ? '' : ' (none was given: --node-image)'}${plan.byDigest ? '' : ', by tag'}`,
        'whether the node can pull it, and whether it has the tools, shows when it runs',
      ],
      missingAccess: [],
    },
  ]
}

function judged(
  plan: NodePodPlan,
  node: string | undefined,
  refused: string | undefined,
): { readonly state: PreflightState; readonly why: readonly string[] } {
  if (plan.missingAccess.length > 0) {
    const words = [...new Set(plan.missingAccess.map(describeAccess))].join(', ')
    return { state: 'missing', why: [`no right to ${words}`] }
  }
  if (refused !== undefined) return { state: 'missing', why: [`its namespace: ${refused}`] }
  const [pod] = plan.pods
  if (pod === undefined || node === undefined) {
    return { state: 'not-known', why: ['no node is known to try it for: name a target'] }
  }
  const where = plan.madeNamespace ? 'a namespace that is made for it' : `namespace ${plan.namespace}`
  const said = `in ${where}, on ${node}: ${pod.why}`
  switch (pod.will) {
    case 'admitted':
      return { state: 'works', why: [said] }
    case 'refused':
      return { state: 'missing', why: [said] }
    case 'not-known':
      return plan.madeNamespace
        ? { state: 'not-known', why: [`${said}; a namespace that admits privileged pods would be made`] }
        : { state: 'not-known', why: [said] }
  }
}

async function namespaceRefusal(
  plan: NodePodPlan,
  scene: Scene,
  kube: KubeConnection,
  run: RunContext,
): Promise<string | undefined> {
  const lacks = plan.missingAccess.some(({ resource }) => resource === 'namespaces')
  if (!plan.madeNamespace || lacks) return undefined
  return tryNamespace(belonging(scene), { writer: kube.writer(NO_JOURNAL), signal: run.signal })
}

/** The first that is listed; undefined where none may be. */
async function anyNode(kube: KubeConnection, signal: AbortSignal): Promise<string | undefined> {
  try {
    const path = { group: '', version: 'v1', resource: 'nodes' }
    for await (const { body } of kube.reader.list(path, { signal })) {
      const names = asArray(at(JSON.parse(body.toString('utf8')), 'items')).flatMap(
        (item) => asString(at(item, 'metadata', 'name')) ?? [],
      )
      if (names.length > 0) return names.sort()[0]
    }
    return undefined
  } catch (error) {
    if (isCode(error, 'forbidden')) return undefined
    throw error instanceof ImpoundError ? error : new ImpoundError('server', messageOf(error))
  }
}
