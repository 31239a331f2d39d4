import { ImpoundError } from './errors.js'

const CASE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/

/** A case's name as given: letters, digits, '.', '_', '-', at most 50, starting with a letter or digit. Throws `usage`. */
export function caseName(given: string): string {
  if (CASE.test(given)) return given
  throw new ImpoundError('usage', `"${given}" can't be a case's name`, {
    hints: ['use up to 50 letters, digits, ".", "_" and "-", starting with a letter or digit: --case INC-42'],
  })
}

/** A name for a case that was given none: 'case-20261122T030033Z'. */
export function madeUpCaseName(now: Date): string {
  return `case-${compactTime(now)}`
}

/** 20261122T030033Z: UTC, whole seconds, as archive names carry it. */
export function compactTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}
