import { spawnSync } from 'node:child_process'

import { it } from '@jest/globals'

function answers(program: string, pattern: RegExp): boolean {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return status === 0 && pattern.test(stdout)
}

/** Tests against programs of this system; where one is missing they are shown as skipped. */
export const withGnuTar = answers('tar', /GNU tar/) ? it : it.skip
export const withGzip = answers('gzip', /gzip/i) ? it : it.skip
export const withZstd = answers('zstd', /zstandard|zstd/i) ? it : it.skip
