import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { RunPlan } from '../../src/engine/plan.js'
import type { RunResult } from '../../src/engine/result.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import { smallSeed } from '../lab/small-seed.js'
import { complaints } from '../schemas/schemas.js'
import { CommandLine } from './command-line.js'

let lab: Lab
let cli: CommandLine

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed, pace: { react: 5, start: 5 } })
  cli = new CommandLine(lab)
})

afterAll(async () => {
  await lab.close()
  rmSync(cli.home, { recursive: true, force: true })
})

describe('seize --kill', () => {
  const args = (): readonly string[] => [
    'seize',
    lab.suspect.name,
    '-n',
    'shop',
    '--case',
    'K-1',
    '--registry',
    'never',
    '--kill',
  ]

  it('shows it in the plan, and does nothing there', async () => {
    const shown = await cli.run(...args(), '--dry-run', '--json')
    const plan = JSON.parse(shown.stdout.toString('utf8')) as RunPlan
    expect(plan.targets[0]?.kill).toMatchObject({ missingAccess: [] })
    expect(complaints('impound/plan/v1', plan)).toEqual([])
    expect(lab.objects.get('pods', 'shop', lab.suspect.name)).toBeDefined()
  })

  it('deletes the pod once the archive is sealed and verified, and the archive says that it was to come', async () => {
    const ran = await cli.run(...args(), '--yes', '--json')
    const result = JSON.parse(ran.stdout.toString('utf8')) as RunResult
    expect(complaints('impound/result/v1', result)).toEqual([])
    expect(result.archive).toMatchObject({ verified: true, incomplete: false })
    expect(result.targets[0]?.kill).toEqual({ state: 'gone' })
    expect(lab.objects.get('pods', 'shop', lab.suspect.name)).toBeUndefined()
    const log = execFileSync('tar', ['xzOf', result.archive!.path, '--wildcards', '*/acquisition.jsonl'], {
      encoding: 'utf8',
    })
    expect(log).toContain('is to be deleted: --kill')
  })
})
