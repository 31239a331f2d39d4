import type { ActionOutcome, Containment as Action, Verdict } from '../model/containment.js'
import { ImpoundError, messageOf } from '../model/errors.js'
import type { Journal } from '../model/ports/kube-writer.js'
import type { NodePods } from '../model/ports/node-pod.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Sink } from '../model/ports/sink.js'
import type { KubeConnection } from '../kube/connect.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import { releaseCommand } from './release-command.js'
import type { CaptureRequest } from './request.js'
import type { ContainmentResult } from './result.js'

interface Containment {
  readonly action: Action
  readonly plan: QuarantinePlan
  readonly kube: KubeConnection
  readonly journal: Journal
  readonly nodePods: NodePods
  readonly sink: Sink
  /** clock.monotonic() at the confirmation. */
  readonly confirmedAt: number
  readonly request: CaptureRequest
}

const DERIVED = { kind: 'derived', mediaType: 'application/json', trust: 'tool' } as const

/**
 * Applies the plan and says how well it holds. A failure is not thrown: what stands then stays (the more closed side), and
 * the evidence is still to be taken. Only local storage failing travels, since nothing may be changed without a journal.
 */
export async function contain(run: RunContext, containment: Containment): Promise<ContainmentResult> {
  const { action, plan, kube, journal, sink } = containment
  const undo = releaseCommand(plan, containment.request)
  const changes = new Changes(journal)
  const context = {
    run,
    kube: kube.reader,
    writer: kube.writer(changes.journal),
    nodePods: containment.nodePods,
  }
  // a run that goes on with what its case holds already has that to take back
  const standing = (): boolean => plan.resumes || changes.mayStand()
  await sink.document('containment/plan.json', plan, DERIVED, 'quarantine plan')
  const outcomes: ActionOutcome[] = []
  let confirmed: number | undefined
  let error: ContainmentResult['error']
  try {
    await action.apply(
      context,
      plan,
      (outcome) => outcomes.push(outcome),
      () => {
        confirmed = run.clock.monotonic()
      },
    )
  } catch (thrown) {
    if (thrown instanceof ImpoundError && thrown.code === 'storage') throw thrown
    error = describe(thrown, plan, standing() ? undo : undefined)
  }
  const afterMs = Math.round((confirmed ?? run.clock.monotonic()) - containment.confirmedAt)
  let verdict: Verdict | undefined
  try {
    verdict = await action.verify(context, plan)
    await sink.document('containment/verdict.json', verdict, DERIVED, 'quarantine verdict')
  } catch (thrown) {
    if (thrown instanceof ImpoundError && thrown.code === 'storage') throw thrown
    error ??= describe(thrown, plan, standing() ? undo : undefined)
    await sink.failed('quarantine verdict', thrown)
  }
  return {
    ...(verdict === undefined ? {} : { verdict }),
    ...(error === undefined ? { afterMs } : { error }),
    actions: outcomes.map(outcomeOf),
    ...(standing() ? { undo } : {}),
  }
}

function outcomeOf({ action, error }: ActionOutcome): ContainmentResult['actions'][number] {
  if (error === undefined) return { action }
  const [code, hints] = error instanceof ImpoundError ? [error.code, error.hints] : ['bug', []]
  return { action, error: { code, message: messageOf(error), hints } }
}

/** A journal that knows whether anything it noted may have taken effect: what the server did not refuse. */
class Changes {
  readonly journal: Journal
  readonly #standing = new Set<string>()

  constructor(journal: Journal) {
    this.journal = {
      intent: async (intent) => {
        await journal.intent(intent)
        this.#standing.add(intent.id)
      },
      result: async (result) => {
        if (result.status !== undefined && result.status >= 400) this.#standing.delete(result.id)
        await journal.result(result)
      },
    }
  }

  mayStand(): boolean {
    return this.#standing.size > 0
  }
}

function describe(
  thrown: unknown,
  plan: QuarantinePlan,
  undo: string | undefined,
): NonNullable<ContainmentResult['error']> {
  const { name, namespace } = plan.target
  return {
    code: thrown instanceof ImpoundError ? thrown.code : 'bug',
    message: messageOf(thrown),
    hints: [
      ...(thrown instanceof ImpoundError ? thrown.hints : []),
      ...(undo === undefined
        ? ['this run changed nothing in the cluster: there is nothing of it to take back']
        : [
            `what was done so far stays; go on: impound quarantine ${name} -n ${namespace} --case ${plan.case}`,
            `take it back: ${undo}`,
          ]),
    ],
  }
}
