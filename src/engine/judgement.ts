import { countsAgainst, type LedgerRow } from '../model/evidence.js'
import { exitStatusOf, ImpoundError, messageOf, type ErrorCode } from '../model/errors.js'
import { EXIT, worstExit, type ExitStatus } from '../model/exit.js'
import type { NodePodResult } from '../model/node-pod-plan.js'
import { counted } from '../text/count.js'
import type { ArchiveResult, TargetResult } from './result.js'

/** A status that applies to a run, and the line that says why. */
export interface Cause {
  readonly status: ExitStatus
  readonly because: string
}

/** The one exit status of a run, and every line that led to it. */
export function judge(causes: readonly Cause[]): {
  readonly exitStatus: ExitStatus
  readonly because: readonly string[]
} {
  return {
    exitStatus: worstExit(causes.map(({ status }) => status)),
    because: causes.map(({ because }) => because),
  }
}

/** A fault that ended collecting, containing or sealing early. */
export function faultCause(fault: unknown): Cause {
  return { status: exitStatusOf(fault), because: messageOf(fault) }
}

export function evidenceCauses(ledger: readonly LedgerRow[]): readonly Cause[] {
  const against = ledger.filter(countsAgainst).length
  if (against === 0) return []
  return [
    {
      status: EXIT.incomplete,
      because: `${against} of ${counted(ledger.length, 'piece')} of evidence partial or missing`,
    },
  ]
}

/** Contained but not verified to hold, not contained, or stopped on the way: a status of its own, beside that of what stopped it. */
export function containmentCauses({ name, containment }: TargetResult): readonly Cause[] {
  if (containment === undefined) return []
  if (containment.error !== undefined) {
    const { code, message } = containment.error
    return [
      { status: EXIT.containment, because: `containment of ${name} stopped: ${message}` },
      {
        status: exitStatusOf(new ImpoundError(code as ErrorCode, message)),
        because: `what stopped containment of ${name}: ${code}`,
      },
    ]
  }
  const failed = containment.actions.flatMap(({ action, error }) =>
    error === undefined
      ? []
      : [{ status: EXIT.containment, because: `${action} of ${name} failed: ${error.message}` }],
  )
  const kind = containment.verdict?.kind ?? 'unverified'
  return kind === 'enforced'
    ? failed
    : [{ status: EXIT.containment, because: `containment of ${name} is ${kind}` }, ...failed]
}

/** A pod that was to be deleted and still is there. */
export function killCauses({ name, kill }: TargetResult): readonly Cause[] {
  if (kill === undefined || kill.state === 'gone') return []
  const why = kill.why ?? kill.state
  if (kill.state === 'being-deleted') {
    return [{ status: EXIT.containment, because: `${name} is not gone yet: ${why}` }]
  }
  const because = `${name} was not deleted: ${why}`
  return [
    { status: EXIT.containment, because },
    ...(kill.code === undefined
      ? []
      : [
          {
            status: exitStatusOf(new ImpoundError(kill.code as ErrorCode, why)),
            because: `what kept ${name}: ${kill.code}`,
          },
        ]),
  ]
}

/** A privileged pod of ours that may still run. */
export function nodePodCauses(pods: readonly NodePodResult[]): readonly Cause[] {
  return pods
    .filter(({ removed }) => removed === 'not-known')
    .map(({ namespace, name, node }) => ({
      status: EXIT.incomplete,
      because: `the pod ${namespace}/${name} may still run on ${node}`,
    }))
}

export function archiveCauses(archive: ArchiveResult | undefined): readonly Cause[] {
  if (archive === undefined || archive.verified) return []
  return [{ status: EXIT.integrity, because: `${archive.path} does not verify: see impound verify` }]
}
