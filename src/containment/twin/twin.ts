import { describeAccess } from '../../model/api-path.js'
import type {
  ContainmentAction,
  JournalEntry,
  Suspect,
  UndoReport,
  WriteContext,
} from '../../model/containment.js'
import { isCode, messageOf } from '../../model/errors.js'
import type { Service } from '../../model/kubernetes.js'
import { SCC_GROUP } from '../../model/openshift.js'
import type { ActionPlan, QuarantinePlan } from '../../model/quarantine-plan.js'
import { serviceSelects } from '../../model/selector.js'
import type { Target } from '../../model/target.js'
import type { QuarantineOptions, TwinWishes } from '../options.js'
import { listObjects } from '../reading.js'
import { trial } from '../trial.js'
import { TRY_ACCESS } from '../try-network.js'
import { twinManifest } from './manifest.js'
import { OWNER_KEY, RUN_KEY, TWIN, twinAccess, twinNames } from './names.js'
import { removeTwin, twinsOf } from './removal.js'
import { sendTwin } from './start.js'

/** The canary twin, which verification starts where no pod on the node tries the cut: its part of the plan, and what it leaves. */
export function createTwinAction(options: QuarantineOptions): ContainmentAction {
  const { twin } = options
  return {
    name: TWIN,
    stage: 'verify',
    requirements: (target) => ({ access: twin === undefined ? [] : [...twinAccess(target), ...TRY_ACCESS] }),
    plan: (context, target, quarantine) =>
      twin === undefined || quarantine.refusals.length > 0
        ? Promise.resolve(undefined)
        : plan(context, target, quarantine, { ...options, twin }),
    apply: () => Promise.resolve(),
    verify: () => Promise.resolve({ tried: [], open: [] }),
    undo,
  }
}

async function plan(
  context: WriteContext,
  target: Target,
  quarantine: Omit<QuarantinePlan, 'actions'>,
  options: QuarantineOptions & { readonly twin: TwinWishes },
): Promise<ActionPlan> {
  const { kube, run } = context
  const suspect = { ...quarantine.target, case: quarantine.case }
  const names = twinNames(suspect)
  const { before, keep } = quarantine.labels
  const labels = Object.fromEntries(keep.map(({ key }) => [key, before[key] ?? '']))
  const none = (why: string): ActionPlan => ({
    action: TWIN,
    changes: [],
    warnings: [`no twin of the pod will try the cut: ${why}`],
    refusals: [],
    missingAccess: [],
    unready: why,
  })
  const node = target.pod.spec?.nodeName
  if (node === undefined) return none('the pod is on no node')
  const answers = await Promise.all(twinAccess(target).map((rule) => kube.canI(rule, run.signal)))
  const missing = answers.filter(({ allowed }) => !allowed).map(({ rule }) => describeAccess(rule))
  if (missing.length > 0) return none(`no right to ${[...new Set(missing)].join(', ')}`)
  const publishing = await publishers(context, target.namespace, labels)
  if (publishing.length > 0) {
    return none(
      `Service ${publishing.join(', ')} selects the labels that stay, and sends connections also to what is not ready`,
    )
  }
  const { resources } = await kube.discover(run.signal)
  const openShift = resources.some(({ group }) => group === SCC_GROUP)
  const { scripts, twin } = options
  const shape = { name: names.twin, labels, args: [] }
  const manifest = twinManifest(suspect, target.pod, shape, { ...twin, openShift }, scripts.twin)
  const standing = await leftBehind(context, suspect, twin.run)
  const refused =
    standing.length > 0
      ? undefined
      : await trial(() => sendTwin(context, suspect, names.twin, manifest, run.signal, true))
  if (refused !== undefined) return none(refused)
  const image = `image ${twin.image}${/@sha256:[0-9a-f]{64}$/.test(twin.image) ? '' : ', BY TAG'}`
  const kept = Object.keys(labels).join(', ')
  return {
    action: TWIN,
    changes: [
      ...standing.map(({ line }) => `- ${line}`),
      `+ pod ${target.namespace}/${names.twin} on ${node}, with ${kept === '' ? 'none of the suspect’s labels, as it will have' : `the labels that stay (${kept})`}: tries the cut${options.allowNode ? ' where no pod on the node can' : ''}; ${image}`,
      `+ pod ${target.namespace}/${names.caller} beside it, without them: tries to reach it; both are removed right after`,
    ],
    warnings: [],
    attackerSees: [
      `who may list the pods or events of ${target.namespace}: ${names.twin} and ${names.caller}, the case’s name, for half a minute; the API server, DNS and what gives out metadata: a connection from each`,
    ],
    refusals: [],
    missingAccess: [],
  }
}

/** Services that would send connections to the twin although it is never ready. Those that can't be listed are not known. */
async function publishers(
  { kube, run }: WriteContext,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  if (Object.keys(labels).length === 0) return []
  const path = { group: '', version: 'v1', resource: 'services', namespace }
  try {
    return (await listObjects<Service>(kube, path, run.signal))
      .filter(({ spec }) => spec?.publishNotReadyAddresses === true && serviceSelects(spec.selector, labels))
      .map(({ metadata }) => metadata?.name ?? '')
  } catch (error) {
    if (!isCode(error, 'forbidden')) throw error
    return []
  }
}

interface Leftover {
  readonly name: string
  readonly uid: string
  /** 'pod shop/impound-twin-1f3a9c02, left by the run … of ana@corp'. */
  readonly line: string
}

/** Twins of other runs. Where pods may not be listed, none is known. */
async function leftBehind(
  context: WriteContext,
  suspect: Suspect,
  ourRun: string | undefined,
): Promise<readonly Leftover[]> {
  try {
    return (await twinsOf(context, suspect)).flatMap(({ metadata }): readonly Leftover[] => {
      const { name = '', uid = '', annotations = {} } = metadata ?? {}
      const run = annotations[RUN_KEY] ?? 'not known'
      if (run === ourRun || metadata?.deletionTimestamp !== undefined) return []
      const by = `of the run ${run}, ${whose(annotations[OWNER_KEY])}`
      return [{ name, uid, line: `pod ${suspect.namespace}/${name}, a twin ${by}` }]
    })
  } catch (error) {
    if (isCode(error, 'forbidden')) return []
    throw error
  }
}

function whose(owner: string | undefined): string {
  try {
    const { who = '', host = '' } = JSON.parse(owner ?? '') as { who?: string; host?: string }
    return `${who} at ${host}`
  } catch {
    return 'whose is not known'
  }
}

/** What a run that was killed has left, or what one that lives is at: a pod that is released needs none. */
async function undo(
  context: WriteContext,
  suspect: Suspect,
  _entries: readonly JournalEntry[],
  { dryRun }: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const report = { done: [] as string[], left: [] as string[] }
  const found = await leftBehind(context, suspect, undefined)
  for (const { name, uid, line } of found) {
    try {
      if (!dryRun) await removeTwin(context, suspect, name, ({ metadata }) => metadata?.uid === uid)
      report.done.push(`- ${line}`)
    } catch (error) {
      // it ends by itself, and holds up no release
      if (!isCode(error, 'forbidden', 'timeout', 'unreachable', 'server')) throw error
      report.left.push(`${line}: ${messageOf(error)}`)
    }
  }
  return report
}
