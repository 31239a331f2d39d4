import type { JsonObject } from '../../model/json.js'

/**
 * The last frame of an exec stream. The kubelet writes it for v4; for v5 the API server translates what the kubelet told it,
 * in words of its own.
 * Source: k8s.io/kubelet, remotecommand, seen on 1.20; k8s.io/apimachinery, httpstream, stream translator.
 */
export interface ExecStatus {
  success(): JsonObject
  exited(argv: readonly string[], exitCode: number): JsonObject
  /** The process could not be started, or was lost. */
  failed(message: string): JsonObject
}

export function execStatus(protocol: string): ExecStatus {
  const translated = protocol.startsWith('v5.')
  return {
    success: () => ({ metadata: {}, status: 'Success' }),
    exited: (argv, exitCode) => {
      const what = translated
        ? `command terminated with exit code ${exitCode}`
        : `error executing command [${argv.join(' ')}], exit code ${exitCode}`
      return {
        metadata: {},
        status: 'Failure',
        message: `command terminated with non-zero exit code: ${what}`,
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
      }
    },
    failed: (message) => internalError(translated ? `Internal error occurred: ${message}` : message),
  }
}

export function internalError(message: string): JsonObject {
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  }
}
