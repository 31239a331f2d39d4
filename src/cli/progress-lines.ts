import ora from 'ora'

import type { Progress, ProgressEvent } from '../engine/progress.js'
import { formatBytes } from '../text/bytes.js'
import { formatDuration } from '../text/duration.js'
import { forTerminal } from '../text/terminal.js'
import { formatClock } from '../text/time.js'

/** Shows a run's progress on stderr: a line for each thing that ended and, in a terminal, what is under way. */
export interface ProgressView {
  readonly progress: Progress
  stop(): void
}

/** In a terminal a spinner line tells what moves and how fast; elsewhere plain lines alone. */
export function progressView(stream: NodeJS.WriteStream, now: () => Date): ProgressView {
  const spinner = ora({
    stream,
    isEnabled: stream.isTTY,
    discardStdin: false,
    hideCursor: false,
    isSilent: !stream.isTTY,
  })
  const moving = new Map<string, Moving>()
  const say = (text: string): void => {
    const line = `${formatClock(now())}  ${forTerminal(text)}\n`
    if (spinner.isSpinning) {
      spinner.clear()
      stream.write(line)
      spinner.render()
    } else stream.write(line)
  }
  return {
    progress(event) {
      const line = lineOf(event)
      if (line !== undefined) say(line)
      if (event.type === 'phase' && !spinner.isSpinning) spinner.start()
      if (event.type === 'collector') forget(moving, `${event.target} ${event.collector} `)
      if (event.type === 'bytes') note(moving, event, now().getTime())
      spinner.text = [...moving.values()].map((one) => describe(one, now().getTime())).join('   ')
    },
    stop: () => void spinner.stop(),
  }
}

interface Moving {
  readonly subject: string
  readonly since: number
  bytes: number
}

function note(
  moving: Map<string, Moving>,
  event: ProgressEvent & { readonly type: 'bytes' },
  now: number,
): void {
  const key = `${event.target} ${event.collector} ${event.subject}`
  const one = moving.get(key) ?? { subject: event.subject, since: now, bytes: 0 }
  moving.set(key, { ...one, bytes: event.bytes })
}

function forget(moving: Map<string, Moving>, prefix: string): void {
  for (const key of moving.keys()) if (key.startsWith(prefix)) moving.delete(key)
}

function describe({ subject, since, bytes }: Moving, now: number): string {
  const rate = now > since ? `, ${formatBytes((bytes * 1000) / (now - since))}/s` : ''
  return forTerminal(`${subject} ${formatBytes(bytes)}${rate}`, { maxLength: 60 })
}

function lineOf(event: ProgressEvent): string | undefined {
  switch (event.type) {
    case 'phase':
      return (
        {
          read: 'reading the API',
          volatile: 'taking volatile evidence',
          contain: 'CONTAINING',
          contained: 'looking again',
          slow: 'taking slow evidence',
          seal: 'sealing',
          verify: 'reading the archive back',
          kill: 'DELETING THE POD',
        }[event.phase] + (event.target === undefined ? '' : `  ${event.target}`)
      )
    case 'collector': {
      const bytes = event.rows.reduce((sum, row) => sum + (row.bytes ?? 0), 0)
      const counts = (['collected', 'partial', 'failed', 'skipped'] as const)
        .map((status) => ({ status, count: event.rows.filter((row) => row.status === status).length }))
        .filter(({ count }) => count > 0)
        .map(({ status, count }) => `${count} ${status}`)
      return `${event.target}  ${event.collector.padEnd(10)} ${counts.join(', ') || 'nothing to take'}  ${formatBytes(bytes)}`
    }
    case 'contained':
      return `${event.target}  accepted by the API after ${formatDuration(event.afterMs)}`
    case 'notice':
      return event.text
    case 'bytes':
      return undefined
  }
}

/** One line for a script: --json-lines. */
export function progressDocument(event: ProgressEvent, at: Date): string {
  return `${JSON.stringify({ schema: 'impound/progress/v1', at: at.toISOString(), ...event })}\n`
}
