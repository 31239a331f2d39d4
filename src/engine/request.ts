import type { Allowance } from '../model/collector.js'
import type { WantedAction } from '../model/containment.js'
import type { ImageRequest } from './images.js'

/** How to reach the cluster: kubectl's flags. */
export interface ClusterRequest {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  readonly as?: string
  readonly asGroups: readonly string[]
  readonly requestTimeoutMs: number
}

/** Of the pod on a node. */
export interface NodePodWishes {
  readonly image: string
  /** Absent: one is made and removed. */
  readonly namespace?: string
}

/** What a user asked of seize, snapshot or quarantine. */
export interface CaptureRequest extends ImageRequest {
  readonly command: 'seize' | 'snapshot' | 'quarantine'
  readonly cluster: ClusterRequest
  readonly names: readonly string[]
  readonly selector?: string
  /** A pod that the API no longer has, by its UID and the node where it ran. */
  readonly gone?: { readonly uid: string; readonly node: string }
  /** Made up when absent. */
  readonly case?: string
  readonly examiner?: string
  readonly authority?: string
  /** Where the archive goes; ./<case> when absent. */
  readonly outputDirectory?: string
  readonly allow: readonly Allowance[]
  /** Processes whose memory is taken: 'PID' or 'CONTAINER/PID'. */
  readonly memory: readonly string[]
  /** Whether the node itself is looked at (--node-triage). */
  readonly nodeTriage: boolean
  /** Whether its running containers are checkpointed (--checkpoint). */
  readonly checkpoint: boolean
  readonly maxCheckpointBytes: number
  /** Whether the images are kept whole (--export-image). */
  readonly exportImage: boolean
  readonly skip: readonly string[]
  /** How a pod on a node would be made, where it may be asked for. */
  readonly nodePods?: NodePodWishes
  /** Of a container of ours in the suspect pod, where it may be asked for. */
  readonly ephemeralImage?: string
  /** Of a twin of the suspect, where one may be asked for. */
  readonly twinImage?: string
  /** Whether files are read that a listing takes for the image's. */
  readonly paranoid: boolean
  readonly keepLabels: readonly string[]
  readonly allowOutage: boolean
  /** Containment beside the quarantine, asked for by name. */
  readonly wanted: readonly WantedAction[]
  /** Delete the pods once the archive is sealed and verified; of seize alone. */
  readonly kill: boolean
  /** Most pods that one run may change. */
  readonly maxPods: number
  readonly maxLogBytes: number
  readonly maxContentBytes: number
  readonly maxImageBytes: number
  readonly stallTimeoutMs: number
  /** How long containment waits for volatile evidence. */
  readonly volatileBudgetMs: number
  /** Contain right after the API reads. */
  readonly containFirst: boolean
  readonly argv: readonly string[]
}

/** What may still be chosen at the plan. */
export interface Choices {
  readonly allow: readonly Allowance[]
  readonly containFirst: boolean
}
