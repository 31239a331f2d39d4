/** One request as the lab's audit log has it. */
export interface LabRequest {
  readonly at: string
  readonly method: string
  /** Path with query, as sent. */
  readonly path: string
  /** After impersonation; empty where authentication failed. */
  readonly user: string
  readonly auditId: string
  /** Of the answer; 101 for a stream that was opened, 0 where a fault swallowed the answer before it had one. */
  readonly status: number
  readonly dryRun: boolean
  /** The beginning of what the client sent, at most 4,096 characters. */
  readonly body: string
  /** The kind of the fault that struck. */
  readonly fault?: string
}

export type OpenRequest = { -readonly [Key in keyof LabRequest]: LabRequest[Key] }

const BODY_SHOWN = 4096

export function shownBody(body: Buffer): string {
  return body.subarray(0, BODY_SHOWN).toString()
}
