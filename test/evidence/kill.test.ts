import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { describe, expect, it } from '@jest/globals'

import { reopenSpool, sealSpool } from '../../src/evidence/index.js'
import { verifyArchive } from '../../src/evidence/verify.js'
import { README, scratch, steadyClock } from './scratch.js'

const run = promisify(execFile)
const HOOK = fileURLToPath(new URL('./run-typescript.mjs', import.meta.url))
const RUN = fileURLToPath(new URL('./steady-run.ts', import.meta.url))

/** Has a run killed -9 some ms after it said `after`; how many artefacts it had told. */
async function killed(output: string, after: string, ms: number): Promise<number> {
  const argv = ['--no-warnings', '--import', HOOK, RUN, output, 'KILL', after, String(ms)]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let told = ''
  for await (const text of child.stdout.setEncoding('utf8')) told += String(text)
  expect(await exited).toEqual([null, 'SIGKILL'])
  return told.split('\n').length - 1
}

describe('a run that is killed', () => {
  it.each([
    ['at its beginning', '0', 0],
    ['in the middle of a file', '30', 3],
    ['while it is sealed', 'sealing', 15],
  ])(
    '%s leaves a spool that seals into an archive that verifies and says incomplete',
    async (_when, after, ms) => {
      const output = await scratch()
      const told = await killed(output, after, ms)
      const left = await readdir(output)
      expect(left).toContain('KILL.partial')
      const { spool, incomplete } = await reopenSpool(join(output, 'KILL.partial'), steadyClock())
      const sealed = await sealSpool(spool, {
        readme: README,
        besides: [],
        signal: new AbortController().signal,
        ...(incomplete === undefined ? {} : { incomplete }),
      })
      const report = await verifyArchive(sealed.path, { signal: new AbortController().signal })
      expect(report.problems).toEqual([])
      expect(report.verdict).toBe(incomplete === undefined ? 'whole' : 'incomplete')
      await run('tar', ['xzf', sealed.path, '-C', output])
      const bag = join(output, 'KILL')
      await run('sha256sum', ['-c', '--strict', '--quiet', 'tagmanifest-sha256.txt', 'manifest-sha256.txt'], {
        cwd: bag,
      })
      const manifest = await readFile(join(bag, 'manifest-sha256.txt'), 'utf8')
      for (let number = 0; number < told && number < 80; number += 1) {
        expect(manifest).toContain(`/logs/a${number}.log`)
        expect(manifest).toContain(`/logs/b${number}.log`)
      }
      const info = await readFile(join(bag, 'bag-info.txt'), 'utf8')
      expect(info.includes('Impound-Incomplete: ')).toBe(incomplete !== undefined)
      if (after !== 'sealing') expect(incomplete).toBe('the run was interrupted')
    },
  )
})
