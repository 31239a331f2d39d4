import type { AccessRule, ApiPath } from '../model/api-path.js'
import type {
  ContainmentAction,
  Finding,
  JournalEntry,
  ReadContext,
  Suspect,
  UndoReport,
  WriteContext,
} from '../model/containment.js'
import type { KubeObject } from '../model/kubernetes.js'
import type { JsonPatch } from '../model/ports/kube-writer.js'
import type { ActionPlan, QuarantinePlan } from '../model/quarantine-plan.js'
import type { Target } from '../model/target.js'
import { converge } from './converge.js'
import { clearMark, isMarked, setMark, type NodeMark } from './node-mark.js'
import type { QuarantineOptions } from './options.js'
import { readPodIfThere } from './protecting-annotations.js'
import { readObject } from './reading.js'
import { addMark, changedBy, markKey, marksOn, patchShared, removeMark } from './shared-object.js'
import { trial } from './trial.js'

const NAME = 'cordon'
const ON_POD: NodeMark = { action: NAME, key: `impound.dev/${NAME}` }

interface CordonPlan extends ActionPlan {
  /** Absent where the pod is on none. */
  readonly node?: string
}

interface Node extends KubeObject {
  readonly spec?: { readonly unschedulable?: boolean }
}

/**
 * Lets nothing new be scheduled to the suspect's node, as `kubectl cordon` does. A node that somebody else had cordoned stays so;
 * one that holds several suspects is opened with the last of them.
 */
export function createCordon(options: QuarantineOptions): ContainmentAction<CordonPlan> {
  const wanted = options.wanted.has(NAME)
  return {
    name: NAME,
    stage: 'before-cut',
    requirements: ({ pod }) => ({ access: wanted ? nodeRights(pod.spec?.nodeName) : [] }),
    plan: (context, target, quarantine) =>
      wanted ? plan(context, target, quarantine) : Promise.resolve(undefined),
    apply,
    verify,
    undo,
  }
}

function nodeRights(name: string | undefined): readonly AccessRule[] {
  const node = { group: '', resource: 'nodes', ...(name === undefined ? {} : { name }) }
  return [
    { verb: 'get', ...node },
    { verb: 'patch', ...node },
  ]
}

async function plan(
  context: WriteContext,
  target: Target,
  quarantine: Omit<QuarantinePlan, 'actions'>,
): Promise<CordonPlan> {
  const none = { action: NAME, changes: [], warnings: [], refusals: [], missingAccess: [] }
  const name = target.pod.spec?.nodeName
  if (name === undefined) return { ...none, warnings: ['the pod is on no node: there is none to cordon'] }
  const { kube, run } = context
  const rights = await Promise.all(nodeRights(name).map((rule) => kube.canI(rule, run.signal)))
  const missingAccess = rights.filter(({ allowed }) => !allowed).map(({ rule }) => rule)
  if (missingAccess.length > 0) return { ...none, node: name, missingAccess }
  const suspect = { ...quarantine.target, case: quarantine.case }
  const node = await readNode(context, name)
  if (node === undefined) return { ...none, warnings: [`node ${name} is gone: there is none to cordon`] }
  const due = operations(node, suspect)
  if (due === undefined) {
    return { ...none, node: name, warnings: [`node ${name} is cordoned already: it is left so at release`] }
  }
  const why =
    due.length === 0 || quarantine.refusals.length > 0
      ? undefined
      : await trial(() => send(context, suspect, 'cordon', name, node, due, true))
  return {
    ...none,
    node: name,
    changes:
      due.length === 0
        ? []
        : [`~ node ${name}: cordon, nothing new is scheduled to it`, `~ annotation ${ON_POD.key}`],
    warnings: [
      `what runs on ${name} runs on, pods of DaemonSets and static pods still start there; a node that is alone takes no replacement`,
    ],
    refusals: why === undefined ? [] : [{ code: 'admission', message: `node ${name}: ${why}` }],
  }
}

/** What is left to do; undefined where the node is cordoned and none of ours did it. */
function operations(node: Node, suspect: Suspect): JsonPatch | undefined {
  const marks = marksOn(node, NAME)
  const cordoned = node.spec?.unschedulable === true
  if (cordoned && marks.length === 0) return undefined
  return [
    ...addMark(node, { key: markKey(NAME, suspect), value: suspect.case }),
    ...(cordoned ? [] : [{ op: 'add' as const, path: '/spec/unschedulable', value: true }]),
  ]
}

