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
