import type { Json } from '../../model/json.js'

/** A value as Go's %v prints it, as some of the server's messages have it. */
export function goText(value: Json): string {
  if (value === null) return '<nil>'
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(goText).join(' ')}]`
  const entries = Object.entries(value as Readonly<Record<string, Json>>).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${entries.map(([key, member]) => `${key}:${goText(member)}`).join(' ')}]`
}
