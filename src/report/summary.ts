import type { ChangeKind } from '../model/filesystem-documents.js'
import type { ReportInput, ReportTargetInput } from './input.js'
import type { Gaps, Sentence } from './model.js'
import { containmentOf } from './containment.js'
import { ended, listed, plain, sentence } from './sentence.js'
import { CHANGE_WORDS } from './words.js'

const MOST_NAMED = 3

/** Five sentences of facts: what was done, containment, evidence, files, and what nobody has judged. */
export function summaryOf(input: ReportInput, gaps: Gaps): readonly Sentence[] {
  return [
    whatWasDone(input),
    containment(input.targets),
    evidence(input, gaps),
    files(input.targets),
    plain(
      'This version judges nothing: it evaluates no findings and no timeline, so what is not named here may still have happened.',
    ),
  ]
}

function whatWasDone({ scene, targets, startedAt, endedAt }: ReportInput): Sentence {
  const { who, where } = scene
  const user = who.impersonating ?? who.user ?? who.osUser
  const [first] = targets
  const pods =
    targets.length === 1 && first !== undefined
      ? sentence`pod ${podName(first)} (UID ${first.target.uid})`
      : sentence`${targets.length} pods (${listed(targets.map(podName), MOST_NAMED)})`
  return sentence`${user} ran ${`impound ${scene.command}`} on ${pods} in the cluster context ${where.context} for case ${scene.case}, from ${plain(startedAt)} to ${plain(endedAt)}.`
}

function containment(targets: readonly ReportTargetInput[]): Sentence {
  const reports = targets.map(containmentOf)
  const [first] = reports
  if (reports.length === 1 && first !== undefined) {
    if (first.why === null) return sentence`Containment: ${plain(first.verdict)}. ${ended(first.meaning)}`
    const since = plain(first.inForceAt === null ? '' : `, in the API since ${first.inForceAt}`)
    return sentence`Containment: ${plain(first.verdict)}${since}: ${ended(first.why)}`
  }
  const verdicts = [...new Set(reports.map(({ verdict }) => verdict))].toSorted()
  const counts = verdicts.map(
    (verdict) => `${reports.filter((report) => report.verdict === verdict).length} ${verdict}`,
  )
  return sentence`Containment of ${reports.length} pods: ${plain(counts.join(', '))}.`
}

function evidence({ incomplete }: ReportInput, { tally, counted }: Gaps): Sentence {
  const { collected, partial, failed, skipped } = tally
  const figures = plain(
    `Of what was asked for, ${collected} pieces of evidence were collected and ${partial} in part; ${failed} failed, ${skipped} skipped`,
  )
  const sealed =
    incomplete === undefined
      ? plain(
          counted.total === 0
            ? '; nothing counts as missing.'
            : `; ${counted.total} ${counted.total === 1 ? 'counts' : 'count'} as missing or not whole.`,
        )
      : sentence`; the archive is incomplete: ${ended(incomplete)}`
  return { parts: [...figures.parts, ...sealed.parts] }
}

function files(targets: readonly ReportTargetInput[]): Sentence {
  const summaries = targets.flatMap(({ filesystems }) => filesystems.map(({ summary }) => summary))
  const compared = summaries.filter(({ baseline }) => baseline.source !== 'none')
  if (compared.length === 0) {
    return plain(
      "No container's files were compared with its image, so nothing is said about what was added, changed or deleted.",
    )
  }
  const figures = (Object.entries(CHANGE_WORDS) as [ChangeKind, string][])
    .map(([kind, words]) => [compared.reduce((sum, { counts }) => sum + counts[kind], 0), words] as const)
    .filter(([count]) => count > 0)
    .map(([count, words]) => `${count} ${words}`)
  const names = listed([...new Set(compared.map(({ container }) => container))].toSorted(), MOST_NAMED)
  const trust = compared.some(({ trust }) => trust === 'target-controlled')
    ? 'By what the suspect containers themselves report'
    : 'By what was read'
  const whole = compared.every(({ capture }) => capture.complete) ? '' : ', which is not proven complete'
  const changes = figures.length === 0 ? 'no difference from the image' : figures.join(', ')
  return sentence`${plain(`${trust}${whole}`)}, the files of ${names} compare with the image as follows: ${plain(changes)}.`
}

function podName({ target }: ReportTargetInput): string {
  return `${target.namespace}/${target.name}`
}
