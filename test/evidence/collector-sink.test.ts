import { createHash } from 'node:crypto'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { ImpoundError, type ErrorCode } from '../../src/model/errors.js'
import { REASON_OF } from '../../src/model/evidence.js'
import { safeSegment } from '../../src/model/safe-segment.js'
import { collectSome, DIRECTORY, newSpool, scratch, STREAM, DERIVED } from './scratch.js'

const HERE = `data/targets/${DIRECTORY}`

async function logsSink() {
  const spool = await newSpool(await scratch())
  return { spool, sink: spool.targetSink({ directory: DIRECTORY }, 'logs') }
}

function row(spool: { ledger: () => readonly { subject: string }[] }, subject: string) {
  return spool.ledger().find((each) => each.subject === subject)
}

describe('receiving an artefact', () => {
  it('hashes and counts exactly the bytes that are on the disk, however they are cut into chunks', async () => {
    const { spool, sink } = await logsSink()
    let number = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }), async (chunks) => {
        const name = `random/${++number}.bin`
        const writer = await sink.open(name, STREAM, name)
        await pipeline(Readable.from(chunks, { objectMode: false }), writer.stream)
        const record = await writer.end()
        const kept = await readFile(join(spool.directory, HERE, name))
        expect(kept).toEqual(Buffer.concat(chunks))
        expect(record.bytes).toBe(kept.length)
        expect(record.sha256).toBe(createHash('sha256').update(kept).digest('hex'))
      }),
      { numRuns: 40 },
    )
    await spool.close()
  })

  it('keeps everything that came before a source failed, although the pipeline destroyed the stream', async () => {
    const { spool, sink } = await logsSink()
    const source = async function* (): AsyncGenerator<Buffer> {
      for (let chunk = 0; chunk < 50; chunk += 1) yield Buffer.alloc(1000, chunk)
      throw new ImpoundError('cut', 'the connection ended')
    }
    const record = await sink.attempt('app.log', STREAM, 'logs app', (writer) =>
      pipeline(Readable.from(source(), { objectMode: false, highWaterMark: 4096 }), writer.stream),
    )
    expect(record).toMatchObject({ status: 'partial' })
    const kept = await readFile(join(spool.directory, HERE, 'app.log'))
    expect(row(spool, 'logs app')).toEqual({
      collector: 'logs',
      target: DIRECTORY,
      subject: 'logs app',
      status: 'partial',
      reason: 'cut',
      detail: 'the connection ended',
      path: `${HERE}/app.log`,
      bytes: kept.length,
    })
    expect(kept.length % 1000).toBe(0)
    expect(kept.length).toBeGreaterThanOrEqual(40_000)
    await spool.close()
  })

  it('makes files that nobody else can read', async () => {
    const { spool, sink } = await logsSink()
    await (await sink.open('logs/app/current.log', STREAM, 'logs app')).end()
    const modes = await Promise.all(
      ['', 'acquisition.jsonl', 'data', HERE, `${HERE}/logs/app`, `${HERE}/logs/app/current.log`].map(
        async (path) => ((await stat(join(spool.directory, path))).mode & 0o777).toString(8),
      ),
    )
    expect(modes).toEqual(['700', '600', '700', '700', '700', '600'])
    await spool.close()
  })

  it('holds several open at once', async () => {
    const { spool, sink } = await logsSink()
    const writers = await Promise.all([1, 2, 3].map((n) => sink.open(`${n}.log`, STREAM, `log ${n}`)))
    await Promise.all(
      writers.flatMap((writer, n) => [writer.write(`${n} one\n`), writer.write(`${n} two\n`)]),
    )
    await Promise.all(writers.map((writer) => writer.end()))
    expect(await readFile(join(spool.directory, HERE, '2.log'), 'utf8')).toBe('1 one\n1 two\n')
    expect(spool.ledger().map(({ status }) => status)).toEqual([
      'collected',
      'collected',
      'collected',
      'collected',
    ])
    await spool.close()
  })

  it('leaves what was marked partial partial, also when it is ended afterwards', async () => {
    const { spool, sink } = await logsSink()
    await sink.attempt('app.log', STREAM, 'logs app', async (writer) => {
      await writer.write('newest file only')
      await writer.partial('cut', 'rotated\nfiles are missing')
    })
    expect(row(spool, 'logs app')).toMatchObject({ status: 'partial', detail: 'rotated files are missing' })
    expect(spool.index().filter(({ path }) => path.endsWith('app.log'))).toHaveLength(1)
    await spool.close()
  })

  it('keeps an artefact without a subject out of the ledger and in the index', async () => {
    const { spool } = await logsSink()
    await collectSome(spool)
    expect(spool.index().map(({ path }) => path)).toContain(`${HERE}/api/0001.json`)
    expect(spool.ledger().map(({ path }) => path)).not.toContain(`${HERE}/api/0001.json`)
    await spool.close()
  })

  it('reads back a document that was kept, and says when there is none', async () => {
    const { spool } = await logsSink()
    await collectSome(spool)
    expect(await spool.readDocument(`${HERE}/pod.json`)).toEqual({ schema: 'impound/pod/v1' })
    await expect(spool.readDocument(`${HERE}/owners.json`)).rejects.toMatchObject({ code: 'not-found' })
    await expect(spool.readDocument('../../etc/passwd')).rejects.toMatchObject({ code: 'not-found' })
    await spool.close()
  })

  it('reads back the bytes of what was kept, and of nothing else', async () => {
    const { spool } = await logsSink()
    await collectSome(spool)
    const bytes: Buffer[] = []
    for await (const chunk of spool.readContent(`${HERE}/pod.json`)) bytes.push(chunk)
    expect(JSON.parse(Buffer.concat(bytes).toString())).toEqual({ schema: 'impound/pod/v1' })
    for (const path of [`${HERE}/owners.json`, '../../etc/passwd', 'acquisition.jsonl'])
      await expect(spool.readContent(path).next()).rejects.toMatchObject({ code: 'not-found' })
    await spool.close()
  })
})

