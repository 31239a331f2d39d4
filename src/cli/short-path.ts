import { isAbsolute, relative } from 'node:path'

/** A path as a person would type it here: './INC-42/x' below the working folder, else as it is. */
export function shortPath(path: string, folder = process.cwd()): string {
  const below = relative(folder, path)
  return below === '' || below.startsWith('..') || isAbsolute(below) ? path : `./${below}`
}
