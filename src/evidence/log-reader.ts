import { createReadStream } from 'node:fs'

import { readLines } from '../formats/jsonl.js'
import type { LogLine } from '../model/acquisition.js'
import { isCode } from '../model/errors.js'
import { asObject } from '../model/json.js'
import { EMPTY_CHAIN, lineHash, type ChainState } from './acquisition-log.js'

export interface LogEnd {
  readonly chain: ChainState
  /** Length of what is whole: the rest of the file is torn or does not chain. */
  readonly wholeBytes: number
}

/** Reads a log as far as it is whole and chained. The rest, if any, is the caller's to keep. */
export async function readChain(file: string, observe: (line: LogLine) => void): Promise<LogEnd> {
  let { lines, head } = EMPTY_CHAIN
  let wholeBytes = 0
  try {
    for await (const { raw, text, torn } of readLines(createReadStream(file))) {
      const line = torn ? undefined : chainedLine(text, lines, head)
      if (line === undefined) break
      observe(line)
      lines += 1
      head = lineHash(raw)
      wholeBytes += raw.length
    }
  } catch (error) {
    // an endless line is no line of ours: what stands before it is whole
    if (!isCode(error, 'too-big')) throw error
  }
  return { chain: { lines, head }, wholeBytes }
}

function chainedLine(text: Buffer, seq: number, prev: string): LogLine | undefined {
  try {
    const line = asObject(JSON.parse(text.toString('utf8')))
    return line?.['seq'] === seq && line['prev'] === prev ? (line as unknown as LogLine) : undefined
  } catch {
    return undefined
  }
}