describe('evidence that could not be taken', () => {
  const travelling = ['storage', 'aborted']

  it.each(Object.entries(REASON_OF).filter(([code]) => !travelling.includes(code)))(
    'an error %s with nothing received is failed: %s',
    async (code, reason) => {
      const { spool, sink } = await logsSink()
      await sink.attempt('app.log', STREAM, 'logs app', () =>
        Promise.reject(new ImpoundError(code as ErrorCode, 'no\u001b[31m\nluck')),
      )
      expect(row(spool, 'logs app')).toEqual({
        collector: 'logs',
        target: DIRECTORY,
        subject: 'logs app',
        status: 'failed',
        reason,
        detail: 'no [31m luck',
      })
      expect(await readdir(join(spool.directory, HERE))).toEqual([])
      await spool.close()
    },
  )

  it('gives the name free again when nothing came: another way may be tried', async () => {
    const { spool, sink } = await logsSink()
    await sink.attempt('tree.tar', STREAM, 'files by exec', () => Promise.reject(new Error('no tar')))
    const record = await sink.attempt('tree.tar', STREAM, 'files by node', (writer) => writer.write('tar'))
    expect(record).toMatchObject({ status: 'collected', bytes: 3 })
    await spool.close()
  })

  it.each([
    ['our own', new ImpoundError('aborted', 'Ctrl-C')],
    ["the platform's", new DOMException('This operation was aborted', 'AbortError')],
  ])('an abort (%s) travels, and what came is partial: interrupted', async (_whose, abort) => {
    const { spool, sink } = await logsSink()
    await expect(
      sink.attempt('app.log', STREAM, 'logs app', async (writer) => {
        await writer.write('some')
        throw abort
      }),
    ).rejects.toBe(abort)
    expect(row(spool, 'logs app')).toMatchObject({ status: 'partial', reason: 'interrupted', bytes: 4 })
    await spool.close()
  })

  it('a deadline of the platform is a timeout and does not travel', async () => {
    const { spool, sink } = await logsSink()
    await sink.attempt('app.log', STREAM, 'logs app', () =>
      Promise.reject(new DOMException('The operation timed out', 'TimeoutError')),
    )
    expect(row(spool, 'logs app')).toMatchObject({ status: 'failed', reason: 'timeout' })
    await spool.close()
  })

  it('cuts an endless message', async () => {
    const { spool, sink } = await logsSink()
    await sink.failed('logs app', new Error('x'.repeat(1_000_000)))
    expect((row(spool, 'logs app') as unknown as { detail: string }).detail).toHaveLength(500)
    await spool.close()
  })
})

