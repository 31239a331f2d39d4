import type { RunPlan } from '../engine/plan.js'
import type { RunResult } from '../engine/result.js'
import { describeAccess } from '../model/api-path.js'
import type { NodePodLeftover, NodePodResult } from '../model/node-pod-plan.js'
import { formatDuration } from '../text/duration.js'
import { atMost, type Screen } from './screen.js'

/** Pods of many nodes that a screen names; --json has them all. */
const LIMIT = 6

/** What would be started on nodes, and removed of earlier runs; nothing where it is not allowed. */
export function nodePodPlanRows(screen: Screen, { allow, nodePods }: RunPlan): void {
  if (nodePods === undefined || !allow.includes('node')) return
  const { namespace, madeNamespace, image, byDigest, pods, leftovers } = nodePods
  screen.row(
    'node pods',
    ...(madeNamespace ? [`+ namespace ${namespace}, made for them and removed afterwards`] : []),
    ...atMost(
      pods.map(
        ({ node, name, will, why }) =>
          `+ privileged pod ${namespace}/${name} on ${node}, removed afterwards: ${will === 'not-known' ? 'admission not known' : will} (${why})`,
      ),
      LIMIT,
    ),
    `  image ${image}${byDigest ? '' : '  BY TAG: what runs is what the tag stands for'}`,
    ...atMost(leftovers.map(leftoverText), LIMIT),
  )
  screen.row('they see', ...nodePods.attackerSees)
  screen.row('no right', ...nodePods.missingAccess.map(describeAccess))
}

function leftoverText({ kind, namespace, name, case: of, run }: NodePodLeftover): string {
  const what = kind === 'pod' ? `pod ${namespace}/${name}` : `namespace ${name}`
  return `- ${what}, left by the run ${run} of ${of || 'an unknown case'}`
}

/** What came of them. */
export function nodePodResultRows(screen: Screen, { nodePods }: RunResult): void {
  screen.row('node pods', ...atMost(nodePods.map(resultText), LIMIT))
}

function resultText({ node, namespace, name, readyAfterMs, error, removed, remove }: NodePodResult): string {
  const end = {
    checked: 'removed (checked)',
    ended: 'ended (checked), its removal is under way',
    'never-there': 'it was not created',
    'not-known': `MAY STILL BE THERE: ${remove ?? ''}`,
  }[removed]
  if (error !== undefined)
    return `none on ${node}: ${error.message} ${[...error.hints, end].map((hint) => `→ ${hint}`).join(' ')}`
  const ready = readyAfterMs === undefined ? 'never ready' : `ready after ${formatDuration(readyAfterMs)}`
  return `${namespace}/${name} on ${node}: ${ready}, ${end}`
}
