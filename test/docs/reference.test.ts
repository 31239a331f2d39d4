import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

import { describe, expect, it } from '@jest/globals'

const ROOT = resolve(import.meta.dirname, '../..')
const PAGE = readFileSync(resolve(ROOT, 'docs/commands.md'), 'utf8')

describe('the command reference', () => {
  it('is what the built program says of itself; if not: npm run docs', async () => {
    // a process of its own: oclif loads the built commands by paths that jest maps to the sources
    const script = resolve(ROOT, 'scripts/write-reference.js')
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--print'])
    expect(PAGE).toBe(stdout)
  })

  it('has every command', () => {
    const commands = readdirSync(resolve(ROOT, 'commands'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => file.replace(/\.ts$/, '').replaceAll('/', ' '))
    const headings = [...PAGE.matchAll(/^## impound (.+)$/gm)].map(([, name]) => name)
    expect(headings).toEqual(commands.sort())
  })

  it('is linked from the README', () => {
    expect(readFileSync(resolve(ROOT, 'README.md'), 'utf8')).toContain('](docs/commands.md)')
  })
})
