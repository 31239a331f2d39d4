import { EphemeralSet } from '../ephemeral/index.js'
import { ImpoundError } from '../model/errors.js'
import type { EphemeralContainers } from '../model/ports/ephemeral.js'
import type { Target } from '../model/target.js'
import type { Spool } from '../evidence/index.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { PreparedRun } from './prepare.js'
import type { Progress } from './progress.js'
import type { Choices } from './request.js'

/** The ephemeral containers of one target, and their end. */
export interface TargetEphemerals {
  readonly containers: EphemeralContainers
  close(): Promise<void>
}

const NONE_ALLOWED: TargetEphemerals = {
  containers: {
    beside: () =>
      Promise.reject(
        new ImpoundError('refused', 'an ephemeral container is not allowed', {
          hints: ['--allow ephemeral adds one; it stays in the pod’s spec'],
        }),
      ),
  },
  close: () => Promise.resolve(),
}

interface RunOfTarget {
  readonly prepared: PreparedRun
  readonly choices: Choices
  readonly spool: Spool
  readonly soft: RunContext
  readonly progress: Progress
}

/** Adds none before one is asked for. */
export function ephemeralsOf(target: Target, of: RunOfTarget): TargetEphemerals {
  const { prepared, choices, spool, soft, progress } = of
  const image = prepared.request.ephemeralImage
  if (!choices.allow.includes('ephemeral') || image === undefined) return NONE_ALLOWED
  const { kube, scene } = prepared
  const set = new EphemeralSet(
    target,
    image,
    scene.run,
    {
      kube: kube.reader,
      writer: kube.writer(spool.journal),
      exec: kube.exec,
      notice: (text) => progress({ type: 'notice', text }),
    },
    soft,
  )
  return { containers: set, close: () => set.close() }
}
