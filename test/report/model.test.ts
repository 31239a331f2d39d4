import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { describe, expect, it } from '@jest/globals'
import { Ajv2020 } from 'ajv/dist/2020.js'

import { buildReport, type ReportInput } from '../../src/report/index.js'
import { hostileCase } from './hostile-case.js'
import { EMPTY_CASE, SHOP_CASE } from './shop-case.js'

const schema = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../schemas/report.v1.json'), 'utf8'),
) as object
const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema)

describe('the report model', () => {
  it.each<[string, ReportInput]>([
    ['a full run', SHOP_CASE],
    ['a run without evidence', EMPTY_CASE],
    ['a run without targets', { ...EMPTY_CASE, targets: [] }],
    ['a hostile run', hostileCase('`|<script>\u202e')],
  ])('of %s fits its schema', (_what, input) => {
    validate(JSON.parse(JSON.stringify(buildReport(input))))
    expect(validate.errors).toBeNull()
  })

  it('has a schema that lets nothing unknown pass', () => {
    expect(validate({ ...buildReport(SHOP_CASE), extra: 1 })).toBe(false)
    expect(validate({ ...buildReport(SHOP_CASE), summary: undefined })).toBe(false)
  })

  it('is the same for the same facts in another order', () => {
    const [target] = SHOP_CASE.targets
    const turned: ReportInput = {
      ...SHOP_CASE,
      ledger: SHOP_CASE.ledger.toReversed(),
      artefacts: SHOP_CASE.artefacts.toReversed(),
      targets: [
        {
          ...target!,
          events: target!.events!.toReversed(),
          images: target!.images.toReversed(),
          writes: target!.writes.toReversed(),
          filesystems: target!.filesystems.map(({ summary, entries }) => ({
            summary,
            entries: entries.toReversed(),
          })),
        },
      ],
    }
    expect(buildReport(turned)).toEqual(buildReport(SHOP_CASE))
  })

  it('tells five sentences', () => {
    for (const input of [SHOP_CASE, EMPTY_CASE, { ...SHOP_CASE, targets: [] }]) {
      expect(buildReport(input).summary).toHaveLength(5)
    }
  })

  it('holds no string that a reader could not use', () => {
    let longest = 0
    const text = JSON.stringify(buildReport(hostileCase('A'.repeat(1_000_000))), (_key, value: unknown) => {
      if (typeof value === 'string') longest = Math.max(longest, value.length)
      return value
    })
    expect(longest).toBeLessThanOrEqual(10_001)
    expect(text.length).toBeLessThan(4_000_000)
  })
})
