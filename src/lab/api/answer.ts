import type { Readable } from 'node:stream'

import type { JsonObject } from '../../model/json.js'
import type { ApiStatus, PlainRefusal } from './status.js'

/** What a handler wants sent. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** A stream is sent chunked. */
  readonly body: Buffer | Readable
  /** Of a watch: the line that says that it can't go on, were it said now. */
  readonly expiry?: () => Buffer
}

/** Compact JSON and a newline, as the API server's encoder writes objects: what HTML might read is escaped. */
export function jsonAnswer(status: number, body: JsonObject): Answer {
  return {
    status,
    headers: { 'Content-Type': 'application/json' },
    body: Buffer.from(`${goJson(body)}\n`),
  }
}

/** JSON as Go's encoder writes it. */
export function goJson(value: JsonObject): string {
  const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escaped)
}

/** The version document, which the server indents and leaves without a newline. */
export function indentedAnswer(body: JsonObject): Answer {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body: Buffer.from(JSON.stringify(body, null, 2)),
  }
}

export function refusalAnswer(refusal: PlainRefusal): Answer {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8' }
  return { status: refusal.code, headers, body: Buffer.from(refusal.message) }
}

export function textAnswer(status: number, text: string): Answer {
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' },
    body: Buffer.from(text),
  }
}

export function statusAnswer(status: ApiStatus): Answer {
  const answer = jsonAnswer(status.code, status.body)
  return { ...answer, headers: { ...answer.headers, ...status.headers } }
}

/** The answer with the headers that every answer of the API server has. */
export function withServerHeaders(answer: Answer, auditId: string, date: Date): Answer {
  return {
    ...answer,
    headers: {
      'Audit-Id': auditId,
      'Cache-Control': 'no-cache, private',
      Date: date.toUTCString(),
      ...answer.headers,
    },
  }
}
