import { podPath } from '../model/api-path.js'
import { ImpoundError } from '../model/errors.js'
import type { Pod } from '../model/kubernetes.js'
import { NEVER_STARTS } from '../model/never-starts.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Target } from '../model/target.js'

/** An image that is not on the node must be pulled first. */
const RUNNING_WITHIN_MS = 120_000
const IMAGE_HINT =
  '--ephemeral-image names an image that the pod’s node can pull or has: docs/node-pod.md says what must be in it'

/** The pod as it is now. Throws `target-changed` where the name is another pod's, or nobody's. */
export async function podNow(
  kube: KubeReader,
  target: Pick<Target, 'namespace' | 'name' | 'uid'>,
  signal: AbortSignal,
): Promise<Pod> {
  const { body } = await kube.get(podPath(target.namespace, target.name), { signal })
  const pod = JSON.parse(body.toString('utf8')) as Pod
  if (pod.metadata?.uid === target.uid) return pod
  throw new ImpoundError('target-changed', `${target.name} is another pod now`)
}

/** Resolves once the ephemeral container runs. Throws `target-refused`, `timeout` or `aborted`, with what stood in the way. */
export async function untilItRuns(
  kube: KubeReader,
  target: Target,
  name: string,
  run: RunContext,
): Promise<void> {
  const began = run.clock.monotonic()
  let lastWords = ''
  for (let wait = 50; ; wait = Math.min(wait * 1.5, 500)) {
    const pod = await podNow(kube, target, run.signal)
    const state = pod.status?.ephemeralContainerStatuses?.find((one) => one.name === name)?.state
    if (state?.running !== undefined) return
    const { reason = '', message = '' } = state?.waiting ?? {}
    if (message !== '' && !/^Back-off/.test(message)) lastWords = message
    if (NEVER_STARTS.has(reason)) throw refused(name, `${reason}: ${lastWords || message}`)
    const ended = state?.terminated
    if (ended !== undefined)
      throw refused(
        name,
        `its program ended (${ended.reason ?? 'no reason'}, exit ${ended.exitCode ?? 'unknown'})${ended.message === undefined ? '' : `: ${ended.message}`}`,
      )
    if (run.clock.monotonic() - began > RUNNING_WITHIN_MS) {
      const why = reason === '' ? '' : ` (${reason}${lastWords === '' ? '' : `: ${lastWords}`})`
      throw new ImpoundError(
        'timeout',
        `ephemeral container ${name} does not run after ${RUNNING_WITHIN_MS / 1000} s${why}`,
        { hints: [`kubectl describe pod ${target.name} -n ${target.namespace} says what it waits for`] },
      )
    }
    await run.clock.sleep(wait, run.signal)
  }
}

function refused(name: string, why: string): ImpoundError {
  return new ImpoundError('target-refused', `ephemeral container ${name}: ${why}`, { hints: [IMAGE_HINT] })
}
