import { podPath } from '../../model/api-path.js'
import type { Suspect, WriteContext } from '../../model/containment.js'
import { ImpoundError, isCode, messageOf } from '../../model/errors.js'
import { SCC_GROUP } from '../../model/openshift.js'
import type { Pod } from '../../model/kubernetes.js'
import { QUARANTINE_KEY, type QuarantinePlan } from '../../model/quarantine-plan.js'
import { uid8 } from '../../model/target.js'
import { converge } from '../converge.js'
import { judgeProbe, type NetworkFinding } from '../network-verdict.js'
import type { QuarantineOptions, TwinWishes } from '../options.js'
import { readObject } from '../reading.js'
import { destinations, isIPv4, METADATA, KUBELET_PORT } from '../try-network.js'
import { nodeAddresses } from '../node-action.js'
import { keptLabels, twinManifest, type TwinPod } from './manifest.js'
import { PEERS_KEY, TWIN, TWIN_PORT, twinNames } from './names.js'
import { deadline, patience } from './patience.js'
import { removeTwin } from './removal.js'
import { isCut, parseRounds, probeOf, type Look, type Round } from './rounds.js'
import { createTwin, isHard, isOurs, twinLog, untilTwinRuns, writeOptions } from './start.js'

/** A first round of each is a second or two away. */
const CONTROL_WITHIN_MS = 20_000
/** A kubelet writes the other's address into the pod at once; where it does not, that is not tried. */
const TOLD_WITHIN_MS = 10_000
/** A policy takes effect within seconds of the label; what comes about after so long is open. */
const SETTLES_MS = 12_000
const ROUNDS_WITHIN_MS = 45_000
/** Between two looks at what they wrote. */
const LOOK_MS = 1000

/**
 * Starts a twin of the suspect and a pod beside it, sees what the twin reaches and who reaches it, gives it the quarantine label, sees what is left of
 * it, and removes both, whatever happens. Where it can't be had, nothing was tried, and why is said. IPv4 only.
 */
export async function tryByTwin(
  context: WriteContext,
  plan: QuarantinePlan,
  suspectPod: Pod,
  options: Pick<QuarantineOptions, 'scripts'> & { readonly twin: TwinWishes },
): Promise<NetworkFinding> {
  const unready = plan.actions.find(({ action }) => action === TWIN)?.unready
  if (unready !== undefined) return nothingTried(`no twin of the pod could try it: ${unready}`)
  const suspect = { ...plan.target, case: plan.case }
  const names = twinNames(suspect)
  const started: string[] = []
  let finding: NetworkFinding
  try {
    const start = await starter(context, suspect, suspectPod, options, started)
    const services = [...(await destinations(context)), `metadata:${METADATA}`]
    const [node] = nodeAddresses(suspectPod).filter(isIPv4)
    const [twin, caller] = await both(
      start({
        name: names.twin,
        labels: keptLabels(suspectPod),
        args: [...services, ...(node === undefined ? [] : [`node:${node}:${KUBELET_PORT}`])],
      }),
      start({ name: names.caller, labels: {}, args: services }),
    )
    await both(tell(context, suspect, twin, 'peer', caller), tell(context, suspect, caller, 'inbound', twin))
    const before = await control(context, suspect)
    finding = reachesAnything(before)
      ? judgeProbe(probeOf(before, await labelled(context, suspect, twin)), {
          by: 'by a twin of the pod',
          words: ['with the label a twin', 'before it, it'],
          established: plan.network.established,
        })
      : nothingTried('the twin reached nothing, and nothing reached it, before it had the quarantine label')
  } catch (error) {
    if (isHard(error)) {
      await removed(context, suspect, options.twin, started)
      throw error
    }
    finding = nothingTried(`no twin of the pod could try it: ${messageOf(error)}`)
  }
  const { done, left } = await removed(context, suspect, options.twin, started)
  return {
    ...finding,
    means: 'twin',
    tried: [
      ...(started.length === 0
        ? []
        : [
            `a twin, pod ${suspect.namespace}/${names.twin} on ${suspectPod.spec?.nodeName ?? ''}, image ${options.twin.image}: it had the labels that the suspect keeps, not its processes, connections or address${done}`,
          ]),
      ...finding.tried,
    ],
    open: [...finding.open, ...left],
  }
}

type Start = (pod: TwinPod) => Promise<Pod>

async function starter(
  context: WriteContext,
  suspect: Suspect,
  like: Pod,
  { scripts, twin: wishes }: Pick<QuarantineOptions, 'scripts'> & { readonly twin: TwinWishes },
  started: string[],
): Promise<Start> {
  const { resources } = await context.kube.discover(context.run.signal)
  const openShift = resources.some(({ group }) => group === SCC_GROUP)
  return async (pod) => {
    const manifest = twinManifest(suspect, like, pod, { ...wishes, openShift }, scripts.twin)
    started.push(pod.name)
    return untilTwinRuns(context, suspect, await createTwin(context, suspect, pod.name, manifest, wishes))
  }
}

/** Both, or what one of them threw, once both have come to their end: nothing is started behind the back of what removes it. */
async function both<First, Second>(
  one: Promise<First>,
  other: Promise<Second>,
): Promise<readonly [First, Second]> {
  await Promise.allSettled([one, other])
  return Promise.all([one, other])
}

/** Lets a pod know the other's address. */
async function tell(
  context: WriteContext,
  suspect: Suspect,
  pod: Pod,
  label: string,
  other: Pod,
): Promise<void> {
  const address = other.status?.podIP ?? ''
  if (!isIPv4(address)) return
  const value = `${label}:${address}:${TWIN_PORT}`
  await amend(context, suspect, pod, 'tell', { map: 'annotations', key: PEERS_KEY, value })
}

