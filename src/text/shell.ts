import { visible } from './visible.js'

const BARE = /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/

/**
 * One argument of a command that somebody will paste into a POSIX shell: as it is where that is safe, else in single
 * quotes. A flag stays one: quotes would not change that. Characters that can't be seen are written out, so such a command fails instead of doing something else.
 */
export function forShell(argument: string): string {
  const shown = visible(argument, { maxLength: 1_000, lineBreaks: 'show' })
  return BARE.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`
}
