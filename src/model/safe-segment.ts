import { createHash } from 'node:crypto'

const SAFE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** Whether a string may be a segment of a path in the archive. */
export function isSafeSegment(segment: string): boolean {
  return SAFE.test(segment)
}

/**
 * A path segment of at most `limit` characters for a name that anybody may have chosen. A safe name that fits stays as it
 * is; another one loses what is not safe and gets eight hex digits of its SHA-256, so that two names never meet.
 */
export function safeSegment(name: string, limit = 63): string {
  if (isSafeSegment(name) && name.length <= limit) return name
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8)
  const readable = name
    .replaceAll(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, limit - 9)
  return readable === '' ? digest : `${readable}-${digest}`
}
