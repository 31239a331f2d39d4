/** Which Kubernetes the lab plays. */
export type LabVersion = '1.36' | '1.20'

export interface LabResource {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly verbs: readonly string[]
  /** Whether the server counts spec changes in metadata.generation. */
  readonly generation: boolean
  /** The table of the store; two group versions may serve one. */
  readonly table: string
  readonly subresources: readonly {
    readonly name: string
    readonly kind: string
    readonly verbs: readonly string[]
    /** Where it is of another group version than its resource. */
    readonly group?: string
    readonly version?: string
  }[]
}
