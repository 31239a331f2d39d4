import { podPath } from '../model/api-path.js'
import { ImpoundError, isCode } from '../model/errors.js'
import type { Pod } from '../model/kubernetes.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { RunContext } from '../model/ports/run-context.js'
import { CONTAINER } from './names.js'

/** An image that is not on the node must be pulled first. */
const READY_WITHIN_MS = 120_000
/** Without a word of the kubelet for so long, there is none: its first status comes at once. */
const KUBELET_SILENT_MS = 30_000

const IMAGE_HINT =
  '--node-image names an image that the node can pull or has: docs/node-pod.md says what must be in it'

/** What a waiting container never gets out of by itself, or not soon. */
const HOPELESS: Readonly<Record<string, string>> = {
  ImagePullBackOff: IMAGE_HINT,
  InvalidImageName: IMAGE_HINT,
  ErrImageNeverPull: IMAGE_HINT,
  ImageInspectError: IMAGE_HINT,
  RegistryUnavailable: IMAGE_HINT,
  CreateContainerConfigError: 'the kubelet’s words say what it lacks',
  CreateContainerError: 'the container runtime’s words say what it lacks',
  RunContainerError: IMAGE_HINT,
}

export interface Created {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly node: string
}

/** Resolves once the pod's container runs. Throws `target-refused`, `timeout` or `aborted`, saying what stood in the way. */
export async function untilRunning(kube: KubeReader, pod: Created, run: RunContext): Promise<void> {
  const began = run.clock.monotonic()
  let lastWords = ''
  for (let wait = 50; ; wait = Math.min(wait * 1.5, 500)) {
    const now = await readPod(kube, pod, run.signal)
    const state = now.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state
    if (state?.running !== undefined) return
    const { reason = '', message = '' } = state?.waiting ?? {}
    if (message !== '' && !/^Back-off/.test(message)) lastWords = message
    const hint = HOPELESS[reason]
    if (hint !== undefined) throw refused(pod, `${reason}: ${lastWords || message}`, hint)
    const ended = state?.terminated
    if (ended !== undefined || now.status?.phase === 'Failed' || now.status?.phase === 'Succeeded') {
      throw hasEnded(pod, now, ended)
    }
    const waited = run.clock.monotonic() - began
    if (now.status?.containerStatuses === undefined && waited > KUBELET_SILENT_MS) {
      throw new ImpoundError('timeout', `${describe(pod)}: the node's kubelet has not taken it up`, {
        hints: [`kubectl describe node ${pod.node}: is it Ready?`],
      })
    }
    if (waited > READY_WITHIN_MS) {
      throw new ImpoundError(
        'timeout',
        `${describe(pod)} does not run after ${READY_WITHIN_MS / 1000} s${reason === '' ? '' : ` (${reason}${lastWords === '' ? '' : `: ${lastWords}`})`}`,
        { hints: [`kubectl describe pod ${pod.name} -n ${pod.namespace} says what it waits for`] },
      )
    }
    await run.clock.sleep(wait, run.signal)
  }
}

async function readPod(
  kube: KubeReader,
  { namespace, name, uid, node }: Created,
  signal: AbortSignal,
): Promise<Pod> {
  try {
    const { body } = await kube.get(podPath(namespace, name), { signal })
    const pod = JSON.parse(body.toString('utf8')) as Pod
    if (pod.metadata?.uid === uid && pod.metadata.deletionTimestamp === undefined) return pod
  } catch (error) {
    if (!isCode(error, 'not-found')) throw error
  }
  throw new ImpoundError('target-refused', `somebody deleted pod ${name} on ${node} while it started`, {
    hints: ['a controller of the cluster may remove such pods; its events say who: kubectl get events -A'],
  })
}

/** Refused by the kubelet itself (OutOfcpu, NodeAffinity, …), or its program could not be started. */
function hasEnded(
  pod: Created,
  now: Pod,
  ended: { reason?: string; message?: string; exitCode?: number } | undefined,
): ImpoundError {
  const { reason, message } = now.status ?? {}
  if (ended === undefined) {
    return refused(
      pod,
      `the kubelet refused it: ${reason ?? 'no reason given'}${message === undefined ? '' : `: ${message}`}`,
      'another run may find the node less busy',
    )
  }
  const why = ended.message ?? reason ?? ''
  return refused(
    pod,
    `its program ended (${ended.reason ?? 'no reason'}, exit ${ended.exitCode ?? 'unknown'})${why === '' ? '' : `: ${why}`}`,
    IMAGE_HINT,
  )
}

function refused(pod: Created, why: string, hint: string): ImpoundError {
  return new ImpoundError('target-refused', `${describe(pod)}: ${why}`, { hints: [hint] })
}

function describe({ namespace, name, node }: Created): string {
  return `pod ${namespace}/${name} on ${node}`
}
