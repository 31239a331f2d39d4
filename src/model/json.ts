/** Parsed JSON, before anybody has looked at its shape. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** The value if it is an object (not null, not an array), else undefined. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined
}

/** The value if it is an array, else an empty one. */
export function asArray(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : []
}

/** The value if it is a string, else undefined. */
export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The value if it is a finite number, else undefined. */
export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** The value below a path of own keys, undefined where anything on the way is missing. Never throws. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current: unknown = value
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined
    current = (current as Record<string | number, unknown>)[key]
  }
  return current
}

/** A map of strings, as labels and annotations are; entries that are no strings are dropped. */
export function asStringMap(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(asObject(value) ?? {})
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
