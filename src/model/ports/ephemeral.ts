import type { ContainerRef } from './streams.js'

/** A container of ours in the suspect pod, in the PID namespace of one of its containers; it runs. */
export interface EphemeralContainer {
  /** For Exec. */
  readonly where: ContainerRef
  readonly image: string
  /** root-ptrace: uid 0 with SYS_PTRACE; as-target: with the target's own security context. */
  readonly user: 'root-ptrace' | 'as-target'
}

/**
 * The ephemeral containers that we may add to the target (--allow ephemeral). One for each of its containers and run: asked for again, the
 * same one or the same refusal is given. Rejects with `refused` (not allowed), `forbidden`, `target-refused` (admission, image), `unsupported`
 * (the server has none), `target-changed`, `timeout`, `aborted`. Their programs end with the run; they stay in the pod's spec, for the API has no way to
 * remove them.
 */
export interface EphemeralContainers {
  beside(container: string, signal: AbortSignal): Promise<EphemeralContainer>
}
