import { ImpoundError } from '../model/errors.js'
import { asArray, asNumber, asString, at } from '../model/json.js'
import { statusMessage } from './api-error.js'

/**
 * What runtimes say when the far end is there and the program can't run: containerd, CRI-O, runc, crun and the kubelet,
 * in the message of an InternalError.
 */
const REFUSED =
  /executable file not found|no such file or directory|permission denied|exec format error|OCI runtime exec failed|failed to (?:start|create) exec|container (?:is )?not (?:found|running|created)|is not running|stopped (?:state|container)|task .*not found|cannot exec in a|not in running state|has already stopped|unable to start container process/i

/** The status frame of remotecommand v4 and v5: the exit status, or why there is none. */
export function readExecStatus(status: unknown): number {
  if (at(status, 'status') === 'Success') return 0
  if (at(status, 'status') !== 'Failure')
    throw new ImpoundError('server', 'The exec status that the server sent is no Status object.')
  if (at(status, 'reason') === 'NonZeroExitCode') {
    const code = exitCode(status)
    if (code !== undefined) return code
  }
  throw execRefusal(status)
}

/** A Failure without an exit status. */
function execRefusal(status: unknown): ImpoundError {
  const message = statusMessage(status)
  if (isRefusal(message)) return new ImpoundError('target-refused', `The container can't run it: ${message}.`)
  const httpStatus = asNumber(at(status, 'code'))
  return new ImpoundError('server', `The exec failed: ${message || 'no reason given'}.`, {
    ...(httpStatus === undefined ? {} : { httpStatus }),
  })
}

/** Whether a message says that the container, not the way to it, is what failed. */
export function isRefusal(message: string): boolean {
  return REFUSED.test(message)
}

function exitCode(status: unknown): number | undefined {
  const cause = asArray(at(status, 'details', 'causes')).find((one) => at(one, 'reason') === 'ExitCode')
  const text = asString(at(cause, 'message')) ?? ''
  return /^\d{1,3}$/.test(text) ? Number(text) : undefined
}