describe('names', () => {
  const hostile = ['../x', 'a/../../b', '/etc/passwd', '', '.', 'a//b', 'a\u0000b', 'a b', '-rf', 'ü', 'a\\b']

  it.each(hostile)('refuses %j as a name of ours', async (name) => {
    const { spool, sink } = await logsSink()
    await expect(sink.document(name, {}, DERIVED, 'x')).rejects.toMatchObject({ code: 'bug' })
    await expect(spool.putAutomatic(name, 'x')).rejects.toMatchObject({ code: 'bug' })
    expect(() => spool.targetSink({ directory: `${name}/x` }, 'logs')).toThrow(ImpoundError)
    await spool.close()
  })

  it('takes whatever safeSegment makes of a hostile name', async () => {
    const { spool, sink } = await logsSink()
    for (const name of new Set(hostile.map((each) => safeSegment(each)))) {
      await sink.document(`logs/${name}/current.log`, {}, DERIVED, name)
    }
    expect((await readdir(join(spool.directory, HERE, 'logs'))).sort()).toEqual(
      [...new Set(hostile.map((each) => safeSegment(each)))].sort(),
    )
    await spool.close()
  })

  it('refuses a name that is taken', async () => {
    const { spool, sink } = await logsSink()
    await sink.document('pod.json', {}, DERIVED, 'pod')
    await expect(sink.document('pod.json', {}, DERIVED, 'pod')).rejects.toMatchObject({ code: 'bug' })
    await spool.close()
  })

  it.each(['index.jsonl', 'ledger.json', 'targets/x.json', 'automatic/report.md'])(
    'keeps %s of the case for its own maker',
    async (name) => {
      const { spool } = await logsSink()
      await expect(spool.caseSink('scene').document(name, {}, DERIVED, 'x')).rejects.toMatchObject({
        code: 'bug',
      })
      await spool.close()
    },
  )
})

describe('a full disk', () => {
  it('ends a run before it has begun, and leaves nothing behind', async () => {
    const output = await scratch()
    await expect(newSpool(output, { openNew: () => open('/dev/full', 'w') })).rejects.toMatchObject({
      code: 'storage',
      hints: [expect.stringContaining('impound seal')],
    })
    expect(await readdir(output)).toEqual([])
  })

  it('is what an attempt ends with, whatever the pipeline says; what reached the disk is kept at the seal', async () => {
    let full = false
    const spool = await newSpool(await scratch(), {
      openNew: (path) => open(full ? '/dev/full' : path, 'w', 0o600),
    })
    const sink = spool.targetSink({ directory: DIRECTORY }, 'logs')
    full = true
    const attempt = sink.attempt('app.log', STREAM, 'logs app', (writer) =>
      pipeline(Readable.from([Buffer.alloc(100_000)], { objectMode: false }), writer.stream),
    )
    await expect(attempt).rejects.toMatchObject({ code: 'storage' })
    await spool.interruptOpen()
    expect(row(spool, 'logs app')).toMatchObject({ status: 'partial', reason: 'failed', bytes: 0 })
    await spool.close()
  })
})
