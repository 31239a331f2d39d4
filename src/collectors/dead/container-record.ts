/** A container of the pod of which a runtime on the node still has a record, and where its layers lie. */
export interface ContainerRecord {
  readonly runtime: 'containerd' | 'docker' | 'cri-o'
  readonly id: string
  /** As the pod's spec named it. */
  readonly name: string
  readonly image?: string
  /** Paths of the node: what it wrote, and its image's layers, the topmost first. */
  readonly layers?: { readonly upper: string; readonly lowers: readonly string[] }
  /** Why its layers are not known. */
  readonly why?: string
}

/** More layers than overlayfs can put together. */
export const MOST_LAYERS = 500
