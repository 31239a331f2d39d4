import { formatDuration } from '../text/duration.js'
import { forShell } from '../text/shell.js'
import { absence } from './absence.js'
import { blastRadiusOf } from './blast-radius.js'
import { bounded, byText, clamped } from './bounded.js'
import { changesOf } from './changes.js'
import { containmentOf } from './containment.js'
import { eventsOf } from './events.js'
import { filesystemsOf } from './filesystem.js'
import { gapsOf } from './gaps.js'
import { imagesOf } from './images.js'
import type { ReportInput, ReportTargetInput } from './input.js'
import { inventoryOf } from './inventory.js'
import { logsOf } from './logs.js'
import type { ReportModel, TargetReport } from './model.js'
import { mountsOf } from './mounts.js'
import { checkpointsOf } from './checkpoints.js'
import { nodeTriageOf } from './node-triage.js'
import { networkOf } from './network.js'
import { nextStepsOf } from './next-steps.js'
import { podOf } from './pod.js'
import { processesOf, socketsOf } from './processes.js'
import { clocksOf, scopeOf } from './scope.js'
import { summaryOf } from './summary.js'

const REDACTIONS = 'data/redactions.jsonl'
const MOST_TARGETS = 50

const NOT_EVALUATED: readonly string[] = [
  'Findings and indicators: no rule was run over the evidence.',
  'Timeline: events, log lines and file times were not put in one order.',
  'What the pod could reach over the network, and what its node can do at the cloud provider.',
  'Memory of processes: what was taken was not looked into.',
  'Indicators of compromise and ATT&CK techniques: not extracted.',
  'Images: signatures, provenance and vulnerabilities were not checked.',
]

/** The report of a run. The same input gives the same model, in whatever order its lists came. */
export function buildReport(input: ReportInput): ReportModel {
  const sorted = { ...input, targets: input.targets.toSorted((a, b) => byText(a.directory, b.directory)) }
  const { scene, targets, ledger } = sorted
  const file = `${input.archiveName}${input.archiveExtension ?? '.tar.gz'}`
  const pods = new Map(
    targets.map(({ directory, target }) => [directory, `${target.namespace}/${target.name}`] as const),
  )
  const gaps = gapsOf(ledger, pods)
  const archive = {
    name: input.archiveName,
    file,
    incomplete: input.incomplete ?? null,
    logHead: input.logHead ?? null,
  }
  const changes = changesOf(sorted, file)
  const verification = {
    archive: `sha256sum -c ${forShell(`${file}.sha256`)}`,
    contents: [
      `tar ${file.endsWith('.tar.gz') ? 'xzf' : 'xf'} ${forShell(file)}`,
      `cd ${forShell(input.archiveName)}`,
      'sha256sum -c --strict tagmanifest-sha256.txt manifest-sha256.txt',
    ].join('\n'),
    tool: `impound verify ${forShell(file)}`,
  }
  return clamped({
    schema: 'impound/report/v1',
    case: scene.case,
    run: scene.run,
    command: scene.command,
    handling: input.handling ?? null,
    redactions: input.artefacts.some(({ path }) => path === REDACTIONS) ? REDACTIONS : null,
    archive,
    period: {
      started: input.startedAt,
      ended: input.endedAt,
      duration: durationBetween(input.startedAt, input.endedAt),
      requests: input.requestCount ?? null,
    },
    summary: summaryOf(sorted, gaps),
    scope: scopeOf(scene, targets),
    clocks: clocksOf(scene),
    gaps,
    changes,
    inventory: inventoryOf(input.artefacts),
    targets: bounded(
      targets.slice(0, MOST_TARGETS).map((target) => targetOf(target, sorted)),
      MOST_TARGETS,
      'data/targets/',
      targets.length,
    ),
    usedTargetTools: input.artefacts.some(({ source }) => source.trust === 'target-controlled'),
    notEvaluated: NOT_EVALUATED,
    verification,
    nextSteps: nextStepsOf(sorted, { archive, gaps, changes, verification }),
  })
}

function durationBetween(started: string, ended: string): string | null {
  const ms = Date.parse(ended) - Date.parse(started)
  return Number.isNaN(ms) ? null : formatDuration(ms)
}

function targetOf(input: ReportTargetInput, { ledger }: ReportInput): TargetReport {
  const { target, directory, images, filesystems, events } = input
  return {
    namespace: target.namespace,
    name: target.name,
    uid: target.uid,
    directory,
    containment: containmentOf(input),
    pod: podOf(input, ledger),
    processes: processesOf(input, ledger),
    sockets: socketsOf(input, ledger),
    images: {
      absent: images.length === 0 ? absence(ledger, directory, 'image') : null,
      containers: imagesOf(images, input.imageExport, directory),
    },
    filesystems: {
      absent: filesystems.length === 0 ? absence(ledger, directory, 'filesystem') : null,
      containers: filesystemsOf(filesystems, directory),
    },
    logs: logsOf(input, ledger),
    events: {
      absent: events === undefined ? absence(ledger, directory, 'events', 'events') : null,
      rows: eventsOf(events ?? [], directory),
    },
    network: networkOf(input, ledger),
    blastRadius: blastRadiusOf(input, ledger),
    mounts: mountsOf(input, ledger),
    checkpoints: checkpointsOf(input),
    nodeTriage: nodeTriageOf(input),
  }
}
