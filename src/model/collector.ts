import type { AccessRule, ApiPath } from './api-path.js'
import type { Phase } from './evidence.js'
import type { Json } from './json.js'
import type { KubeReader, RawResponse } from './ports/kube-reader.js'
import type { EphemeralContainers } from './ports/ephemeral.js'
import type { Journal } from './ports/kube-writer.js'
import type { NodePods } from './ports/node-pod.js'
import type { Registry } from './ports/registry.js'
import type { RunContext } from './ports/run-context.js'
import type { Sink } from './ports/sink.js'
import type { Exec, LogStream } from './ports/streams.js'
import type { Target } from './target.js'

/** Of what may be started in the cluster, what reads a pod's containers. */
export type Way = 'exec' | 'ephemeral' | 'node'

/** What may be started in the cluster: --allow. */
export type Allowance = Way | 'twin'

/** What a collector does to the cluster at most. */
export type Impact = 'read' | Way

export interface CollectOptions {
  readonly allow: ReadonlySet<Allowance>
  /** Collector names to leave out (--skip). */
  readonly skip: ReadonlySet<string>
  readonly stallTimeoutMs: number
  /** Most bytes of one log, and of changed files' content for one container. */
  readonly maxLogBytes: number
  readonly maxContentBytes: number
  /** Of the layers of one image that is exported, as stored. */
  readonly maxImageBytes?: number
  /** Whether files are read that seem to be the image's by all that a listing says (--paranoid). */
  readonly paranoid?: boolean
  /** Processes whose memory is taken (--memory): 'PID' or 'CONTAINER/PID', as the container numbers them. */
  readonly memory?: readonly string[]
  /** Most bytes of the checkpoint of one container (--max-checkpoint). */
  readonly maxCheckpointBytes?: number
  /** Whether the Secrets that the pod's images are pulled with may be read, and shown to registries (--use-pull-secrets). */
  readonly usePullSecrets: boolean
}

/** A response that is already kept in the archive, and its body parsed from the bytes as kept (redacted). */
export interface RecordedRead {
  /** Archive path of the body: what `derivedFrom` names. */
  readonly artefact: string
  readonly response: Omit<RawResponse, 'body'>
  readonly json: Json
}

/** Reads that leave their bodies in the archive, page by page. The same read twice in a run is answered from the first. */
export interface RecordingReader {
  get(path: ApiPath | string, query?: Readonly<Record<string, string>>): Promise<RecordedRead>
  /** Every page; throws as KubeReader does, the pages before the failure being kept. */
  list(path: ApiPath | string, query?: Readonly<Record<string, string>>): Promise<readonly RecordedRead[]>
  readonly discover: KubeReader['discover']
}

/** What collectors of the same target left: derived documents by name ('pod.json'). */
export interface CaseView {
  document(name: string): Promise<unknown>
  /** What was kept of an artefact, by its archive path. Throws `not-found`. */
  content(path: string): AsyncIterable<Buffer>
}

export interface CollectContext {
  readonly run: RunContext
  readonly phase: Phase
  readonly options: CollectOptions
  readonly api: RecordingReader
  /** Asks anew every time: for what may have changed since the plan. */
  readonly now: RecordingReader
  /** Of the target alone: where its name has gone to another pod they throw `target-changed`. */
  readonly logs: LogStream
  readonly exec: Exec
  readonly nodePods: NodePods
  /** Beside containers of the target alone. */
  readonly ephemerals: EphemeralContainers
  readonly registry: Registry
  /** For what changes the node by a script, and so goes past the API's writer. */
  readonly journal: Journal
  readonly case: CaseView
  /** Bytes so far of the artefact in hand, for the progress line. */
  progress(subject: string, bytes: number): void
}

/**
 * Takes one kind of evidence of one target. It writes into the sink; it never hashes, times out, retries or decides what
 * a failure means: the engine does, the same way for all. What it throws is a row in the ledger.
 */
export interface Collector {
  readonly name: string
  /** One line for the plan, the README and --help. */
  readonly summary: string
  readonly phases: readonly Phase[]
  requirements(
    options: CollectOptions,
    target: Target,
  ): {
    readonly access: readonly AccessRule[]
    readonly impact: Impact
    /** Where there is more than one way: what any one of which must be allowed, best first. Absent: the impact alone. */
    /** What it does to pod and node beyond being there, a line each. */
    readonly disturbs?: readonly string[]
    readonly ways?: readonly Way[]
  }
  collect(context: CollectContext, target: Target, sink: Sink): Promise<void>
}
