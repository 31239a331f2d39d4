import type { Pair, Side } from './bench.js'
import { median, type Figures } from './figures.js'
import { measure, type Limits, type Sample } from './measure.js'

export interface RoundsOptions extends Limits {
  readonly rounds: number
  /** After so long no further round is begun. */
  readonly budgetMs: number
  readonly progress: (line: string) => void
}

/** Runs A B A B …, after one round that warms caches and doesn't count. Throws where the two sides didn't do the same. */
export async function runRounds(
  pair: Pair,
  options: RoundsOptions,
): Promise<{ readonly ours: Figures; readonly peer?: Figures }> {
  const ours = new SideRounds(pair.ours, options)
  const peer = pair.peer === undefined ? undefined : new SideRounds(pair.peer, options)
  const until = performance.now() + options.budgetMs
  for (let round = 0; round <= options.rounds; round += 1) {
    if (round > 1 && performance.now() > until) {
      options.progress(`no time for more than ${round - 1} rounds`)
      break
    }
    const [first, second] = [await ours.once(round > 0), await peer?.once(round > 0)]
    if (first !== undefined && second !== undefined && first !== second)
      throw new Error(`the two sides did not do the same: ${first} and ${second}`)
  }
  return { ours: ours.figures(), ...(peer === undefined ? {} : { peer: peer.figures() }) }
}

class SideRounds {
  readonly #side: Side
  readonly #options: RoundsOptions
  readonly #samples: Sample[] = []
  readonly #values: Readonly<Record<string, number>>[] = []
  #note: string | undefined

  constructor(side: Side, options: RoundsOptions) {
    this.#side = side
    this.#options = options
  }

  /** What the run says that has to be the same on both sides. */
  async once(counts: boolean): Promise<string | undefined> {
    const run = await this.#side.next()
    const sample = await measure(run, this.#options)
    const outcome = await run.after?.(sample.stdout)
    this.#note = outcome?.note ?? this.#note
    if (counts) {
      this.#samples.push({ ...sample, stdout: '' })
      this.#values.push(outcome?.values ?? {})
    }
    this.#options.progress(
      `${this.#side.label}: ${sample.seconds.toFixed(3)} s${counts ? '' : ' (warming up)'}`,
    )
    return outcome?.same
  }

  figures(): Figures {
    const seconds = this.#samples.map((sample) => sample.seconds)
    const cpu = this.#samples.flatMap(({ cpuSeconds }) => cpuSeconds ?? [])
    const rss = this.#samples.flatMap(({ rssMiB }) => rssMiB ?? [])
    const names = Object.keys(this.#values[0] ?? {})
    const values = names.map((name) => [name, this.#values.map((round) => round[name] ?? NaN)] as const)
    return {
      label: this.#side.label,
      medianSeconds: median(seconds),
      seconds,
      ...(cpu.length === 0 ? {} : { medianCpuSeconds: median(cpu) }),
      ...(rss.length === 0 ? {} : { peakRssMiB: Math.max(...rss) }),
      ...(this.#note === undefined ? {} : { note: this.#note }),
      ...(values.length === 0 ? {} : { values: Object.fromEntries(values) }),
    }
  }
}
