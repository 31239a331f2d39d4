import { appendFile, cp, mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { describe, expect, it } from '@jest/globals'

import { reopenSpool, sealSpool, type ReopenedSpool } from '../../src/evidence/index.js'
import { verifyArchive } from '../../src/evidence/verify.js'
import type { LogLine } from '../../src/model/acquisition.js'
import type { ArtefactRecord, LedgerRow } from '../../src/model/evidence.js'
import { collectSome, DIRECTORY, newSpool, README, SCENE, scratch, steadyClock, STREAM } from './scratch.js'

const HERE = `data/targets/${DIRECTORY}`
const LOG = 'acquisition.jsonl'

/** The directory of a spool whose process is gone, one log still being received. */
async function abandoned(): Promise<string> {
  const spool = await newSpool(await scratch())
  await collectSome(spool)
  const writer = await spool.targetSink({ directory: DIRECTORY }, 'logs').open('cut.log', STREAM, 'logs cut')
  await writer.write('until here')
  const left = join(await scratch(), `${SCENE.run}.partial`)
  await cp(spool.directory, left, { recursive: true })
  await spool.interruptOpen()
  await spool.close()
  return left
}

async function reopen(directory: string): Promise<ReopenedSpool> {
  return reopenSpool(directory, steadyClock('2026-11-22T09:00:00.000Z'))
}

/** Seals up to the packing, where something stands in the way: the bag can be looked at where it lies. */
async function bagOf(reopened: ReopenedSpool): Promise<string> {
  const { spool, incomplete } = reopened
  await mkdir(join(dirname(spool.directory), `${spool.name}.tar.gz.partial`), { recursive: true })
  await expect(
    sealSpool(spool, {
      readme: README,
      besides: [],
      signal: new AbortController().signal,
      ...(incomplete === undefined ? {} : { incomplete }),
    }),
  ).rejects.toMatchObject({ code: 'storage' })
  return spool.directory
}

async function lines<T>(file: string): Promise<T[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T)
}

async function expectWhole(bag: string): Promise<void> {
  const report = await verifyArchive(bag, { signal: new AbortController().signal })
  expect(report.problems).toEqual([])
  expect(report.ok).toBe(true)
}

function rowOf(reopened: ReopenedSpool, subject: string): LedgerRow | undefined {
  return reopened.spool.ledger().find((row) => row.subject === subject)
}

