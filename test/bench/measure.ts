import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { Run } from './bench.js'

/** GNU time: asks the kernel for one process, and is so small itself that it leaves no trace in the peak. */
const TIME = '/usr/bin/time'
const MAX_STDOUT = 16 << 20
const MAX_STDERR = 500

export const canMeasureMemory = existsSync(TIME)

export interface Sample {
  readonly seconds: number
  readonly cpuSeconds?: number
  readonly rssMiB?: number
  readonly stdout: string
}

export interface Limits {
  readonly scratch: string
  readonly timeoutMs: number
  /** What starting a process that does nothing takes here; taken off the time from start to exit. */
  readonly startSeconds: number
  readonly signal: AbortSignal
}

/** Runs it to its end. Throws where it fails, takes too long, or is interrupted; then its whole process group is ended. */
export async function measure(run: Run, limits: Limits): Promise<Sample> {
  const usage = join(limits.scratch, 'usage')
  const timed = ['-q', '-f', '%M %U %S', '-o', usage, run.command, ...run.args]
  const [command, args] = canMeasureMemory ? [TIME, timed] : [run.command, run.args]
  const file = run.stdoutFile === undefined ? undefined : await open(run.stdoutFile, 'w')
  try {
    const env = { ...process.env, ...run.env }
    const { seconds, stdout, status, stderr } = await toEnd(command, args, env, file?.fd, limits)
    if (!(run.accepts ?? [0]).includes(status))
      throw new Error(`${[run.command, ...run.args].join(' ')} ended with ${status}: ${stderr.trim()}`)
    return {
      seconds: run.saysSeconds === true ? said(stdout) : seconds - limits.startSeconds,
      ...(canMeasureMemory ? readUsage(await readFile(usage, 'utf8')) : {}),
      stdout,
    }
  } finally {
    await file?.close()
    await rm(usage, { force: true })
  }
}

interface Ended {
  readonly seconds: number
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

function toEnd(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdoutFd: number | undefined,
  { timeoutMs, signal }: Limits,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const started = performance.now()
    // a group of its own, so that a pipeline can be ended whole
    const child = spawn(command, args, { env, stdio: ['ignore', stdoutFd ?? 'pipe', 'pipe'], detached: true })
    const end = (): void => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGKILL')
    }
    const timer = setTimeout(end, timeoutMs)
    signal.addEventListener('abort', end, { once: true })
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < MAX_STDOUT) stdout += text
    })
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (stderr = (stderr + text).slice(-MAX_STDERR)))
    child.on('error', reject)
    child.on('close', (status) => {
      const seconds = (performance.now() - started) / 1000
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      if (signal.aborted) reject(signal.reason as Error)
      else if (status === null) reject(new Error(`${command} ${args.join(' ')} was ended by a signal`))
      else resolve({ seconds, status, stdout, stderr })
    })
  })
}

function said(stdout: string): number {
  const { seconds } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { readonly seconds: number }
  return seconds
}

function readUsage(text: string): { readonly cpuSeconds: number; readonly rssMiB: number } {
  const [kib, user, system] = (text.trimEnd().split('\n').at(-1) ?? '').split(' ').map(Number)
  return { cpuSeconds: (user ?? NaN) + (system ?? NaN), rssMiB: (kib ?? NaN) / 1024 }
}

/** The least time that a process takes to start and end, measured as everything else is. */
export async function startSeconds(limits: Omit<Limits, 'startSeconds'>): Promise<number> {
  let least = Infinity
  for (let round = 0; round < 9; round += 1) {
    const { seconds } = await measure({ command: 'true', args: [] }, { ...limits, startSeconds: 0 })
    least = Math.min(least, seconds)
  }
  return least
}
