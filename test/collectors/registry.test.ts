import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { describe, expect, it } from '@jest/globals'

import { collectors } from '../../src/collectors/index.js'
import { readScripts } from '../../src/engine/system.js'
import { describeAccess } from '../../src/model/api-path.js'
import type { Target } from '../../src/model/target.js'

const ROOT = resolve(import.meta.dirname, '../..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const TARGET: Target = { namespace: 'shop', name: 'web', uid: 'u', pod: {} }
const OPTIONS = {
  allow: new Set<never>(),
  skip: new Set<string>(),
  stallTimeoutMs: 1,
  maxLogBytes: 1,
  maxContentBytes: 1,
  usePullSecrets: false,
}

const list = collectors(await readScripts())

describe('the list of collectors', () => {
  it('names each once', () => {
    const names = list.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  it.each(list.map((collector) => [collector.name, collector] as const))(
    '%s says what it takes, when, with which rights',
    (_name, collector) => {
      expect(collector.summary).toMatch(/^\S.{10,100}$/)
      expect(collector.phases.length).toBeGreaterThan(0)
      const { access, impact } = collector.requirements(OPTIONS, TARGET)
      expect(['read', 'exec', 'ephemeral', 'node']).toContain(impact)
      for (const rule of access) expect(describeAccess(rule)).not.toMatch(/undefined/)
    },
  )

  // the plan says of what is left out which allowance would bring it
  it.each(list.map((collector) => [collector.name, collector] as const))(
    '%s names each allowance under which it starts something',
    (_name, collector) => {
      const { impact, ways } = collector.requirements(OPTIONS, TARGET)
      for (const allowed of ['exec', 'node'] as const) {
        const under = collector.requirements({ ...OPTIONS, allow: new Set([allowed]) }, TARGET).impact
        if (impact !== 'read' && under === allowed) expect(ways ?? [impact]).toContain(allowed)
      }
    },
  )

  it.each(list.map(({ name }) => name))('%s has a row in the README and tests of its own', (name) => {
    expect(README).toMatch(new RegExp(`^\\| \`${name}\` +\\|`, 'm'))
    expect(existsSync(join(ROOT, 'test/collectors', `${name}.test.ts`))).toBe(true)
  })
})
