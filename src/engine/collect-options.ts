import type { Allowance, CollectOptions } from '../model/collector.js'
import type { CaptureRequest, Choices } from './request.js'

/** What collectors are told of a request, with what was chosen at the plan. */
export function collectOptions(request: CaptureRequest, choices: Choices): CollectOptions {
  return {
    allow: new Set<Allowance>(choices.allow),
    skip: new Set(request.skip),
    memory: request.memory,
    stallTimeoutMs: request.stallTimeoutMs,
    maxLogBytes: request.maxLogBytes,
    maxContentBytes: request.maxContentBytes,
    maxCheckpointBytes: request.maxCheckpointBytes,
    maxImageBytes: request.maxImageBytes,
    paranoid: request.paranoid,
    usePullSecrets: request.usePullSecrets,
  }
}
