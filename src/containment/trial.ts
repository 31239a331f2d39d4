import { ImpoundError, type ErrorCode } from '../model/errors.js'

/** What says nothing about the write. */
const HARD: ReadonlySet<ErrorCode> = new Set(['aborted', 'bug', 'storage'])

/** Sends a dry run: undefined where the server would take the write or could not say, else why it would not. */
export async function trial(send: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await send()
    return undefined
  } catch (error) {
    if (!(error instanceof ImpoundError) || HARD.has(error.code)) throw error
    return refusedBy(error) ? error.message : undefined
  }
}

/**
 * Whether a dry run failed because the server would refuse the write, and not because an admission webhook can't do dry runs.
 * Source: k8s.io/apiserver, webhookerrors.NewDryRunUnsupportedErr.
 */
export function refusedBy({ code, message }: ImpoundError): boolean {
  return (code === 'forbidden' || code === 'invalid') && !message.includes('does not support dry run')
}
