const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A span in milliseconds for people, two units at most: '340 ms', '2.4 s', '13 s', '3 min 20 s', '2 h 5 min', '6 d 4 h'. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return 'unknown time'
  if (ms < 0) return `-${formatDuration(-ms)}`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9.95 * SECOND) return `${(ms / SECOND).toFixed(1)} s`
  const seconds = Math.round(ms / SECOND) * SECOND
  if (seconds < MINUTE) return `${seconds / SECOND} s`
  if (seconds < HOUR) return two(seconds, MINUTE, 'min', SECOND, 's')
  const minutes = Math.round(ms / MINUTE) * MINUTE
  if (minutes < DAY) return two(Math.max(minutes, HOUR), HOUR, 'h', MINUTE, 'min')
  return two(Math.max(Math.round(ms / HOUR) * HOUR, DAY), DAY, 'd', HOUR, 'h')
}

function two(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = (ms % big) / small
  return `${Math.floor(ms / big)} ${bigName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`
}
