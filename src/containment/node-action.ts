import type {
  ContainmentAction,
  Finding,
  JournalEntry,
  Suspect,
  UndoReport,
  WantedAction,
  WriteContext,
} from '../model/containment.js'
import { ImpoundError } from '../model/errors.js'
import { asArray, asString, at } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import type { NodeSession } from '../model/ports/node-pod.js'
import { containersOf } from '../model/target.js'
import { clearMark, markTakenOff, mayStand, setMark, type NodeMark } from './node-mark.js'
import type { QuarantineOptions } from './options.js'
import { readPodIfThere } from './protecting-annotations.js'
import { readPod } from './reading.js'

/** Something that a pod of ours on the suspect's node does to it, and takes back. */
export interface NodeAction {
  readonly name: WantedAction
  /** What the plan says that it does, and the release that it undoes. */
  readonly change: string
  readonly undone: string
  warnings(pod: Pod): readonly string[]
  apply(session: NodeSession, pod: Pod, suspect: Suspect, signal: AbortSignal): Promise<void>
  check(session: NodeSession, pod: Pod, suspect: Suspect, signal: AbortSignal): Promise<Finding>
  undo(session: NodeSession, pod: Pod, suspect: Suspect, signal: AbortSignal): Promise<void>
}

/** The action: only where its flag is given, journalled by an annotation on the pod that comes first and goes last. */
export function nodeAction(action: NodeAction, options: QuarantineOptions): ContainmentAction {
  const mark: NodeMark = { action: action.name, key: `impound.dev/${action.name}` }
  return {
    name: action.name,
    stage: 'after-cut',
    requirements: () => ({ access: [], by: 'node' }),
    plan: (_context, target) =>
      Promise.resolve(
        options.wanted.has(action.name)
          ? {
              action: action.name,
              changes: [`~ ${action.change}, by a pod on its node`, `~ annotation ${mark.key}`],
              warnings: action.warnings(target.pod),
              refusals: [],
              missingAccess: [],
              needs: 'node',
            }
          : undefined,
      ),
    apply: async (context, _plan, suspect) => {
      const { signal } = context.run
      const pod = await readPod(context.kube, suspect, signal)
      const session = await sessionFor(context, pod)
      await setMark(context, suspect, mark)
      await action.apply(session, pod, suspect, signal)
    },
    verify: async (context, _plan, suspect) => {
      const pod = await readPod(context.kube, suspect, context.run.signal)
      return action.check(await sessionFor(context, pod), pod, suspect, context.run.signal)
    },
    undo: (context, suspect, entries, mode) => undo(context, action, mark, suspect, entries, mode),
  }
}

async function undo(
  context: WriteContext,
  action: NodeAction,
  mark: NodeMark,
  suspect: Suspect,
  entries: readonly JournalEntry[],
  { dryRun }: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const pod = await readPodIfThere(context, suspect)
  // with the pod, its network and its processes are gone
  if (pod === undefined || !mayStand(pod, mark, entries)) return { done: [], left: [] }
  const done = [`~ ${action.undone}`]
  const left = markTakenOff(pod, mark, entries)
    ? [`annotation ${mark.key} was taken off by somebody else: others can not see what stands on the node`]
    : []
  if (dryRun) return { done, left, needs: 'node' }
  await action.undo(await sessionFor(context, pod), pod, suspect, context.run.signal)
  await clearMark(context, suspect, mark)
  return { done, left }
}

/** IDs of the running containers, as the node knows them. */
export function runningContainers(pod: Pod): readonly string[] {
  return containersOf(pod)
    .filter(({ running }) => running)
    .map(({ containerID }) => containerID.replace(/^[a-z0-9.+-]+:\/\//, ''))
    .filter((id) => /^[0-9a-f]{64}$/.test(id))
}

/** One of them: they share the network. Throws `target-refused` where none runs. */
export function anyContainer(pod: Pod): string {
  const [first] = runningContainers(pod)
  if (first !== undefined) return first
  throw new ImpoundError(
    'target-refused',
    'no container of the pod runs: there is no process by which to enter its network',
  )
}

export function nodeAddresses(pod: Pod): readonly string[] {
  const many = asArray(at(pod, 'status', 'hostIPs')).flatMap((one) => asString(at(one, 'ip')) ?? [])
  return [...new Set([pod.status?.hostIP ?? '', ...many])].filter((one) => /^[0-9a-fA-F.:]+$/.test(one))
}

export function sessionFor({ nodePods, run }: WriteContext, pod: Pod): Promise<NodeSession> {
  const node = pod.spec?.nodeName
  if (node === undefined) throw new ImpoundError('unsupported', 'the pod is on no node')
  return nodePods.on(node, run.signal)
}
