import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, it } from '@jest/globals'

import { ChainedLog, EMPTY_CHAIN, journalInto, lineHash } from '../../src/evidence/acquisition-log.js'
import { LineFile } from '../../src/evidence/line-file.js'
import { readChain } from '../../src/evidence/log-reader.js'
import type { LogLine } from '../../src/model/acquisition.js'
import { scratch, steadyClock } from './scratch.js'

async function newLog(): Promise<{
  readonly file: string
  readonly log: ChainedLog
  readonly seen: LogLine[]
}> {
  const file = join(await scratch(), 'acquisition.jsonl')
  const seen: LogLine[] = []
  const log = new ChainedLog(await LineFile.create(file), EMPTY_CHAIN, steadyClock(), (line) =>
    seen.push(line),
  )
  return { file, log, seen }
}

describe('the acquisition log', () => {
  it('orders and chains what is appended at the same time', async () => {
    const { file, log, seen } = await newLog()
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        n % 2 === 0
          ? log.append({ type: 'remark', text: `${n}` })
          : log.appendDurably({ type: 'interrupted', by: `${n}` }),
      ),
    )
    await log.close()
    const read: LogLine[] = []
    const end = await readChain(file, (line) => read.push(line))
    expect(read.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, n) => n))
    expect(read).toEqual(seen)
    expect(end).toEqual({
      chain: { lines: 50, head: log.head() },
      wholeBytes: (await readFile(file)).length,
    })
  })

  it('writes compact JSON with seq, prev and at first', async () => {
    const { file, log } = await newLog()
    await log.append({ type: 'remark', text: 'a\nb', data: { x: [1, null] } })
    await log.close()
    expect(await readFile(file, 'utf8')).toBe(
      `{"seq":0,"prev":"${'0'.repeat(64)}","at":"2026-11-22T03:00:33.000Z","type":"remark","text":"a\\nb","data":{"x":[1,null]}}\n`,
    )
    expect(log.head()).toBe(lineHash(await readFile(file)))
  })

  it('fails once closed, and can be closed twice', async () => {
    const { log } = await newLog()
    await log.close()
    await log.close()
    await expect(log.append({ type: 'remark', text: 'late' })).rejects.toThrow()
  })

  it('refuses to begin on a file that exists', async () => {
    const file = join(await scratch(), 'acquisition.jsonl')
    await writeFile(file, 'x')
    await expect(LineFile.create(file)).rejects.toThrow('EEXIST')
  })

  it('tells a full disk as storage and chains the next line on the last whole one', async () => {
    const log = new ChainedLog(
      await LineFile.append('/dev/full'),
      EMPTY_CHAIN,
      steadyClock(),
      () => undefined,
    )
    await expect(log.append({ type: 'remark', text: 'x' })).rejects.toMatchObject({ code: 'storage' })
    expect(log.head()).toBe(EMPTY_CHAIN.head)
    await log.close().catch(() => undefined)
  })

  it.each([
    ['a line cut short', (text: string) => text.slice(0, -5), 2],
    ['a line without its newline', (text: string) => text.slice(0, -1), 2],
    ['zeros after a crash', (text: string) => `${text}${'\0'.repeat(512)}`, 3],
    ['an edited line', (text: string) => text.replace('"two"', '"TWO"'), 2],
    ['a missing line', (text: string) => text.replace(/.*"two".*\n/, ''), 1],
    ['an endless line', (text: string) => `${text}${'x'.repeat(17 << 20)}`, 3],
    ['an empty file', () => '', 0],
  ])('is read up to %s', async (_what, damage, whole) => {
    const { file, log } = await newLog()
    for (const text of ['one', 'two', 'three']) await log.append({ type: 'remark', text })
    await log.close()
    const text = await readFile(file, 'utf8')
    await writeFile(file, damage(text))
    const read: LogLine[] = []
    const end = await readChain(file, (line) => read.push(line))
    expect(read).toHaveLength(whole)
    const after = damage(text).split('\n').slice(0, whole)
    expect(end.wholeBytes).toBe(Buffer.byteLength(after.map((line) => `${line}\n`).join('')))
  })
})

describe('a journal into several', () => {
  it('resolves an intent when each has it, in their order, and stops at one that fails', async () => {
    const calls: string[] = []
    const journal = (name: string, fails = false) => ({
      intent: async () => {
        calls.push(`${name} intent`)
        if (fails) throw new Error('full')
      },
      result: async () => {
        calls.push(`${name} result`)
      },
    })
    const intent = { id: '1', action: 'a', step: 's', method: 'POST', path: '/', auditId: 'x' } as const
    await journalInto(journal('log'), journal('state')).intent(intent)
    await journalInto(journal('log'), journal('state')).result({ id: '1' })
    await expect(journalInto(journal('full', true), journal('never')).intent(intent)).rejects.toThrow('full')
    expect(calls).toEqual(['log intent', 'state intent', 'log result', 'state result', 'full intent'])
  })
})
