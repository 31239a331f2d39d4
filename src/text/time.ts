/** RFC 3339 in UTC with milliseconds: '2026-11-22T03:00:33.120Z'. Throws RangeError for an invalid date. */
export function formatUtc(time: Date): string {
  return time.toISOString()
}

/** Time of day in UTC, for a line beside others of the same day: '03:00:33Z'. */
export function formatClock(time: Date): string {
  return `${time.toISOString().slice(11, 19)}Z`
}

/** An offset from UTC in minutes, east positive, as RFC 3339 writes it: '+01:00'. */
export function formatUtcOffset(minutes: number): string {
  const size = Math.abs(minutes)
  const part = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${part(size / 60)}:${part(size % 60)}`
}
