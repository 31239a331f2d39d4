import { ImpoundError } from '../model/errors.js'

/** Bounds on what a packed stream may take and give; past one its reader throws `too-big`. */
export interface ExpansionLimits {
  /** Of the source, as stored. */
  readonly storedBytes: number
  /** Of everything in it together, inflated. */
  readonly outputBytes: number
  /** Inflated to stored, once 16 MiB have been inflated. */
  readonly ratio: number
}

export const EXPANSION: ExpansionLimits = { storedBytes: 2 ** 42, outputBytes: 2 ** 42, ratio: Infinity }

const RATIO_FROM = 16 << 20

/** The part of a chunk that the bound on output leaves, `outputBytes` having gone before. */
export function withinOutput(chunk: Buffer, outputBytes: number, bounds: ExpansionLimits): Buffer {
  return chunk.subarray(0, Math.max(0, bounds.outputBytes - outputBytes))
}

/** Throws `too-big` where what was inflated so far passes a bound. `format` opens the message. */
export function checkExpansion(
  format: string,
  outputBytes: number,
  storedBytes: number,
  bounds: ExpansionLimits,
): void {
  if (outputBytes > bounds.outputBytes) {
    throw new ImpoundError('too-big', `${format}: more than ${bounds.outputBytes} bytes when inflated`)
  }
  if (outputBytes > RATIO_FROM && outputBytes > storedBytes * bounds.ratio) {
    throw new ImpoundError('too-big', `${format}: inflates to more than ${bounds.ratio} times its size`)
  }
}
