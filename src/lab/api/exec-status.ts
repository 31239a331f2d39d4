import type { JsonObject } from '../../model/json.js'

/** The last frame of an exec stream. Source: k8s.io/apimachinery, pkg/util/remotecommand; seen on 1.20. */
export function execSuccess(): JsonObject {
  return { metadata: {}, status: 'Success' }
}

export function nonZeroExit(argv: readonly string[], exitCode: number): JsonObject {
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: error executing command [${argv.join(' ')}], exit code ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  }
}

/** The process could not be started, or was lost. */
export function execFailure(message: string): JsonObject {
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  }
}
