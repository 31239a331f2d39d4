import { mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

import { beforeAll, describe, expect, it } from '@jest/globals'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

import { reopenSpool, sealSpool } from '../../src/evidence/index.js'
import type { LogBody } from '../../src/model/acquisition.js'
import { ImpoundError } from '../../src/model/errors.js'
import { COUNTED_REASONS } from '../../src/model/evidence.js'
import { collectSome, DIRECTORY, newSpool, README, SCENE, scratch, steadyClock, STREAM } from './scratch.js'

const SCHEMAS = resolve(import.meta.dirname, '../../schemas')
const NAMES = ['scene', 'acquisition', 'index', 'ledger']

let ajv: Ajv2020

beforeAll(async () => {
  ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true })
  for (const name of NAMES) {
    ajv.addSchema(JSON.parse(await readFile(join(SCHEMAS, `${name}.v1.json`), 'utf8')) as object)
  }
})

function validator(name: string): ValidateFunction {
  const validate = ajv.getSchema(`impound/${name}/v1`)
  if (validate === undefined) throw new Error(`no schema ${name}`)
  return validate
}

function complaints(name: string, value: unknown): unknown {
  const validate = validator(name)
  return validate(value) ? [] : validate.errors
}

async function parsedLines(file: string): Promise<unknown[]> {
  const text = await readFile(file, 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

/** A bag with every kind of line and row in it: a run with failures that crashed and was taken up. */
async function eventfulBag(): Promise<string> {
  const first = await newSpool(await scratch())
  await collectSome(first)
  const sink = first.targetSink({ directory: DIRECTORY }, 'logs')
  await sink.attempt('a.log', STREAM, 'logs a', async (writer) => {
    await writer.write('x')
    throw new ImpoundError('stalled', 'no byte for 30 s')
  })
  await sink.failed('logs b', new ImpoundError('forbidden', 'pods/log'))
  const more: LogBody[] = [
    { type: 'phase', phase: 'contain', state: 'begin', target: DIRECTORY },
    { type: 'remark', text: 'a note', data: { any: ['thing', 1, null] } },
    { type: 'result', result: { id: 'w2', error: 'no answer' } },
  ]
  for (const body of more) await first.log.append(body)
  await sink.open('open.log', STREAM, 'logs open')
  await first.log.append({ type: 'interrupted', by: 'Ctrl-C' })
  await first.close()
  const { spool } = await reopenSpool(first.directory, steadyClock())
  await mkdir(join(dirname(spool.directory), `${spool.name}.tar.gz.partial`))
  const { signal } = new AbortController()
  await expect(
    sealSpool(spool, { readme: README, besides: [], incomplete: 'crash', signal }),
  ).rejects.toThrow()
  await first.interruptOpen().catch(() => undefined)
  return spool.directory
}

describe('what is written', () => {
  it('is what the schemas say, line by line', async () => {
    const bag = await eventfulBag()
    expect(complaints('scene', JSON.parse(await readFile(join(bag, 'data/scene.json'), 'utf8')))).toEqual([])
    expect(complaints('ledger', JSON.parse(await readFile(join(bag, 'data/ledger.json'), 'utf8')))).toEqual(
      [],
    )
    for (const line of await parsedLines(join(bag, 'data/index.jsonl')))
      expect(complaints('index', line)).toEqual([])
    const log = (await parsedLines(join(bag, 'acquisition.jsonl'))) as { type: string }[]
    for (const line of log) expect(complaints('acquisition', line)).toEqual([])
    expect([...new Set(log.map(({ type }) => type))].sort()).toEqual(
      ['artefact', 'intent', 'interrupted', 'outcome', 'phase', 'remark', 'result', 'scene', 'sealed'].sort(),
    )
  })
})

describe('the schemas', () => {
  const line = { seq: 1, prev: '0'.repeat(64), at: '2026-11-22T03:00:33.000Z' }

  it.each([
    ['a word that nobody promised', 'scene', { ...SCENE, mood: 'good' }],
    ['a scene that is not first', 'acquisition', { ...line, type: 'scene', scene: SCENE }],
    ['a line of an unknown type', 'acquisition', { ...line, type: 'gossip', text: 'x' }],
    ['a line with two bodies', 'acquisition', { ...line, type: 'remark', text: 'x', by: 'y' }],
    [
      'a time without milliseconds',
      'acquisition',
      { ...line, at: '2026-11-22T03:00:33Z', type: 'remark', text: 'x' },
    ],
    [
      'a failure without a reason',
      'ledger',
      {
        schema: 'impound/ledger/v1',
        rows: [{ collector: 'logs', subject: 'x', status: 'failed' }],
        counts: { collected: 0, partial: 0, skipped: 0, failed: 1 },
      },
    ],
  ])('refuse %s', (_what, name, value) => {
    expect(complaints(name, value)).not.toEqual([])
  })

  it('know the reasons that the program knows', async () => {
    const index = JSON.parse(await readFile(join(SCHEMAS, 'index.v1.json'), 'utf8')) as {
      $defs: { countedReason: { enum: string[] } }
    }
    expect(index.$defs.countedReason.enum).toEqual([...COUNTED_REASONS])
  })

  it.each(NAMES)('%s has its name as $id', async (name) => {
    expect(await readdir(SCHEMAS)).toContain(`${name}.v1.json`)
    expect(validator(name).schema).toMatchObject({ $id: `impound/${name}/v1` })
  })
})
