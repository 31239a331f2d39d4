/** npm run bench: compares impound with its peers. CONTRIBUTING.md and docs/benchmarks.md say how to use it. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'

import { packageRoot } from '../../src/model/package-root.js'
import type { Bench, World } from './bench.js'
import { keep, seconds, type Result } from './document.js'
import { describeGoal, judge } from './figures.js'
import { benches } from './list.js'
import { commit, describeMachine, machine } from './machine.js'
import { canMeasureMemory, startSeconds } from './measure.js'
import { runRounds } from './rounds.js'

const QUICK_ROUNDS = 3
/** Of one process. */
const TIMEOUT_MS = 300_000
/** Of one bench; a round that has begun is finished. */
const BUDGET_MS = 180_000

const USAGE = `usage: npm run bench -- [NAME...] [--rounds N] [--quick]
benches: ${benches.map(({ name }) => name).join(', ')}
--quick: ${QUICK_ROUNDS} rounds, less data, and docs/ is left as it is`

const say = (line: string): void => void process.stderr.write(`${line}\n`)

interface Choice {
  readonly chosen: readonly Bench[]
  readonly rounds: number | undefined
  readonly quick: boolean
}

/** Undefined where it can't be understood. */
function choose(argv: readonly string[]): Choice | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { rounds: { type: 'string' }, quick: { type: 'boolean', default: false } },
    })
    const unknown = positionals.filter((name) => benches.every((bench) => bench.name !== name))
    const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
    if (unknown.length > 0 || (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)))
      return undefined
    const chosen = benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
    return { chosen, rounds, quick: values.quick }
  } catch {
    return undefined
  }
}

/** Why it can't be run here, and what to do about it. */
function lacking({ programs, variables = {} }: Bench): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  for (const [program, debianPackage] of Object.entries(programs)) {
    if (!folders.some((folder) => existsSync(join(folder, program))))
      return `${program} is not installed (Debian: apt install ${debianPackage})`
  }
  for (const [variable, what] of Object.entries(variables)) {
    if ((process.env[variable] ?? '') === '') return `${variable} is not set: ${what}`
  }
  return undefined
}

async function runBench(bench: Bench, { rounds, quick }: Choice, signal: AbortSignal): Promise<Result> {
  const root = packageRoot(import.meta.dirname)
  const scratch = await mkdtemp(join(tmpdir(), 'impound-bench-'))
  const before = machine()
  try {
    const world: World = {
      root,
      built: join(root, 'dist'),
      scratch,
      quick,
      node: process.execPath,
      env: process.env,
      signal,
    }
    const limits = { scratch, timeoutMs: TIMEOUT_MS, signal }
    const pair = await bench.open(world)
    try {
      const { ours, peer } = await runRounds(pair, {
        ...limits,
        startSeconds: await startSeconds(limits),
        rounds: rounds ?? (quick ? QUICK_ROUNDS : bench.rounds),
        budgetMs: BUDGET_MS,
        progress: (line) => say(`  ${line}`),
      })
      return {
        name: bench.name,
        date: new Date().toISOString(),
        commit: commit(root),
        machine: before,
        data: pair.data,
        goal: bench.goal,
        ours,
        ...(peer === undefined ? {} : { peer }),
        verdict: judge(bench.goal, ours, peer),
      }
    } finally {
      await pair.close?.()
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function summary({ name, ours, peer, goal, verdict, machine: { load } }: Result): string {
  const sides = [ours, ...(peer === undefined ? [] : [peer])].map(
    ({ label, medianSeconds, peakRssMiB }) =>
      `${label} ${seconds(medianSeconds)}${peakRssMiB === undefined ? '' : ` ${Math.round(peakRssMiB)} MiB`}`,
  )
  const ratio = verdict.ratio === undefined ? '' : `, ratio ${verdict.ratio.toFixed(2)}`
  const word = verdict.met ? 'met' : 'MISSED'
  return `${name}: ${sides.join(', ')}${ratio}; goal ${describeGoal(goal)}: ${word} (load ${load.toFixed(1)})`
}

async function main(argv: readonly string[]): Promise<number> {
  const choice = choose(argv)
  if (choice === undefined) {
    say(USAGE)
    return 2
  }
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort(new Error('interrupted')))
  process.once('SIGTERM', () => interrupted.abort(new Error('ended')))
  say(describeMachine(machine()))
  if (!canMeasureMemory) say('memory is not measured: GNU time is not installed (Debian: apt install time)')
  const lines: string[] = []
  let failed = false
  for (const bench of choice.chosen) {
    const lack = lacking(bench)
    if (lack !== undefined) {
      lines.push(`${bench.name}: skipped, ${lack}`)
      continue
    }
    say(bench.name)
    try {
      const result = await runBench(bench, choice, interrupted.signal)
      if (!choice.quick) await keep(packageRoot(import.meta.dirname), benches, result)
      lines.push(summary(result))
    } catch (error) {
      failed = true
      lines.push(`${bench.name}: FAILED, ${error instanceof Error ? error.message : String(error)}`)
      if (interrupted.signal.aborted) break
    }
  }
  process.stdout.write(`${lines.join('\n')}\n`)
  return failed ? 1 : 0
}

process.exitCode = await main(process.argv.slice(2))
