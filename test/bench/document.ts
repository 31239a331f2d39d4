import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { format, resolveConfig } from 'prettier'

import type { Bench, Goal } from './bench.js'
import { describeGoal, median, p95, type Figures, type Verdict } from './figures.js'
import { describeMachine, type Machine } from './machine.js'

/** One bench's latest figures. */
export interface Result {
  readonly name: string
  readonly date: string
  readonly commit: string
  readonly machine: Machine
  readonly data: string
  readonly goal: Goal
  readonly ours: Figures
  readonly peer?: Figures
  readonly verdict: Verdict
}

interface BenchmarksDocument {
  readonly schema: 'impound/benchmarks/v1'
  readonly results: readonly Result[]
}

/** Puts a result in the place of the bench's earlier one in docs/benchmarks.json, and writes docs/benchmarks.md anew. */
export async function keep(root: string, benches: readonly Bench[], result: Result): Promise<void> {
  const file = join(root, 'docs/benchmarks.json')
  const before = await readResults(file)
  const results = benches.flatMap(({ name }) =>
    name === result.name ? result : (before.find((earlier) => earlier.name === name) ?? []),
  )
  const document: BenchmarksDocument = { schema: 'impound/benchmarks/v1', results }
  await writeFormatted(file, JSON.stringify(document))
  await writeFormatted(join(root, 'docs/benchmarks.md'), markdown(benches, results))
}

async function readResults(file: string): Promise<readonly Result[]> {
  try {
    return (JSON.parse(await readFile(file, 'utf8')) as BenchmarksDocument).results
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

async function writeFormatted(file: string, text: string): Promise<void> {
  await writeFile(file, await format(text, { ...(await resolveConfig(file)), filepath: file }))
}

export function markdown(benches: readonly Bench[], results: readonly Result[]): string {
  const find = (bench: Bench): Result | undefined => results.find(({ name }) => name === bench.name)
  return [
    '# Benchmarks',
    '',
    'Made by `npm run bench`, which writes this file and [benchmarks.json](benchmarks.json), where each round stands.',
    'Rounds run in pairs, impound and its peer in turns, on the same data, after one that does not count; the table has their medians.',
    'Memory is the peak of the biggest process over all rounds, as the kernel counted it. `load` is the load average of the minute before: where it is',
    'near the number of cores or above, other work took its part, and only the ratios say something.',
    '',
    '| bench | data | impound | peer | ratio | goal | met | memory | rounds | load |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...benches.flatMap((bench) => {
      const result = find(bench)
      return result === undefined ? [] : row(bench, result)
    }),
    '',
    '## What is compared',
    '',
    ...benches.flatMap((bench) => [`- **${bench.name}**: ${bench.about} ${whereAndWhen(find(bench))}`]),
    '',
    '## To run them',
    '',
    'All: `npm run bench`. Some: `npm run bench -- seal tar`. Others than the usual number of rounds: `--rounds 9`. A look that writes nothing, with less',
    'data: `--quick`. A bench without its programs or its cluster is skipped and says what it needs.',
    '',
  ].join('\n')
}

function row(bench: Bench, { data, ours, peer, goal, verdict, machine }: Result): string {
  const cells = [
    `${bench.name}: ${bench.title}`,
    data,
    side(ours),
    peer === undefined ? '' : `${peer.label}: ${side(peer)}`,
    verdict.ratio?.toFixed(2) ?? '',
    describeGoal(goal),
    verdict.met ? 'yes' : '**no**',
    [ours, ...(peer === undefined ? [] : [peer])].map(memory).join(' / '),
    String(ours.seconds.length),
    machine.load.toFixed(1),
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function side({ medianSeconds, seconds: all, note, values = {} }: Figures): string {
  const more = Object.entries(values).map(([name, rounds]) => `; ${name}: ${spread(rounds)}`)
  const highest = more.length === 0 ? '' : `, p95 ${seconds(p95(all))}`
  return `${seconds(medianSeconds)}${highest}${note === undefined ? '' : `, ${note}`}${more.join('')}`
}

function spread(rounds: readonly number[]): string {
  const word = rounds.every(Number.isInteger) ? String : seconds
  return `${word(median(rounds))}, p95 ${word(p95(rounds))}`
}

function memory({ peakRssMiB }: Figures): string {
  return peakRssMiB === undefined ? 'not measured' : `${Math.round(peakRssMiB)} MiB`
}

export function seconds(value: number): string {
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(2)} s`
}

function whereAndWhen(result: Result | undefined): string {
  if (result === undefined) return 'Not measured yet.'
  return `Measured ${result.date.slice(0, 10)} at ${result.commit} on ${describeMachine(result.machine)}.`
}
