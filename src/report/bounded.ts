import type { Bounded } from './model.js'

/** The first `limit` items and how many are left; `total` where there are more than were handed in. */
export function bounded<Item>(
  items: readonly Item[],
  limit: number,
  where: string,
  total = items.length,
): Bounded<Item> {
  const shown = items.slice(0, limit)
  return { items: shown, total, more: Math.max(0, total - shown.length), where }
}

/** By code units: the same order on every machine, whatever its locale. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** By the moment that RFC 3339 times name, whatever their precision and offset; by text where one is no time. */
export function byTime(a: string | undefined, b: string | undefined): number {
  const difference = Date.parse(a ?? '') - Date.parse(b ?? '')
  return Number.isNaN(difference) || difference === 0 ? byText(a ?? '', b ?? '') : difference
}

const LONGEST_STRING = 10_000

/** The same value with no string longer than a report can use: a name of a megabyte stays in the archive. */
export function clamped<Value>(value: Value): Value {
  return clampedStrings(value) as Value
}

function clampedStrings(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.length <= LONGEST_STRING ? value : `${value.slice(0, LONGEST_STRING).toWellFormed()}…`
  }
  if (Array.isArray(value)) return value.map(clampedStrings)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clampedStrings(inner)]))
}
