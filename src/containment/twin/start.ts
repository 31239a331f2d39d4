import { podPath } from '../../model/api-path.js'
import type { Suspect, WriteContext } from '../../model/containment.js'
import { ImpoundError, isCode } from '../../model/errors.js'
import { asArray, asNumber, asString, at, type JsonObject } from '../../model/json.js'
import type { Pod } from '../../model/kubernetes.js'
import { NEVER_STARTS } from '../../model/never-starts.js'
import type { WriteOptions } from '../../model/ports/kube-writer.js'
import { converge } from '../converge.js'
import type { TwinWishes } from '../options.js'
import { readObject } from '../reading.js'
import { LIFETIME_S, PEERS } from './manifest.js'
import { OWNER_KEY, RUN_KEY, TWIN } from './names.js'
import { deadline, patience } from './patience.js'
import { removeTwin } from './removal.js'

/** An image that is not on the node must be pulled first. */
const RUNNING_WITHIN_MS = 60_000
/** Without a word of the kubelet for so long, there is none. */
const KUBELET_SILENT_MS = 20_000
const MAX_LOG = 1 << 20

/**
 * Creates the pod, once: also where the answer was lost. One of that name that a run left which is over is removed first; one that somebody else
 * made, or a run that lives, is left alone (throws `refused`). Throws `target-refused` where admission put something into it.
 */
export async function createTwin(
  context: WriteContext,
  suspect: Suspect,
  name: string,
  manifest: JsonObject,
  wishes: TwinWishes,
): Promise<Pod> {
  const { kube, run } = context
  const path = podPath(suspect.namespace, name)
  let made: Pod | undefined
  await converge(run, async () => {
    const found = await readObject<Pod>(kube, path, run.signal)
    if (found !== undefined && isOurs(found, wishes.run)) {
      made = found
      return 'done'
    }
    if (found !== undefined) {
      if (!isLeftover(found, suspect, wishes, run.clock.now())) {
        throw new ImpoundError(
          'refused',
          `pod ${suspect.namespace}/${name} is there, and is not this run's: another run may be at it, or somebody made it`,
        )
      }
      await removeTwin(context, suspect, name, ({ metadata }) => metadata?.uid === found.metadata?.uid)
    }
    return {
      write: async () => {
        const { body } = await sendTwin(context, suspect, name, manifest, run.signal, false)
        made = JSON.parse(body.toString('utf8')) as Pod
      },
    }
  })
  if (made === undefined) throw new ImpoundError('bug', 'a pod was created and not read')
  requireAlone(made)
  return made
}

export function sendTwin(
  { writer }: WriteContext,
  suspect: Suspect,
  name: string,
  manifest: JsonObject,
  signal: AbortSignal,
  dryRun: boolean,
): ReturnType<WriteContext['writer']['create']> {
  return writer.create(podPath(suspect.namespace), manifest, {
    ...writeOptions(suspect, name, 'create', signal),
    dryRun,
  })
}

export function writeOptions(
  { namespace, name, uid, case: caseName }: Suspect,
  pod: string,
  step: string,
  signal: AbortSignal,
): WriteOptions {
  return {
    signal,
    action: TWIN,
    step,
    target: { namespace, name, uid },
    prior: { case: caseName, object: `pods/${namespace}/${pod}` },
  }
}

export function isOurs({ metadata }: Pod, run: string): boolean {
  return metadata?.annotations?.[RUN_KEY] === run
}

/** Of a run that is over: its process is gone, its program has ended, or its time is up. */
export function isLeftover(
  { metadata, status }: Pod,
  suspect: Suspect,
  { isAlive }: TwinWishes,
  now: Date,
): boolean {
  if (metadata?.annotations?.['impound.dev/pod-uid'] !== suspect.uid) return false
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return true
  if (now.getTime() - Date.parse(metadata.creationTimestamp ?? '') > (LIFETIME_S + 60) * 1000) return true
  try {
    const owner: unknown = JSON.parse(metadata.annotations[OWNER_KEY] ?? '')
    const [host, pid] = [asString(at(owner, 'host')), asNumber(at(owner, 'pid'))]
    return host !== undefined && pid !== undefined && isAlive({ host, pid }) === false
  } catch {
    return false // not as we write it: its time will come
  }
}

/** What admission adds would run with its labels, or be what it was to do without: a token. */
function requireAlone(pod: Pod): void {
  const added = [
    ...asArray(at(pod, 'spec', 'containers')).slice(1),
    ...asArray(at(pod, 'spec', 'initContainers')),
    ...asArray(at(pod, 'spec', 'volumes')).filter((one) => at(one, 'name') !== PEERS),
  ].map((one) => asString(at(one, 'name')) ?? '')
  if (added.length === 0) return
  throw new ImpoundError(
    'target-refused',
    `admission put into it what it is to be without: ${added.join(', ')}`,
  )
}

/** The pod once its program runs and it has an address. Throws `target-refused`, `timeout` or `aborted`, with what stood in the way. */
export async function untilTwinRuns(
  { kube, run }: WriteContext,
  { namespace }: Suspect,
  { metadata }: Pod,
): Promise<Pod> {
  const name = metadata?.name ?? ''
  const again = patience(run, RUNNING_WITHIN_MS)
  const isSilent = deadline(run, KUBELET_SILENT_MS)
  let words = ''
  do {
    const pod = await readObject<Pod>(kube, podPath(namespace, name), run.signal)
    if (
      pod === undefined ||
      pod.metadata?.uid !== metadata?.uid ||
      pod.metadata?.deletionTimestamp !== undefined
    ) {
      throw new ImpoundError('target-refused', `somebody deleted pod ${name} while it started`)
    }
    const { phase, reason, message, podIP = '', containerStatuses } = pod.status ?? {}
    const state = containerStatuses?.[0]?.state
    if (state?.running !== undefined && podIP !== '') return pod
    if (state?.terminated !== undefined || phase === 'Failed' || phase === 'Succeeded') {
      const why = reason ?? state?.terminated?.reason ?? 'no reason given'
      throw new ImpoundError('target-refused', `pod ${name} ended at once: ${why}${said(message)}`)
    }
    const { reason: waits = '', message: detail } = state?.waiting ?? {}
    words = `${waits}${said(detail)}`
    if (NEVER_STARTS.has(waits)) throw new ImpoundError('target-refused', `pod ${name}: ${words}`)
    if (containerStatuses === undefined && isSilent()) {
      throw new ImpoundError('timeout', `pod ${name}: its node's kubelet has not taken it up`)
    }
  } while (await again())
  throw new ImpoundError('timeout', `pod ${name} does not run in time${words === '' ? '' : ` (${words})`}`)
}

function said(message: string | undefined): string {
  return message === undefined || message === '' ? '' : `: ${message}`
}

/** What its program has written so far. */
export async function twinLog(
  { kube, run }: WriteContext,
  { namespace }: Suspect,
  name: string,
): Promise<string> {
  const options = { signal: run.signal, query: { limitBytes: String(MAX_LOG) }, accept: '*/*' }
  return (await kube.get(podPath(namespace, name, 'log'), options)).body.toString('utf8')
}

/** Whether an error says nothing of the twin, and ends the run. */
export function isHard(error: unknown): boolean {
  return !(error instanceof ImpoundError) || isCode(error, 'aborted', 'storage', 'bug')
}
