import type { PodDocument } from '../model/documents.js'
import type { LedgerRow } from '../model/evidence.js'
import { counted } from '../text/count.js'
import { absence } from './absence.js'
import { bounded, byText } from './bounded.js'
import { labelLine } from './containment.js'
import type { ReportAftermath, ReportTargetInput } from './input.js'
import type { PodReport } from './model.js'

const MOST_CONTAINERS = 50
const MOST_NEIGHBOURS = 30
const MOST_OWNERS = 20
const MOST_REPLACEMENTS = 20

export function podOf(input: ReportTargetInput, ledger: readonly LedgerRow[]): PodReport {
  const { pod, owners, directory, after } = input
  const where = `data/targets/${directory}/pod.json`
  return {
    absent: pod === undefined ? absence(ledger, directory, 'pod', 'pod') : null,
    created: pod?.created ?? null,
    phase: pod?.phase ?? null,
    node: pod?.node ?? null,
    podIP: pod?.podIP ?? null,
    hostIP: pod?.hostIP ?? null,
    serviceAccount: pod?.serviceAccount ?? null,
    hostNetwork: pod?.hostNetwork ?? false,
    labels: labelLine(Object.entries(pod?.labels ?? {})),
    owners: (owners?.owners ?? []).slice(0, MOST_OWNERS).map((owner) => ({
      owner: `${owner.kind} ${owner.name}`,
      uid: owner.uid,
      note: owner.read ? null : `could not be read${owner.why === undefined ? '' : `: ${owner.why}`}`,
    })),
    ownersAbsent: owners === undefined ? absence(ledger, directory, 'pod', 'owners') : null,
    containers: bounded((pod?.containers ?? []).map(containerOf), MOST_CONTAINERS, where),
    after: after === undefined ? null : afterWords(after),
    replacements:
      after?.replacements
        ?.toSorted((a, b) => byText(a.name, b.name))
        .slice(0, MOST_REPLACEMENTS)
        .map(({ name, ready }) => ({ name, state: ready ? 'Ready' : 'not Ready' })) ?? null,
    neighbours:
      pod?.neighbours === undefined
        ? null
        : bounded(
            pod.neighbours
              .map(({ namespace, name, uid }) => ({ pod: `${namespace}/${name}`, uid }))
              .toSorted((a, b) => byText(a.pod, b.pod)),
            MOST_NEIGHBOURS,
            where,
          ),
  }
}

function containerOf(container: PodDocument['containers'][number]): PodReport['containers']['items'][number] {
  return {
    name: container.name,
    role: container.role,
    state: container.running ? 'running' : 'not running',
    started: container.startedAt ?? null,
    restarts: container.restarts,
    lastExit: container.lastExit === undefined ? null : exitWords(container.lastExit),
    containerID: container.containerID,
  }
}

function exitWords(exit: NonNullable<PodDocument['containers'][number]['lastExit']>): string {
  const code = exit.code === undefined ? 'exit code not known' : `exit code ${exit.code}`
  const reason = exit.reason === undefined ? '' : `, ${exit.reason}`
  return `${code}${reason}${exit.finishedAt === undefined ? '' : `, ${exit.finishedAt}`}`
}

function afterWords({ suspect, restarts }: ReportAftermath): string {
  return suspect === 'alive' ? `alive, ${counted(restarts, 'restart')} since the run began` : suspect
}
