/** nodes/<node>.json: what a node is, as the pod of ours on it saw, and what its image lacks. */
export interface NodeDocument {
  readonly schema: 'impound/node/v1'
  readonly derivedFrom: readonly string[]
  readonly node: string
  readonly pod: { readonly namespace: string; readonly name: string; readonly image: string }
  readonly kernel?: string
  readonly machine?: string
  readonly hostname?: string
  readonly os?: string
  readonly bootId?: string
  readonly cgroup?: string
  readonly bootedAt?: string
  /** The node's clock when it was asked, whole seconds. */
  readonly clock?: string
  /** A second: the unit of process start times. */
  readonly clockTicks?: number
  /** Of the filesystem that holds /var. */
  readonly freeBytes?: number
  readonly runtimeSockets: readonly string[]
  /** False: the pod is not in the host's PID namespace, and sees no process of the node's. */
  readonly seesHostProcesses: boolean
  readonly tools: readonly string[]
  /** Of what scripts on nodes need, what the image lacks: what they can't do is then missing too. */
  readonly missingTools: readonly string[]
}
