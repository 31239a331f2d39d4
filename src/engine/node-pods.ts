import type { Spool } from '../evidence/index.js'
import { ImpoundError, isCode } from '../model/errors.js'
import type { NodePodResult } from '../model/node-pod-plan.js'
import type { NodePods } from '../model/ports/node-pod.js'
import type { RunContext } from '../model/ports/run-context.js'
import { safeSegment } from '../model/safe-segment.js'
import { NodePodSet, readNodeFacts } from '../node-pod/index.js'
import { belonging } from './plan-node-pods.js'
import type { PreparedRun } from './prepare.js'
import type { Progress } from './progress.js'
import type { Choices } from './request.js'

/** The node pods of a run, and their end. */
export interface RunNodePods {
  readonly pods: NodePods
  /** Removes them and waits for their end; `hurry` leaves a few seconds for it. */
  close(hurry: AbortSignal): Promise<readonly NodePodResult[]>
}

const FACTS_WITHIN_MS = 30_000

export const NO_PODS_ALLOWED: RunNodePods = {
  pods: {
    on: () =>
      Promise.reject(
        new ImpoundError('refused', 'a pod on the node is not allowed', {
          hints: ['--allow node starts one, privileged, and removes it afterwards'],
        }),
      ),
  },
  close: () => Promise.resolve([]),
}

/** Starts a pod on each planned node right away where that is allowed, so that it is ready when its turn comes. */
export function startNodePods(
  prepared: PreparedRun,
  choices: Choices,
  spool: Spool,
  run: RunContext,
  progress: Progress,
): RunNodePods {
  const plan = prepared.plan.nodePods
  if (!choices.allow.includes('node') || plan === undefined) return NO_PODS_ALLOWED
  const { kube, scene, scripts } = prepared
  const notice = (text: string): void => progress({ type: 'notice', text })
  const set = new NodePodSet(
    {
      ...belonging(scene),
      image: plan.image,
      namespace: plan.namespace,
      makeNamespace: plan.madeNamespace,
      frame: scripts.nodeFrame,
      leftovers: plan.leftovers,
    },
    {
      kube: kube.reader,
      writer: kube.writer(spool.journal),
      exec: kube.exec,
      notice,
    },
    run,
  )
  const facts = plan.pods.map(({ node }) => keepFacts(node, set, spool, scripts.nodeFacts, run, notice))
  return {
    pods: set,
    async close(hurry) {
      // a run that needed no node may be over before its pod is there: what the node is was asked for all the same
      const patience = AbortSignal.any([run.signal, AbortSignal.timeout(FACTS_WITHIN_MS)])
      await Promise.race([Promise.allSettled(facts), aborted(patience)])
      const settled = await Promise.allSettled([set.close(hurry), ...facts])
      const failed = settled.find((one) => one.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      const [results] = settled
      return results.status === 'fulfilled' ? results.value : []
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Starts the pod, and notes what its node is and what its image lacks. Rejects only where the local disk fails. */
async function keepFacts(
  node: string,
  pods: NodePods,
  spool: Spool,
  script: string,
  run: RunContext,
  notice: (text: string) => void,
): Promise<void> {
  const sink = spool.caseSink('node')
  const subject = `node ${node}`
  try {
    const session = await pods.on(node, run.signal)
    const document = await readNodeFacts(session, script, run.signal)
    const source = { kind: 'stream', mediaType: 'application/json', trust: 'node-kernel' } as const
    await sink.document(`nodes/${safeSegment(node)}.json`, document, source, subject)
    const { missingTools } = document
    if (missingTools.length > 0) notice(`the image of the pod on ${node} lacks ${missingTools.join(', ')}`)
  } catch (error) {
    if (isCode(error, 'storage')) throw error
    await sink.failed(subject, error)
  }
}
