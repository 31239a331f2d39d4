import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { describe, expect, it } from '@jest/globals'

import { buildReport, renderMarkdown, renderNextSteps, type ReportInput } from '../../src/report/index.js'
import { EMPTY_CASE, SHOP_CASE } from './shop-case.js'

const ROOT = resolve(import.meta.dirname, '../..')

function template(name: string): string {
  return readFileSync(join(ROOT, 'templates', name), 'utf8')
}

/** With IMPOUND_UPDATE_GOLDENS=1 the file is written instead: look at the difference before you commit it. */
function expectGolden(name: string, text: string): void {
  const file = join(ROOT, 'test/goldens', name)
  if (process.env['IMPOUND_UPDATE_GOLDENS'] === '1') writeFileSync(file, text)
  expect(text).toBe(readFileSync(file, 'utf8'))
}

describe('the reports', () => {
  it.each<[string, ReportInput]>([
    ['', SHOP_CASE],
    ['-empty', EMPTY_CASE],
  ])('read as the golden files%s do', (suffix, input) => {
    const model = buildReport(input)
    expectGolden(`report${suffix}.md`, renderMarkdown(model, template('report.md')))
    expectGolden(`next-steps${suffix}.md`, renderNextSteps(model, template('next-steps.md')))
  })
})
