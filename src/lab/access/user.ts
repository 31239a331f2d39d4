/** Somebody the API server has authenticated. */
export interface User {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  /** What an authenticator says besides: to which pod a token is bound. */
  readonly extra?: Readonly<Record<string, readonly string[]>>
}
