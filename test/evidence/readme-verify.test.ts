import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

import { describe, expect, it } from '@jest/globals'

import { contentOf, filesOf, FOLDER, LOG, POD_LOG, sealedArchive, sha256 } from './forgery.js'

const run = promisify(execFile)
const README = 'templates/README-VERIFY.txt'
const BEFORE_CHECKS = 'cd "$name"\n'

/** Every indented line of the text, in order, with the archive's name put in. */
async function commands(): Promise<string> {
  const text = await readFile(README, 'utf8')
  const lines = text.split('\n').filter((line) => line.startsWith('    '))
  return `${lines.map((line) => line.slice(4)).join('\n')}\n`.replace(
    /^name=NAME-OF-THE-ARCHIVE$/m,
    `name=${FOLDER}`,
  )
}

/** What a shell prints for the commands, on a fresh archive, with something done to it once it is unpacked. */
async function byHand(
  shell: readonly string[],
  harm = '',
): Promise<{ readonly out: string; readonly archive: string }> {
  const archive = await sealedArchive()
  const script = (await commands()).replace(BEFORE_CHECKS, `${BEFORE_CHECKS}${harm}\n`)
  const [program, ...options] = shell
  const { stdout } = await run(program!, [...options, '-c', `{ ${script} } 2>&1`], {
    cwd: dirname(archive),
  }).catch((error: unknown) => error as { stdout: string })
  return { out: stdout, archive }
}

const SHELLS: readonly (readonly string[])[] = [
  ['sh', '-u'],
  ['bash', '--posix', '-u'],
]

describe('checking an archive by hand as README-VERIFY.txt says', () => {
  it.each(SHELLS)('finds an archive whole in %s', async (...shell) => {
    const { out, archive } = await byHand(shell)
    const files = await filesOf(archive)
    const lines = out.trim().split('\n')
    const checked = files.map(([path]) => path).filter((path) => path !== 'tagmanifest-sha256.txt')
    expect([...lines].sort()).toEqual(
      [
        `${FOLDER}.tar.gz: OK`,
        ...checked.map((path) => `${path}: OK`),
        `Impound-Log-Head: ${headOf(contentOf(files, LOG))}`,
      ].sort(),
    )
  })

  it.each([
    ['a changed file', `echo x >> ${POD_LOG}`, `${POD_LOG}: FAILED`],
    ['a changed manifest', 'echo >> manifest-sha256.txt', 'manifest-sha256.txt: FAILED'],
    ['a lost file', `rm ${POD_LOG}`, `${POD_LOG}: FAILED open or read`],
    ['a stranger', 'echo x > data/stranger', '> data/stranger'],
    ['a link', 'ln -s /etc/passwd data/link', '> data/link'],
    ['an edited line of the log', `sed -i '4s/"at":"2026/"at":"2025/' ${LOG}`, 'broken at line 4'],
    ['a line taken out of the log', `sed -i 3d ${LOG}`, 'broken at line 2'],
    ['the end of the log taken off', `sed -i '$d' ${LOG}`, 'acquisition.jsonl: FAILED'],
  ])('finds %s', async (_, harm, told) => {
    const { out } = await byHand(['sh', '-u'], harm)
    expect(out.split('\n')).toContain(told)
  })

  it('prints no log head that is not that of the last line', async () => {
    const { out } = await byHand(['sh', '-u'], `sed -i '$d' ${LOG}`)
    expect(out).not.toContain('Impound-Log-Head')
  })

  it('shows the chain in a loop of six lines', async () => {
    const text = await readFile(README, 'utf8')
    const loop = text.slice(text.indexOf('    prev='), text.indexOf('\n\n', text.indexOf('    prev=')))
    expect(loop.split('\n')).toHaveLength(6)
  })

  it('says what it does not prove, in lines that fit a terminal', async () => {
    const text = await readFile(README, 'utf8')
    expect(text).toContain('This archive is not signed.')
    expect(text).toContain('the chain has no key')
    const prose = text.split('\n').filter((line) => !line.startsWith('    '))
    expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(80)
  })
})

function headOf(log: Buffer): string {
  const text = log.toString()
  return sha256(text.slice(text.lastIndexOf('\n', text.length - 2) + 1))
}
