import { type ErrorDetails, ImpoundError } from '../model/errors.js'
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
  const httpStatus = asNumber(at(status, 'code'))
  const details = httpStatus === undefined ? {} : { httpStatus }
  if (isRefusal(message)) return containerRefusal(message, { cause: new Error(message), ...details })
  return new ImpoundError('server', `The exec failed: ${message || 'no reason given'}.`, details)
}

/** What each layer on the way puts before, or after, the runtime's own words: API server, kubelet, containerd, runc. */
const WRAPPINGS = [
  /^GET \S+: HTTP \d+: /,
  /^internal error occurred: /i,
  /^unable to upgrade connection: /,
  /^error executing command in container: /,
  /^failed to exec in container: /,
  /^failed to (?:start|create) exec "[^"]*": /,
  /^(?:rpc error: code = \w+ desc = )/,
  /^OCI runtime exec failed: /,
  /^exec failed: /,
  /^unable to start container process: /,
  /: unknown\.?$/,
  /\.$/,
]

/** The runtime's words, short; `details` keeps the whole text. */
export function containerRefusal(message: string, details: ErrorDetails): ImpoundError {
  return new ImpoundError('target-refused', inShort(unwrapped(message)), details)
}

function unwrapped(message: string): string {
  // the Status repeats its message as a cause
  let text = message.split('; ')[0] ?? message
  for (let before = ''; before !== text;) {
    before = text
    for (const wrapping of WRAPPINGS) text = text.replace(wrapping, '')
  }
  return text
}

const NOT_RUNNING =
  /container (?:is )?not (?:found|running)|is not running|stopped|not in running state|task .*not found/i

function inShort(reason: string): string {
  const crun = /executable file `([^`]*)` not found in \$PATH/.exec(reason)
  if (crun !== null) return noSuchProgram(JSON.stringify(crun[1]), 'executable file not found in $PATH')
  const [, program, words = ''] = /\bexec: ("(?:[^"\\]|\\.)*"): (.*)$/s.exec(reason) ?? []
  if (program !== undefined) {
    const why = words.replace(/^stat .*: /s, '')
    return /not found in \$PATH|no such file or directory/.test(why)
      ? noSuchProgram(program, why)
      : `The container can't run ${program}: ${why}.`
  }
  return NOT_RUNNING.test(reason)
    ? `The container is not running (${reason}).`
    : `The container can't run it: ${reason}.`
}

function noSuchProgram(quoted: string, why: string): string {
  return `There is no ${quoted} in the container (${why}).`
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
