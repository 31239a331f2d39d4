/** Who acquired what, where, with which tool: line 0 of the acquisition log and data/scene.json. */
export interface Scene {
  readonly schema: 'impound/scene/v1'
  readonly case: string
  /** Made for this run: '20261122T030033Z-1f3a9c02', its start and four random bytes. */
  readonly run: string
  readonly command: string
  readonly who: {
    /** As the API server knows us (SelfSubjectReview); undefined where the server has no such API. */
    readonly user?: string
    readonly groups?: readonly string[]
    readonly impersonating?: string
    readonly osUser: string
    readonly hostname: string
    readonly examiner?: string
    readonly authority?: string
  }
  readonly where: {
    readonly context: string
    /** Without credentials. */
    readonly server: string
    /** metadata.uid of the namespace kube-system: the nearest thing to a cluster's identity. */
    readonly clusterUid?: string
    readonly version?: string
    /** SHA-256 (hex) of each certificate that the API server showed, leaf first. */
    readonly tlsChainSha256?: readonly string[]
  }
  readonly tool: {
    readonly name: 'impound'
    readonly version: string
    /** SHA-256 over the installed program's files. */
    readonly digest?: string
    /** With values of flags that carry secrets left out. */
    readonly argv: readonly string[]
    readonly node: string
    readonly os: string
  }
  readonly clock: {
    /** RFC 3339, when the scene was read. */
    readonly local: string
    readonly utcOffsetMinutes: number
    /** API server minus local clock, in milliseconds, as an interval; from Date headers (whole seconds). */
    readonly apiServerOffsetMs?: { readonly min: number; readonly max: number; readonly samples: number }
    /** What the laptop says of its own NTP state; 'unknown' where it can't be asked. */
    readonly ntp: 'synchronised' | 'unsynchronised' | 'unknown'
  }
  /** What could not be had for the scene, a line each. */
  readonly missing: readonly string[]
}
