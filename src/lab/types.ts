import type { Writable } from 'node:stream'

import type { JsonObject } from '../model/json.js'
import type { LabLogLine } from './log-line.js'
import type { Inside } from './shop/container/inside.js'

/** What a process in a lab container did: it ran to an exit status, or the runtime could not start it. */
export type LabExecResult =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'unstartable'; readonly message: string }

/** The inside of one container of the lab. */
export interface LabContainer {
  /** Runs a program of the container's; honours the backpressure of its sinks and the signal. */
  exec(
    argv: readonly string[],
    stdout: Writable,
    stderr: Writable,
    signal: AbortSignal,
  ): Promise<LabExecResult>
  /**
   * The newest log file as the kubelet would send it, a line each: RFC 3339 time with nanoseconds, a space, the bytes.
   * Undefined where there was no such run.
   */
  log(previous: boolean): readonly LabLogLine[] | undefined
  /** What it is made of, for who looks at it from its node. */
  readonly inside?: Inside
}

/** What the kubelets of the lab run: the container behind a pod object, also of a pod that a controller just made. */
export interface LabRuntime {
  container(pod: JsonObject, name: string): LabContainer | undefined
}

/** An image of the lab's registry: documents and layers as their bytes, by digest. */
export interface LabImage {
  /** 'shop/web', without host. */
  readonly repository: string
  readonly tags: Readonly<Record<string, string>>
  readonly manifests: ReadonlyMap<string, { readonly mediaType: string; readonly bytes: Buffer }>
  readonly blobs: ReadonlyMap<string, Buffer>
}

/** What a lab starts with. */
export interface LabSeed {
  /** Complete API objects with apiVersion, kind, metadata (uid included), spec, status. */
  readonly objects: readonly JsonObject[]
  readonly runtime: LabRuntime
  readonly images: readonly LabImage[]
  readonly suspect: { readonly namespace: string; readonly name: string; readonly uid: string }
}
