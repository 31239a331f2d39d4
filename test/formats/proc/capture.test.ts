import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { type CaptureItem, readCapture } from '../../../src/formats/proc/capture.js'

const FIRST = '01234567-89ab-cdef-0123-456789abcdef'
const SECOND = '76543210-89ab-cdef-0123-456789abcdef'

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

function words(text: string, nonce = FIRST): Buffer {
  return Buffer.from(`impound=${nonce}.d\0${text}\n`, 'latin1')
}

function file(bytes: Buffer | string, nonce = FIRST): Buffer {
  return Buffer.concat([Buffer.from(`impound=${nonce}.f\0`), Buffer.from(bytes as string, 'latin1')])
}

function stream(...pieces: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`impound-processes v1 ${FIRST}\n`), ...pieces])
}

/** An item's bytes are good until the next one is asked for. */
function kept(item: CaptureItem): CaptureItem {
  if (item.kind === 'file') return { ...item, content: Buffer.from(item.content) }
  return 'lines' in item ? { ...item, lines: Buffer.from(item.lines) } : item
}

async function read(bytes: Buffer, size = bytes.length + 1): Promise<CaptureItem[]> {
  const items: CaptureItem[] = []
  for await (const item of readCapture(inChunks(bytes, size))) items.push(kept(item))
  return items
}

/** Bytes that like to look like marks. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .array(
      fc.constantFrom(
        'impound=',
        `impound=${FIRST}`,
        `impound=${FIRST}.`,
        `impound=${FIRST}.f`,
        `impound=${FIRST}.x\0`,
        `impound=${SECOND}.f\0`,
        `impound=${SECOND}.d\0end\n`,
        '\0',
        '\n',
        'end\n',
      ),
      { maxLength: 8 },
    )
    .map((parts) => Buffer.from(parts.join(''), 'latin1'))
    .filter((bytes) => !bytes.includes(`impound=${FIRST}.f\0`) && !bytes.includes(`impound=${FIRST}.d\0`)),
)

describe('a capture of processes', () => {
  it('gives each file the bytes that it had, however the stream is cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(hostile, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 200 }),
        async (contents, size) => {
          // A file that ends in the beginning of a mark would make one with what follows
          const safe = contents.map((bytes) => Buffer.concat([bytes, Buffer.from('.')]))
          const pids = safe.map((_bytes, index) => ` ${index + 1}`).join('')
          const bytes = stream(
            words(`read 65536 cmdline|${pids}`),
            ...safe.map((content) => file(content)),
            file(''),
            words('done 0 '),
            words('end'),
          )
          const items = await read(bytes, size)
          const files = items.filter((item) => item.kind === 'file')
          expect(files.map(({ of, content }) => [of, content.toString('latin1')])).toEqual([
            ...safe.map((content, index) => [String(index + 1), content.toString('latin1')]),
          ])
          expect(files.every(({ whole }) => whole)).toBe(true)
          expect(items.at(-1)).toEqual({ kind: 'end' })
        },
      ),
      { numRuns: 200 },
    )
  })

  it('tells a file that the reader was ended in from one that is whole', async () => {
    const items = await read(
      stream(
        words('read 9 stat status| 4 5'),
        file('a'),
        file('b'),
        file('par'),
        words('done 124 killed'),
        words('end'),
      ),
    )
    expect(items).toMatchObject([
      { kind: 'file', of: '4', name: 'stat', whole: true, full: false },
      { kind: 'file', of: '4', name: 'status', whole: true },
      { kind: 'file', of: '5', name: 'stat', whole: false },
      { kind: 'done', exit: 124, complaints: 'killed' },
      { kind: 'end' },
    ])
  })

  it('takes marks of a new nonce alone once one is named', async () => {
    const bytes = stream(
      words(`nonce ${SECOND}`),
      words('read 65536 environ| 4', SECOND),
      file(Buffer.concat([Buffer.from('A=1\0'), file('old'), words('end')]), SECOND),
      file('', SECOND),
      words('end', SECOND),
    )
    for (const size of [1, 7, 50, 1000]) {
      const items = await read(bytes, size)
      expect(items.map(({ kind }) => kind)).toEqual(['file', 'end'])
      expect(items[0]).toMatchObject({ content: expect.any(Buffer), whole: true })
    }
  })

  it('never throws anything but that it is none or too big, and never hangs, on what is cut or changed anywhere', async () => {
    const whole = stream(
      words('self 3'),
      words('pass 1 4 5'),
      words('read 65536 stat| 4 5'),
      file('4 (x) S 1'),
      file('5 (y) S 1'),
      file(''),
      words('done 0 '),
      words('links\n"/proc/4/exe" -> "/bin/x"'),
      words('end'),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: whole.length }),
        fc.integer({ min: 0, max: whole.length - 1 }),
        fc.integer({ min: 0, max: 255 }),
        async (end, at, byte) => {
          const bytes = Buffer.from(whole.subarray(0, end))
          if (at < bytes.length) bytes[at] = byte
          await read(bytes, 11).catch((error: unknown) => {
            expect(error).toMatchObject({ code: expect.stringMatching(/^(?:target-refused|too-big)$/) })
          })
        },
      ),
      { numRuns: 300 },
    )
  })

  it('gives bytes that are wanted elsewhere to whom wants them', async () => {
    const got: Buffer[] = []
    const bytes = stream(
      words('read 100 stat exe stat| 7'),
      file('s1'),
      file('program'),
      file('s2'),
      file(''),
      words('end'),
    )
    const items: CaptureItem[] = []
    const divert = (_of: string, name: string) =>
      name === 'exe'
        ? async (chunk: Buffer): Promise<void> => {
            got.push(Buffer.from(chunk))
            await Promise.resolve()
          }
        : undefined
    for await (const item of readCapture(inChunks(bytes, 3), { divert })) items.push(kept(item))
    expect(Buffer.concat(got).toString()).toBe('program')
    expect(items.map((item) => (item.kind === 'file' ? item.content.toString() : item.kind))).toEqual([
      's1',
      '',
      's2',
      'end',
    ])
  })

  it('refuses a piece that is larger than any that the script makes', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      yield stream(words('links'))
      for (;;) yield Buffer.alloc(1 << 20, 0x41)
    }
    const reading = async (): Promise<void> => {
      for await (const item of readCapture(endless())) expect(item).toBeUndefined()
    }
    await expect(reading()).rejects.toMatchObject({ code: 'too-big' })
  })
})
