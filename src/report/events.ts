import type { EventLine } from '../model/documents.js'
import { byText, byTime } from './bounded.js'
import type { Bounded, EventRow } from './model.js'

const MOST_EVENTS = 80

/** The latest events, oldest of them first. */
export function eventsOf(events: readonly EventLine[], directory: string): Bounded<EventRow> {
  const rows = events
    .toSorted(
      (a, b) =>
        byTime(a.last, b.last) ||
        byTime(a.first, b.first) ||
        byText(a.uid, b.uid) ||
        byText(a.reason, b.reason),
    )
    .map(rowOf)
  const items = rows.slice(-MOST_EVENTS)
  return {
    items,
    total: rows.length,
    more: rows.length - items.length,
    where: `data/targets/${directory}/events.jsonl`,
  }
}

function rowOf(event: EventLine): EventRow {
  return {
    first: event.first ?? null,
    last: event.last ?? null,
    count: event.count,
    object: `${event.kind} ${event.name}`,
    type: event.type,
    reason: event.reason,
    message: event.message,
    reporter: event.reporter,
  }
}
