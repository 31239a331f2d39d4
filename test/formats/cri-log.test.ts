import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { CriLogReader } from '../../src/formats/cri-log.js'
import type { CriLogFacts } from '../../src/model/log-documents.js'

function read(text: string, pieces = 1 << 20): CriLogFacts {
  const reader = new CriLogReader()
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += pieces) reader.push(bytes.subarray(at, at + pieces))
  return reader.end()
}

const LINES = [
  '2026-11-27T02:11:00.1Z stdout F starting',
  '2026-11-27T02:11:00.12Z stderr P half of a long ',
  '2026-11-27T02:11:00.120000001Z stderr F line',
  '2026-11-27T02:12:07Z stdout F ',
]

describe('a log in the format of the CRI', () => {
  it('says from when to when it goes, and that it is whole', () => {
    expect(read(`${LINES.join('\n')}\n`)).toEqual({
      isCri: true,
      bytes: 166,
      lines: 4,
      malformed: 0,
      outOfOrder: 0,
      firstAt: '2026-11-27T02:11:00.1Z',
      lastAt: '2026-11-27T02:12:07Z',
      endsWithNewline: true,
      endsWithPiece: false,
    })
  })

  it('is read the same in pieces of any size', () => {
    const text = `${LINES.join('\n')}\nnot a line\n${LINES[0]!}`
    const whole = read(text)
    expect(whole).toMatchObject({ lines: 6, malformed: 1, outOfOrder: 1, endsWithNewline: false })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), (size) => {
        expect(read(text, size)).toEqual(whole)
      }),
    )
  })

  it.each([
    ['an earlier second', '2026-11-27T02:11:01Z', '2026-11-27T02:11:00Z', 1],
    ['an earlier fraction of it', '2026-11-27T02:11:00.5Z', '2026-11-27T02:11:00.49Z', 1],
    ['the same time', '2026-11-27T02:11:00.5Z', '2026-11-27T02:11:00.5Z', 0],
    ['the same moment in another zone', '2026-11-27T02:11:00Z', '2026-11-27T03:11:00+01:00', 0],
    ['an earlier moment that reads as later', '2026-11-27T02:11:00Z', '2026-11-27T03:10:00+01:00', 1],
  ])('knows %s after another', (_what, first, second, outOfOrder) => {
    expect(read(`${first} stdout F x\n${second} stdout F y\n`)).toMatchObject({ outOfOrder, malformed: 0 })
  })

  it('ends with a piece where the rest of a long line is missing', () => {
    expect(read('2026-11-27T02:11:00Z stdout P begun\n')).toMatchObject({ endsWithPiece: true })
    expect(read('2026-11-27T02:11:00Z stdout P:x begun\n')).toMatchObject({
      endsWithPiece: true,
      malformed: 0,
    })
  })

  it.each([
    ['another format', '{"log":"x\\n","stream":"stdout","time":"2026-11-27T02:11:00Z"}\n'],
    ['a stream that there is not', '2026-11-27T02:11:00Z stdin F x\n'],
    ['a tag that there is not', '2026-11-27T02:11:00Z stdout X x\n'],
    ['bytes', '\0\u0001\u{fffd}'],
  ])('is not what %s is', (_what, text) => {
    expect(read(text)).toMatchObject({ isCri: false, lines: 1, malformed: 1 })
  })

  it('has no lines where it is empty', () => {
    expect(read('')).toMatchObject({ isCri: false, lines: 0, endsWithNewline: true })
  })

  it('does not hold a line that never ends', () => {
    const reader = new CriLogReader()
    const piece = Buffer.alloc(1 << 20, 'x')
    const before = process.memoryUsage().rss
    for (let count = 0; count < 512; count += 1) reader.push(piece)
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20)
    expect(reader.end()).toMatchObject({ bytes: 512 << 20, lines: 1 })
  })
})

describe('a log that is read by its bytes where a line is like the one before', () => {
  const PATTERN =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d) (?:stdout|stderr) ([PF])(?=[: ]|$)/

  /** The slow and plain way to the same. */
  function plainly(text: string): Partial<CriLogFacts> {
    let [malformed, outOfOrder, last] = [0, 0, 0n]
    let tag = 'F'
    const times: string[] = []
    const lines = text.split('\n').slice(0, -1)
    for (const line of lines) {
      const match = PATTERN.exec(line)
      if (match === null) {
        malformed += 1
        continue
      }
      const [, second, fraction = '', zone] = match
      const time = BigInt(Date.parse(`${second!}${zone!}`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
      if (time < last) outOfOrder += 1
      last = time
      tag = match[4]!
      times.push(line.slice(0, line.indexOf(' ')))
    }
    return {
      lines: lines.length,
      malformed,
      outOfOrder,
      ...(times.length === 0 ? {} : { firstAt: times[0]!, lastAt: times.at(-1)! }),
      endsWithPiece: tag === 'P',
    }
  }

  it('says the same as if each line were read by the pattern', () => {
    const part = (...options: string[]) => fc.constantFrom(...options)
    const line = fc
      .tuple(
        part(
          '2026-11-27T02:11:00',
          '2026-11-27T23:59:59',
          '2026-11-28T02:11:00',
          '2026-11-27T02:11:0',
          'x',
          '',
        ),
        part('.1', ',2', '.123', '.12345678', '.', '', '.1234567890', '.x'),
        part('Z', '+01:00', '+01:0', ''),
        part(' ', '', '  '),
        part('stdout', 'stderr', 'stdou', 'stdin'),
        part(' F', ' P', ' X', 'F', ' '),
        part('', ' ', ':x ', 'F', '\r', ' text of a line \0 2026-11-27T02:11:00'),
      )
      .map((parts) => parts.join(''))
    const good = part(
      '2026-11-27T02:11:00.5Z stdout F x',
      '2026-11-27T02:11:00.25Z stderr P',
      '2026-11-27T02:11:00Z stdout F ',
    )
    fc.assert(
      fc.property(
        fc.array(fc.oneof(good, line), { maxLength: 30 }),
        fc.integer({ min: 1, max: 300 }),
        (lines, size) => {
          const text = lines.map((one) => `${one}\n`).join('')
          expect(read(text, size)).toMatchObject(plainly(text))
        },
      ),
      { numRuns: 500 },
    )
  })
})
