import type { Clock } from '../model/ports/run-context.js'
import type { Journal, KubeWriter } from '../model/ports/kube-writer.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { KubeWatch } from '../model/ports/kube-watch.js'
import type { Exec, LogStream } from '../model/ports/streams.js'
import type { Environment } from './kubeconfig.js'

export interface ConnectOptions {
  /** --kubeconfig; absent: KUBECONFIG, ~/.kube/config, the pod's service account. */
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  /** --as */
  readonly as?: string
  /** --as-group */
  readonly asGroups?: readonly string[]
  /** Of one request with its answer, in ms. */
  readonly requestTimeoutMs: number
  readonly clock: Clock
  readonly random: (bytes: number) => Buffer
  /** Lines for the user while waiting: a retry, what a credential plugin says. May quote hostile text. */
  readonly notice: (line: string) => void
  /** Whether credential plugins may ask at the terminal. Default false. */
  readonly interactive?: boolean
  /** Default: that of this process. */
  readonly env?: Environment
}

export interface KubeConnection {
  readonly reader: KubeReader
  writer(journal: Journal): KubeWriter
  readonly exec: Exec
  readonly logs: LogStream
  readonly watch: KubeWatch
  /** Ends what is still open. */
  close(): Promise<void>
}
