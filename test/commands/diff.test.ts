import { afterAll, beforeAll, expect, it } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import type { ComparisonDocument } from '../../src/model/filesystem-documents.js'
import { complaints } from '../schemas/schemas.js'
import { CommandLine } from './command-line.js'

let lab: Lab
let cli: CommandLine
let archive: string

beforeAll(async () => {
  lab = await startLab()
  cli = new CommandLine(lab)
  const target = [lab.suspect.name, '-n', lab.suspect.namespace]
  const ran = await cli.run('snapshot', ...target, '--allow', 'exec', '--registry', cli.registry, '--json')
  archive = (JSON.parse(ran.stdout.toString()) as RunResult).archive!.path
}, 240_000)
afterAll(() => lab.close())

it('compares what two archives captured, and says so where nothing differs', async () => {
  const none = await cli.run('diff', archive, archive, '--container', 'nobody')
  expect([none.status, none.stderr]).toEqual([8, expect.stringContaining('--container app')])
  const { status, stdout } = await cli.run('diff', archive, archive, '--container', 'app', '--json')
  const document = JSON.parse(stdout.toString()) as ComparisonDocument
  expect(complaints('impound/comparison/v1', document)).toEqual([])
  expect([status, document.differs, document.complete]).toEqual([0, false, true])
  expect(document.a).toMatchObject({ source: 'capture', container: 'app', pod: lab.suspect.name })
  expect(document.a.entries).toBeGreaterThan(10)
}, 120_000)

it('does not compare an image with a capture', async () => {
  const { status, stderr } = await cli.run('diff', archive, 'nginx')
  expect([status, stderr]).toEqual([2, expect.stringContaining('not compared')])
}, 60_000)
