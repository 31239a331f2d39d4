import { Errors } from '@oclif/core'

import { exitStatusOf, ImpoundError, messageOf } from '../model/errors.js'
import { EXIT, type ExitStatus } from '../model/exit.js'
import { forTerminal } from '../text/terminal.js'

/** The document of an error under --json. */
export interface FailureDocument {
  readonly schema: 'impound/error/v1'
  readonly exitStatus: ExitStatus
  readonly error: { readonly code: string; readonly message: string; readonly hints: readonly string[] }
}

/** Lines of oclif's that say nothing of their own. */
const NOISE = /^(?:The following errors? occurred:|See more help with --help)$/

/** Any error as ours; what oclif says of flags and arguments is a usage error. */
export function asImpoundError(error: unknown): ImpoundError {
  if (error instanceof ImpoundError) return error
  if (error instanceof Errors.CLIError) {
    const lines = error.message.split('\n').map((line) => line.trim())
    const [first = 'wrong usage', ...hints] = lines.filter((line) => line !== '' && !NOISE.test(line))
    return new ImpoundError('usage', first, { cause: error, hints: [...hints, 'see --help'] })
  }
  return new ImpoundError('bug', `a fault of impound: ${messageOf(error)}`, {
    cause: error,
    hints: ['please report it, with the lines that IMPOUND_DEBUG=1 shows'],
  })
}

export function failureDocument(error: ImpoundError): FailureDocument {
  return {
    schema: 'impound/error/v1',
    exitStatus: exitStatusOf(error),
    error: { code: error.code, message: error.message, hints: error.hints },
  }
}

/** What is wrong, then what to do, a line each. */
export function failureLines(error: ImpoundError): readonly string[] {
  return [`impound: ${forTerminal(error.message)}`, ...error.hints.map((hint) => `  ${forTerminal(hint)}`)]
}

/** How a failure is told: lines on stderr, or a document on stdout. */
export type FailureForm = 'text' | 'json' | 'json-lines'

/** From the words of the command line, since a failure may come before they are parsed. */
export function wantedForm(argv: readonly string[]): FailureForm {
  if (argv.includes('--json-lines')) return 'json-lines'
  return argv.includes('--json') ? 'json' : 'text'
}

/** Prints the failure where it belongs and says the status that the process ends with. */
export function reportFailure(thrown: unknown, form: FailureForm): ExitStatus {
  const error = asImpoundError(thrown)
  if (form === 'text') process.stderr.write(`${failureLines(error).join('\n')}\n`)
  else {
    const document = JSON.stringify(failureDocument(error), null, form === 'json' ? 2 : undefined)
    process.stdout.write(`${document}\n`)
  }
  if (process.env['IMPOUND_DEBUG'] === '1') process.stderr.write(`${debugLines(thrown)}\n`)
  return error.code === 'aborted' ? EXIT.interrupted : exitStatusOf(error)
}

function debugLines(thrown: unknown): string {
  const lines: string[] = []
  for (let error = thrown; error instanceof Error; error = error.cause)
    lines.push(error.stack ?? error.message)
  return lines.map((line) => forTerminal(line, { singleLine: false, maxLength: 20_000 })).join('\ncaused by ')
}
