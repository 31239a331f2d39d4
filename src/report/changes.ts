import { asString, at } from '../model/json.js'
import { forShell } from '../text/shell.js'
import { bounded, byTime } from './bounded.js'
import type { ReportInput, ReportTargetInput, ReportWrite } from './input.js'
import type { Changes, Sentence, WriteRow } from './model.js'
import { ended, sentence } from './sentence.js'

const MOST_WRITES = 200

/** Every change to the cluster in the order of its times, and the commands that undo them. */
export function changesOf(input: ReportInput, archiveFile: string): Changes {
  const writes = [...input.targets.flatMap((target) => target.writes), ...(input.otherWrites ?? [])].toSorted(
    (a, b) => byTime(a.at, b.at),
  )
  const rows = writes.map((write, index) => rowOf(write, index + 1))
  const having = (...outcomes: readonly string[]): number =>
    rows.filter((row) => outcomes.includes(row.outcome)).length
  const touched = input.targets.filter(isTouched)
  return {
    writes: bounded(rows, MOST_WRITES, 'acquisition.jsonl'),
    confirmed: having('confirmed'),
    refused: having('refused'),
    unknown: having('no answer', 'server error'),
    undo:
      touched.length === 0
        ? null
        : {
            live: touched.map(releaseCommand).join('\n'),
            fromArchive: `impound release --from ${forShell(archiveFile)}${allowance(...touched)}`,
          },
    onRelease: touched.flatMap(onRelease),
  }
}

/** Whether the cluster may differ because of this target: a write was confirmed, or nobody knows. */
export function isTouched(target: ReportTargetInput): boolean {
  return target.writes.some((write) => outcomeOf(write) !== 'refused')
}

export function releaseCommand(of: ReportTargetInput): string {
  const { name, namespace } = of.target
  return `impound release ${forShell(name)} -n ${forShell(namespace)}${allowance(of)}`
}

/** What the release of a run's targets must be allowed: what stands on a node is only taken back there. */
export function allowance(...targets: readonly ReportTargetInput[]): string {
  const needs = targets.some(({ plan }) => plan?.actions.some((action) => action.needs === 'node') === true)
  return needs ? ' --allow node' : ''
}

function onRelease({ target, plan }: ReportTargetInput): readonly Sentence[] {
  if (plan === undefined) return []
  const pod = `${target.namespace}/${target.name}`
  const words = ended(plan.owner.onRelease)
  return [
    plan.owner.name === ''
      ? sentence`${pod}, without an owner: ${words}`
      : sentence`${pod}, owner ${`${plan.owner.kind} ${plan.owner.name}`}: ${words}`,
  ]
}

function rowOf(write: ReportWrite, number: number): WriteRow {
  const { intent, outcome } = write
  return {
    number,
    at: write.at ?? null,
    what: `${intent.action}: ${intent.step}`,
    request: `${intent.method} ${objectPath(write)}`,
    outcome: outcomeOf(write),
    status: outcome?.status ?? null,
    error: outcome?.error ?? null,
    auditId: intent.auditId,
  }
}

function outcomeOf({ outcome }: ReportWrite): 'confirmed' | 'refused' | 'no answer' | 'server error' {
  const status = outcome?.status
  if (status === undefined) return 'no answer'
  if (status >= 500) return 'server error'
  return status >= 400 ? 'refused' : 'confirmed'
}

/** A create goes to the collection: the name is in the body. */
function objectPath({ intent }: ReportWrite): string {
  const name = intent.method === 'POST' ? asString(at(intent.body, 'metadata', 'name')) : undefined
  if (name === undefined) return intent.path
  const [collection = '', query] = intent.path.split('?', 2)
  return `${collection}/${encodeURIComponent(name.toWellFormed())}${query === undefined ? '' : `?${query}`}`
}