describe('taking up an interrupted run', () => {
  it('knows again what the log knew, and says that the run was interrupted', async () => {
    const reopened = await reopen(await abandoned())
    expect(reopened.incomplete).toBe('the run was interrupted')
    expect(reopened.remarks).toEqual([])
    expect(reopened.spool.scene).toEqual(SCENE)
    expect(rowOf(reopened, 'logs app')).toMatchObject({ status: 'collected', bytes: 120_000 })
    expect(rowOf(reopened, 'logs istio-proxy previous')).toMatchObject({ status: 'skipped' })
    expect(await reopened.spool.readDocument(`${HERE}/pod.json`)).toEqual({ schema: 'impound/pod/v1' })
    await reopened.spool.close()
  })

  it('keeps a file that was still being received, as partial', async () => {
    const reopened = await reopen(await abandoned())
    expect(rowOf(reopened, `${HERE}/cut.log`)).toMatchObject({
      status: 'partial',
      reason: 'interrupted',
      target: DIRECTORY,
      bytes: 10,
    })
    await expectWhole(await bagOf(reopened))
  })

  it('seals into an archive that says why it is incomplete', async () => {
    const { spool, incomplete } = await reopen(await abandoned())
    const sealed = await sealSpool(spool, {
      readme: README,
      besides: [],
      signal: new AbortController().signal,
      ...(incomplete === undefined ? {} : { incomplete }),
    })
    expect(sealed.incomplete).toBe('the run was interrupted')
    expect((await stat(sealed.path)).size).toBe(sealed.bytes)
  })

  it('gives a whole bag wherever the log was cut', async () => {
    const origin = await abandoned()
    const size = (await stat(join(origin, LOG))).size
    const [first] = (await readFile(join(origin, LOG), 'utf8')).split('\n') as [string]
    const from = first.length + 1
    for (let at = from; at <= size; at += Math.ceil((size - from) / 17)) {
      const copy = join(await scratch(), `${SCENE.run}.partial`)
      await cp(origin, copy, { recursive: true })
      await truncate(join(copy, LOG), at)
      const bag = await bagOf(await reopen(copy))
      await expectWhole(bag)
      const listed = (await lines<ArtefactRecord>(join(bag, 'data/index.jsonl'))).map(({ path }) => path)
      expect(listed).toEqual(
        expect.arrayContaining([
          'data/scene.json',
          `${HERE}/api/0001.json`,
          `${HERE}/cut.log`,
          `${HERE}/pod.json`,
        ]),
      )
    }
  })

  it('cuts a torn last line off, keeps it, and remembers it', async () => {
    const left = await abandoned()
    const whole = (await stat(join(left, LOG))).size
    await appendFile(join(left, LOG), '{"seq":9,"prev":"ab')
    const reopened = await reopen(left)
    expect(reopened.remarks).toEqual([
      `19 bytes at the end of the log were torn or out of order; cut off, kept as data/cut-from-log-${whole}.bin`,
    ])
    const bag = await bagOf(reopened)
    expect(await readFile(join(bag, `data/cut-from-log-${whole}.bin`), 'utf8')).toBe('{"seq":9,"prev":"ab')
    const remarks = (await lines<LogLine>(join(bag, LOG))).filter(({ type }) => type === 'remark')
    expect(remarks).toHaveLength(1)
    await expectWhole(bag)
  })

  it('calls a file that is not as it was received partial, and one that is gone failed', async () => {
    const left = await abandoned()
    await writeFile(join(left, HERE, 'logs/app/current.log'), 'only this reached the disk')
    await rm(join(left, HERE, 'pod.json'))
    const reopened = await reopen(left)
    expect(reopened.remarks).toHaveLength(2)
    expect(rowOf(reopened, 'logs app')).toMatchObject({
      status: 'partial',
      bytes: 26,
      detail: expect.stringContaining('not as it was received: 120000 bytes with SHA-256 '),
    })
    expect(rowOf(reopened, 'pod')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('lost'),
    })
    const bag = await bagOf(reopened)
    expect(await readFile(join(bag, 'manifest-sha256.txt'), 'utf8')).not.toContain('pod.json')
    await expectWhole(bag)
  })

  it('does not call a run incomplete that had ended and only failed to be packed', async () => {
    const spool = await newSpool(await scratch())
    await collectSome(spool)
    const bag = await bagOf({ spool, incomplete: undefined, remarks: [] })
    const again = await reopen(bag)
    expect(again).toMatchObject({ incomplete: undefined, remarks: [] })
    await again.spool.putAutomatic('report.md', '# again\n')
    await bagOf(again)
    await expectWhole(bag)
    expect(await readFile(join(bag, 'data/automatic/report.md'), 'utf8')).toBe('# again\n')
  })

  it('can be interrupted again and again', async () => {
    const left = await abandoned()
    for (let time = 0; time < 3; time += 1) {
      await appendFile(join(left, LOG), '{"torn')
      const { spool } = await reopen(left)
      await spool.close()
    }
    const bag = await bagOf(await reopen(left))
    await expectWhole(bag)
    const types = (await lines<LogLine>(join(bag, LOG))).map(({ type }) => type)
    expect(types.filter((type) => type === 'interrupted')).toHaveLength(1)
  })

  it('refuses what is no spool', async () => {
    const directory = await scratch()
    await expect(reopen(directory)).rejects.toMatchObject({ code: 'usage' })
    await expect(reopen(join(directory, 'none.partial'))).rejects.toMatchObject({ code: 'usage' })
  })

  it('refuses a log without its first line, and changes nothing', async () => {
    const left = await abandoned()
    await writeFile(join(left, LOG), 'x')
    await expect(reopen(left)).rejects.toMatchObject({ code: 'integrity' })
    expect(await readFile(join(left, LOG), 'utf8')).toBe('x')
  })
})
