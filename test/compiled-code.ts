import { resolve } from 'node:path'

/**
 * Where the program under test keeps its compiled code: one place for all tests. In each test's own home it would be made anew by
 * every process, which takes longer than most commands.
 */
export const COMPILED_CODE = {
  NODE_COMPILE_CACHE: resolve(import.meta.dirname, '../node_modules/.cache/impound-test'),
}
