import { ImpoundError, isCode } from '../model/errors.js'
import type { CaseView, CollectContext, CollectOptions, Collector } from '../model/collector.js'
import type { LedgerRow, Phase } from '../model/evidence.js'
import type { KubeConnection } from '../kube/connect.js'
import type { EphemeralContainers } from '../model/ports/ephemeral.js'
import type { Journal } from '../model/ports/kube-writer.js'
import type { NodePods } from '../model/ports/node-pod.js'
import type { Registry } from '../model/ports/registry.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Sink } from '../model/ports/sink.js'
import type { Target } from '../model/target.js'
import type { Progress } from './progress.js'
import type { Recording } from './recorder.js'
import { onlyOf } from './same-pod.js'

/** What collectors of one target share. */
export interface TargetCapture {
  readonly target: Target
  /** The target as progress lines name it: 'shop/web-6dd6…'. */
  readonly label: string
  readonly recording: Recording
  readonly options: CollectOptions
  readonly kube: KubeConnection
  readonly nodePods: NodePods
  readonly ephemerals: EphemeralContainers
  readonly registry: Registry
  readonly journal: Journal
  readonly caseView: CaseView
  readonly progress: Progress
  sink(collector: string): Sink
  /** The ledger so far. */
  ledger(): readonly LedgerRow[]
}

/**
 * Runs every collector of the phase side by side. A collector's failure is a row of the ledger; only local storage
 * failing and a fault of impound travel further. At the deadline, or at Ctrl-C, what is under way ends as partial.
 */
export async function runPhase(
  run: RunContext,
  phase: Phase,
  collectors: readonly Collector[],
  capture: TargetCapture,
  deadlineMs?: number,
): Promise<void> {
  const due = collectors.filter((collector) => collector.phases.includes(phase))
  if (due.length === 0) return
  capture.progress({ type: 'phase', phase, target: capture.label })
  const deadline = new AbortController()
  const timer =
    deadlineMs === undefined
      ? undefined
      : setTimeout(() => deadline.abort(tooLate(phase, deadlineMs)), deadlineMs)
  const signal = AbortSignal.any([run.signal, deadline.signal])
  try {
    await Promise.all(due.map((collector) => runCollector({ ...run, signal }, phase, collector, capture)))
  } finally {
    clearTimeout(timer)
  }
}

function tooLate(phase: Phase, deadlineMs: number): ImpoundError {
  return new ImpoundError('timeout', `not done when the ${phase} phase ended after ${deadlineMs / 1000} s`)
}

async function runCollector(
  run: RunContext,
  phase: Phase,
  collector: Collector,
  capture: TargetCapture,
): Promise<void> {
  const { target, options, progress, label } = capture
  const sink = capture.sink(collector.name)
  const mine = (): readonly LedgerRow[] => capture.ledger().filter((row) => row.collector === collector.name)
  const before = new Set(mine())
  const streams = onlyOf(target, { exec: capture.kube.exec, logs: capture.kube.logs }, capture.kube.reader)
  const context: CollectContext = {
    run,
    phase,
    options,
    api: capture.recording.readerFor(sink, run.signal),
    now: capture.recording.freshReaderFor(sink, run.signal),
    ...streams,
    nodePods: capture.nodePods,
    ephemerals: capture.ephemerals,
    registry: capture.registry,
    journal: capture.journal,
    case: capture.caseView,
    progress: (subject, bytes) =>
      progress({ type: 'bytes', target: label, collector: collector.name, subject, bytes }),
  }
  try {
    if (options.skip.has(collector.name)) {
      await sink.skip(collector.name, 'not-requested', 'left out by --skip')
    } else {
      await collector.collect(context, target, sink)
    }
  } catch (error) {
    if (isCode(error, 'storage')) throw error
    await sink.failed(collector.name, run.signal.aborted ? run.signal.reason : error)
    if (!(error instanceof ImpoundError)) {
      progress({
        type: 'notice',
        text: `a fault of impound in the collector ${collector.name}: ${String(error)}`,
      })
    }
  }
  const rows = mine().filter((row) => !before.has(row))
  progress({ type: 'collector', target: label, collector: collector.name, rows })
}
