import type { Target } from './target.js'

/** What a release would take back, and who pays for it: shown before it is done. */
export interface ReleasePlan {
  readonly schema: 'impound/release-plan/v1'
  readonly case: string
  readonly target: Pick<Target, 'namespace' | 'name' | 'uid'>
  /** 'annotation' where some of it is known from the pod alone, which others can edit: to be confirmed by a person. */
  readonly source: 'journal' | 'annotation'
  /** Undefined: the pod is there. Otherwise why its labels can't be put back. */
  readonly podGone?: string
  readonly labels: {
    readonly restore: Readonly<Record<string, string>>
    /** The quarantine label comes off, or gets back a value that it had before. */
    readonly quarantineLabel: 'leave' | 'remove' | 'reset'
  }
  readonly deletes: readonly string[]
  /** What the actions beside the quarantine take back. */
  readonly actions: readonly {
    readonly action: string
    readonly undoes: readonly string[]
    /** A pod on the node: --allow node. */
    readonly needs?: 'node'
  }[]
  /** What stays as it is because somebody else changed it since. */
  readonly left: readonly string[]
  readonly adoption: Adoption
}

/** What the owner does once it selects the pod again. */
export interface Adoption {
  /** One sentence. */
  readonly says: string
  /** The pods that it will then delete, as far as its order of choice can be told from outside; the suspect may be one. */
  readonly dies: readonly { readonly name: string; readonly uid: string; readonly why: string }[]
  readonly suspectDies: boolean
}
