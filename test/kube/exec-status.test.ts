import { describe, expect, it } from '@jest/globals'

import { readExecStatus } from '../../src/kube/exec-status.js'
import { ImpoundError } from '../../src/model/errors.js'

const ID = 'ab'.repeat(32)
const WRAPPED = `Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "${ID}": OCI runtime exec failed: exec failed: `

function refusal(message: string): ImpoundError {
  try {
    readExecStatus({ status: 'Failure', message, reason: 'InternalError', code: 500 })
  } catch (error) {
    if (error instanceof ImpoundError) return error
  }
  throw new Error('it was no refusal')
}

describe('a program that can not be started', () => {
  it.each<[string, string]>([
    [
      `${WRAPPED}unable to start container process: exec: "sh": executable file not found in $PATH: unknown`,
      'There is no "sh" in the container (executable file not found in $PATH).',
    ],
    [
      `${WRAPPED}container_linux.go:380: starting container process caused: exec: "sh": executable file not found in $PATH: unknown`,
      'There is no "sh" in the container (executable file not found in $PATH).',
    ],
    [
      `${WRAPPED}unable to start container process: exec: "/bin/a: b": stat /bin/a: b: no such file or directory: unknown`,
      'There is no "/bin/a: b" in the container (no such file or directory).',
    ],
    [
      `${WRAPPED}unable to start container process: exec: "/etc/passwd": permission denied: unknown`,
      'The container can\'t run "/etc/passwd": permission denied.',
    ],
    [
      'command terminated: rpc error: code = Unknown desc = OCI runtime exec failed: exec failed: executable file `sh` not found in $PATH: No such file or directory',
      'There is no "sh" in the container (executable file not found in $PATH).',
    ],
    [
      `Internal error occurred: error executing command in container: container not running (${ID})`,
      `The container is not running (container not running (${ID})).`,
    ],
    [
      `${WRAPPED}cannot exec in a stopped container: unknown`,
      'The container is not running (cannot exec in a stopped container).',
    ],
    ['exec format error', "The container can't run it: exec format error."],
  ])('is told in short of %s', (message, short) => {
    const error = refusal(message)
    expect(error.code).toBe('target-refused')
    expect(error.message).toBe(short)
    expect(String(error.cause)).toContain(message)
  })
})