async function apply(context: WriteContext, { node: name }: CordonPlan, suspect: Suspect): Promise<void> {
  if (name === undefined) return
  const before = await readNode(context, name)
  if (before === undefined || operations(before, suspect) === undefined) return
  await setMark(context, suspect, ON_POD)
  await converge(context.run, async () => {
    const node = await readNode(context, name)
    const due = node === undefined ? undefined : operations(node, suspect)
    if (node === undefined || due === undefined || due.length === 0) return 'done'
    return { write: () => send(context, suspect, 'cordon', name, node, due, false) }
  })
}

async function verify(context: ReadContext, { node: name }: CordonPlan, _suspect: Suspect): Promise<Finding> {
  if (name === undefined) return { tried: [], open: [] }
  const node = await readNode(context, name)
  return node?.spec?.unschedulable === true
    ? { tried: [`read back: node ${name} is cordoned`], open: [] }
    : { tried: [], open: [], broken: `node ${name} is not cordoned` }
}

async function undo(
  context: WriteContext,
  suspect: Suspect,
  entries: readonly JournalEntry[],
  { dryRun }: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const report = { done: [] as string[], left: [] as string[] }
  const pod = await readPodIfThere(context, suspect)
  const ofPod = pod !== undefined && isMarked(pod, ON_POD) ? pod.spec?.nodeName : undefined
  const ofJournal = [...changedBy(entries, 'cordon').keys()].map((name) => name.replace(/^nodes\//, ''))
  for (const name of new Set([...ofJournal, ...(ofPod === undefined ? [] : [ofPod])])) {
    const { done, left } = await undoOne(context, suspect, name, {
      dryRun,
      recorded: ofJournal.includes(name),
    })
    report.done.push(...done)
    report.left.push(...left)
  }
  if (!dryRun && ofPod !== undefined) await clearMark(context, suspect, ON_POD)
  return report
}

async function undoOne(
  context: WriteContext,
  suspect: Suspect,
  name: string,
  { dryRun, recorded }: { readonly dryRun: boolean; readonly recorded: boolean },
): Promise<UndoReport> {
  const node = await readNode(context, name)
  if (node === undefined) return { done: [], left: [`node ${name} is gone`] }
  const key = markKey(NAME, suspect)
  const [mine, others] = [isOurs(node, key), marksOn(node, NAME).filter((mark) => mark.key !== key)]
  if (!mine) {
    const lost = recorded && node.spec?.unschedulable === true
    return { done: [], left: lost ? [`node ${name} no longer says that it was cordoned for this pod`] : [] }
  }
  if (!dryRun) {
    await converge(context.run, async () => {
      const now = await readNode(context, name)
      if (now === undefined || !isOurs(now, key)) return 'done'
      const due = [...removeMark(now, key), ...(isLast(now, key) ? uncordon(now) : [])]
      return { write: () => send(context, suspect, 'uncordon', name, now, due, false) }
    })
  }
  if (node.spec?.unschedulable !== true) {
    return { done: [], left: [`node ${name} was uncordoned by somebody else`] }
  }
  const stays = others.length > 0
  return {
    done: [
      stays
        ? `= node ${name} stays cordoned: ${others.length} more of its pods are held`
        : `~ node ${name}: uncordoned`,
    ],
    left: [],
  }
}

function isOurs({ metadata }: Node, key: string): boolean {
  return metadata?.annotations?.[key] !== undefined
}

function isLast(node: Node, key: string): boolean {
  return marksOn(node, NAME).every((mark) => mark.key === key)
}

function uncordon({ spec }: Node): JsonPatch {
  return spec?.unschedulable === true ? [{ op: 'remove', path: '/spec/unschedulable' }] : []
}

function readNode({ kube, run }: ReadContext, name: string): Promise<Node | undefined> {
  return readObject<Node>(kube, nodePath(name), run.signal)
}

function nodePath(name: string): ApiPath & { readonly name: string } {
  return { group: '', version: 'v1', resource: 'nodes', name }
}

function send(
  context: WriteContext,
  suspect: Suspect,
  step: 'cordon' | 'uncordon',
  name: string,
  node: Node,
  operations: JsonPatch,
  dryRun: boolean,
): Promise<unknown> {
  const prior = { unschedulable: node.spec?.unschedulable ?? false }
  return patchShared(context, suspect, NAME, step, { path: nodePath(name), object: node }, operations, {
    prior,
    dryRun,
  })
}
