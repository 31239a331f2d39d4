import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'

import { ImpoundError } from '../model/errors.js'
import type { Findings } from './verify-report.js'

const MAX_BYTES = 64 << 10

/**
 * Compares the archive's SHA-256 with the file beside it, in sha256sum's format. `given` is a file that the user named and that must
 * be there (throws `usage`); without it `<archive>.sha256` is looked at if there is one.
 */
export async function checkSha256File(
  archive: string,
  sha256: string,
  given: string | undefined,
  findings: Findings,
): Promise<void> {
  const file = given ?? `${archive}.sha256`
  const text = await boundedText(file)
  if (text === undefined) {
    if (given !== undefined) {
      throw new ImpoundError('usage', `can't read ${given}`, {
        hints: ['name the file that sha256sum wrote'],
      })
    }
    findings.skip('sha256-file', `there is no ${basename(file)} beside it`)
    return
  }
  const lines = text.split('\n').flatMap((line) => {
    const [, digest, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? []
    return digest === undefined || name === undefined ? [] : [{ digest, name }]
  })
  const named = lines.find(({ name }) => basename(name) === basename(archive))
  const line = named ?? (lines.length === 1 ? lines[0] : undefined)
  if (line === undefined) findings.problem('sha256-file', `${basename(file)} does not name the archive`)
  else if (line.digest !== sha256) {
    findings.problem(
      'sha256-file',
      `the archive's SHA-256 is ${sha256}, ${basename(file)} says ${line.digest}`,
    )
  }
  findings.detail(
    'sha256-file',
    named === undefined ? `as in ${basename(file)}, under another name` : `as in ${basename(file)}`,
  )
}

async function boundedText(file: string): Promise<string | undefined> {
  try {
    const facts = await stat(file)
    return facts.isFile() && facts.size <= MAX_BYTES ? await readFile(file, 'utf8') : undefined
  } catch {
    return undefined
  }
}
