/** Somebody the API server has authenticated. */
export interface User {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
}