/** The last round of each before the label, once each knows of the other. */
async function control(context: WriteContext, suspect: Suspect): Promise<Look> {
  const again = patience(context.run, CONTROL_WITHIN_MS, LOOK_MS)
  const isLate = deadline(context.run, TOLD_WITHIN_MS, LOOK_MS)
  let rounds: Rounds
  do {
    rounds = await look(context, suspect)
    const last = lookBack(rounds, 1)
    if (last === undefined) continue
    const told = last.twin.has('peer') && last.caller.has('inbound')
    if (told || isLate()) return last
  } while (await again())
  throw new ImpoundError('stalled', `its program wrote nothing of what it reaches${words(rounds)}`)
}

/** Puts the label on the twin, and gives what is left once two rounds of each that began after it say the same. */
async function labelled(context: WriteContext, suspect: Suspect, pod: Pod): Promise<Look> {
  const { run } = context
  await amend(context, suspect, pod, 'label', { map: 'labels', key: QUARANTINE_KEY, value: uid8(suspect) })
  const { twin, caller } = await look(context, suspect)
  // the next one may have begun before the label
  const from = { twin: twin.length + 1, caller: caller.length + 1 }
  const isSettled = deadline(run, SETTLES_MS, LOOK_MS)
  const again = patience(run, ROUNDS_WITHIN_MS, LOOK_MS)
  while (await again()) {
    const now = await look(context, suspect)
    const fresh = { twin: now.twin.slice(from.twin), caller: now.caller.slice(from.caller) }
    const settled = isSettled()
    const [last, previous] = [lookBack(fresh, 1), lookBack(fresh, 2)]
    if (last === undefined || previous === undefined) continue
    if (settled || (isCut(last) && isCut(previous))) return last
  }
  throw new ImpoundError('stalled', 'its program stopped to write what it reaches')
}

/** What both said in the last round, or so many before it. */
function lookBack({ twin, caller }: Pick<Rounds, 'twin' | 'caller'>, back: number): Look | undefined {
  const [one, other] = [twin.at(-back), caller.at(-back)]
  return one === undefined || other === undefined ? undefined : { twin: one, caller: other }
}

/** Sets a label or an annotation of one of ours, which has others already. */
async function amend(
  { kube, writer, run }: WriteContext,
  suspect: Suspect,
  { metadata }: Pod,
  step: 'tell' | 'label',
  {
    map,
    key,
    value,
  }: { readonly map: 'labels' | 'annotations'; readonly key: string; readonly value: string },
): Promise<void> {
  const name = metadata?.name ?? ''
  const path = podPath(suspect.namespace, name)
  await converge(run, async () => {
    const pod = await readObject<Pod>(kube, path, run.signal)
    if (pod?.metadata?.uid !== metadata?.uid) {
      throw new ImpoundError('target-refused', `somebody deleted pod ${name} while it was tried`)
    }
    if (pod?.metadata?.[map]?.[key] === value) return 'done'
    const patch = [
      { op: 'test', path: '/metadata/uid', value: metadata?.uid ?? '' },
      { op: 'add', path: `/metadata/${map}/${key.replaceAll('/', '~1')}`, value },
    ] as const
    return { write: () => writer.patch(path, patch, writeOptions(suspect, name, step, run.signal)) }
  })
}

interface Rounds {
  readonly twin: readonly Round[]
  readonly caller: readonly Round[]
  /** What they wrote otherwise. */
  readonly said: string
}

async function look(context: WriteContext, suspect: Suspect): Promise<Rounds> {
  const names = twinNames(suspect)
  const [twin, caller] = await Promise.all([
    twinLog(context, suspect, names.twin),
    twinLog(context, suspect, names.caller),
  ])
  return { twin: parseRounds(twin), caller: parseRounds(caller), said: twin.slice(0, 200) }
}

function words({ said }: Rounds): string {
  return said.trim() === '' ? '' : `: ${said.trim()}`
}

function reachesAnything({ twin, caller }: Look): boolean {
  return (
    caller.get('inbound')?.reach === 'connected' ||
    [...twin].some(([label, { reach }]) => label !== 'self' && label !== 'node' && reach === 'connected')
  )
}

function nothingTried(why: string): NetworkFinding {
  return { outcome: 'not-tried', why: `accepted by the API server; ${why}`, tried: [], open: [] }
}

/** Removes what was started. Throws where the local disk fails. */
async function removed(
  context: WriteContext,
  suspect: Suspect,
  { run }: TwinWishes,
  started: readonly string[],
): Promise<{ readonly done: string; readonly left: readonly string[] }> {
  const results = await Promise.allSettled(
    started.map((name) => removeTwin(context, suspect, name, (pod) => isOurs(pod, run))),
  )
  const failed = results.flatMap((one, index) =>
    one.status === 'fulfilled' ? [] : [{ name: started[index] ?? '', reason: one.reason as unknown }],
  )
  const hasGone = results.every((one) => one.status === 'fulfilled' && one.value !== 'ended')
  const hard = failed.find(({ reason }) => !(reason instanceof ImpoundError) || isCode(reason, 'storage'))
  if (hard !== undefined) throw hard.reason
  return {
    done:
      failed.length > 0
        ? ''
        : hasGone
          ? '; removed (checked)'
          : '; ended (checked), its removal is under way',
    left: failed.map(
      ({ name, reason }) =>
        `pod ${suspect.namespace}/${name} may still be there (${messageOf(reason)}): kubectl delete pod ${name} -n ${suspect.namespace}`,
    ),
  }
}
