/** A list cut to what a reader can take in; `more` are left out and stand in `where`. */
export interface Bounded<Item> {
  readonly items: readonly Item[]
  readonly total: number
  readonly more: number
  /** Archive path of the whole list. */
  readonly where: string
}

/** Words of ours (`say`) and quoted values in turn; one of the two is the empty string. */
export interface Sentence {
  readonly parts: readonly { readonly say: string; readonly value: string }[]
}

/** A part of a report of which the evidence may be missing: then `absent` says why, and the rest is empty. */
export interface Section {
  readonly absent: Sentence | null
}
