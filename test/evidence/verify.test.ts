import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  readFile,
  rename,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { execFileSync } from 'node:child_process'

import { beforeAll, describe, expect, it } from '@jest/globals'
import { Ajv2020 } from 'ajv/dist/2020.js'

import { openNamed } from '../../src/evidence/read-hashed.js'
import { member, tarOf } from '../formats/tar-fixtures.js'
import {
  contentOf,
  failedChecks,
  filesOf,
  FOLDER,
  LOG,
  logLines,
  manifestsMadeAnew,
  memberOf,
  POD_LOG,
  rechained,
  replaced,
  sealedArchive,
  sha256,
  verified,
  verifyBytes,
  verifyFiles,
  withLog,
  type Files,
} from './forgery.js'
import { collectSome, newSpool, scratch } from './scratch.js'

let files: Files
let bytes: Buffer

beforeAll(async () => {
  const archive = await sealedArchive()
  bytes = await readFile(archive)
  files = await filesOf(archive)
})

async function validates(report: unknown): Promise<void> {
  const ajv = new Ajv2020({ strict: true, allErrors: true })
  const validate = ajv.compile(JSON.parse(await readFile('schemas/verify.v1.json', 'utf8')) as object)
  expect([validate(report), validate.errors]).toEqual([true, null])
}

describe('verifying an archive that is as it was sealed', () => {
  it('finds it whole, unsigned, and says what was looked at', async () => {
    const archive = await sealedArchive()
    const report = await verified(archive)
    expect(report).toMatchObject({
      schema: 'impound/verify/v1',
      archive,
      kind: 'archive',
      ok: true,
      verdict: 'whole',
      incomplete: false,
      incompleteWhy: null,
      signed: false,
      problems: [],
      problemsLeftOut: 0,
      sha256: sha256(await readFile(archive)),
      bytes: (await readFile(archive)).length,
      files: files.length,
      logHead: sha256(`${logLines(files).at(-1) ?? ''}\n`),
    })
    expect(report.checks.map(({ name, ok }) => [name, ok])).toEqual([
      ['sha256-file', true],
      ['gzip', true],
      ['tar', true],
      ['members', true],
      ['bag', true],
      ['tag-manifest', true],
      ['payload-manifest', true],
      ['files', true],
      ['payload-oxum', true],
      ['log-chain', true],
      ['log-agreement', true],
      ['projections', true],
      ['seal', true],
      ['signature', null],
    ])
    await validates(report)
  })

  it('finds it incomplete where the tool labelled it so', async () => {
    const report = await verified(await sealedArchive('interrupted by Ctrl-C'))
    expect(report).toMatchObject({
      ok: true,
      verdict: 'incomplete',
      incomplete: true,
      incompleteWhy: 'interrupted by Ctrl-C',
      problems: [],
    })
    await validates(report)
  })

  it('finds it whole when it was packed again with the same files', async () => {
    expect((await verifyFiles(files)).verdict).toBe('whole')
    expect((await verifyFiles([...files].reverse())).verdict).toBe('whole')
  })

  it('finds it whole once it is unpacked', async () => {
    const directory = await scratch()
    const archive = await sealedArchive()
    execFileSync('tar', ['xzf', archive, '-C', directory])
    const report = await verified(join(directory, FOLDER))
    expect(report).toMatchObject({ kind: 'directory', ok: true, verdict: 'whole', sha256: null, bytes: null })
    await validates(report)
  })

  it('calls a run that was not sealed yet unsealed, which is not ok', async () => {
    const spool = await newSpool(await scratch())
    await collectSome(spool)
    await spool.close()
    const report = await verified(spool.directory)
    expect(report).toMatchObject({ ok: false, verdict: 'unsealed', problems: [] })
    expect(report.checks.find(({ name }) => name === 'log-agreement')?.ok).toBe(true)
    await validates(report)
  })
})

describe('verifying a spool that a crash left', () => {
  it('calls it unsealed and names the files that were still open, which the log can not know yet', async () => {
    const spool = await newSpool(await scratch())
    await collectSome(spool)
    await spool.close()
    await writeFile(join(spool.directory, 'data/redactions.jsonl'), '{}\n')
    const report = await verified(spool.directory)
    expect(report).toMatchObject({ ok: false, verdict: 'unsealed', problems: [] })
    expect(report.checks.find(({ name }) => name === 'log-agreement')).toEqual({
      name: 'log-agreement',
      ok: null,
      detail: 'not in the log yet, open when the run ended: data/redactions.jsonl',
    })
    await validates(report)
  })

  it('still calls the log broken where a file that it knows was changed', async () => {
    const spool = await newSpool(await scratch())
    await collectSome(spool)
    await spool.close()
    await writeFile(join(spool.directory, 'data/redactions.jsonl'), '{}\n')
    await writeFile(join(spool.directory, POD_LOG), 'not what was received\n')
    const report = await verified(spool.directory)
    expect([report.verdict, failedChecks(report)]).toEqual(['broken-chain', ['log-agreement']])
  })

  it('excuses no unknown file where the log says that it was sealed', async () => {
    const directory = join(await scratch(), FOLDER)
    const stripped = files.filter(([path]) => path === LOG || path.startsWith('data/'))
    for (const [path, content] of [...stripped, ['data/extra.json', Buffer.from('{}')] as const]) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), content)
    }
    const report = await verified(directory)
    expect([report.verdict, failedChecks(report)]).toEqual(['broken-chain', ['log-agreement']])
  })
})

describe('verifying what is no archive at all', () => {
  it('refuses a pipe without waiting for a writer, and a device that never ends', async () => {
    const pipe = join(await scratch(), 'pipe.tar.gz')
    execFileSync('mkfifo', [pipe])
    for (const path of [pipe, '/dev/zero', '/dev/null']) {
      await expect(verified(path)).rejects.toMatchObject({
        code: 'usage',
        message: `${path} is neither a file nor a directory`,
      })
    }
  })

  it('opens no pipe that took the place of a file', async () => {
    const pipe = join(await scratch(), 'pipe.tar.gz')
    execFileSync('mkfifo', [pipe])
    await expect(openNamed(pipe)).rejects.toMatchObject({ code: 'usage' })
  })

  it.each([
    ['never was gzip', Buffer.alloc(0)],
    ['only begins as gzip', gzipSync('text').subarray(0, 10)],
  ])('reads a huge file that %s no further than it must', async (_, start) => {
    const path = join(await scratch(), 'huge.tar.gz')
    await writeFile(path, start)
    await writeFile(`${path}.sha256`, `${'0'.repeat(64)}  huge.tar.gz\n`)
    await truncate(path, 300e9)
    const report = await verified(path)
    expect(report).toMatchObject({ verdict: 'corrupt', ok: false, sha256: null, bytes: 300e9 })
    expect(failedChecks(report)).toEqual(['gzip'])
    expect(report.checks[0]).toMatchObject({
      name: 'sha256-file',
      ok: null,
      detail: expect.stringMatching(/^no SHA-256 was made: reading stopped \d+ bytes before the end$/),
    })
    await validates(report)
  })

  it('says which folder of a directory it may not read', async () => {
    const parent = await scratch()
    const closed = join(parent, FOLDER, 'data')
    await mkdir(closed, { recursive: true })
    await chmod(parent, 0o755)
    await chmod(closed, 0)
    await expect(asNobody(() => verified(join(parent, FOLDER)))).rejects.toMatchObject({
      code: 'storage',
      message: `can't read ${closed}: permission denied`,
      hints: ['everything in it must be readable: check owner and permissions of this folder'],
    })
  })
})

describe('verifying an archive that was damaged', () => {
  it('notices a bit flipped anywhere in the file', async () => {
    const archive = join(await scratch(), `${FOLDER}.tar.gz`)
    await writeFile(`${archive}.sha256`, `${sha256(bytes)}  ${FOLDER}.tar.gz\n`)
    const step = Math.ceil(bytes.length / 150)
    for (let offset = 0; offset < bytes.length; offset += step) {
      const flipped = Buffer.from(bytes)
      flipped[offset] = (flipped[offset] ?? 0) ^ (1 << (offset % 8))
      await writeFile(archive, flipped)
      const report = await verified(archive)
      expect([offset, report.ok]).toEqual([offset, false])
      expect(failedChecks(report)).toContain('sha256-file')
      expect(['corrupt', 'cut']).toContain(report.verdict)
    }
  })

  it('notices a bit flipped in any block of the tar, without a hash beside it', async () => {
    const tar = gunzipSync(bytes)
    const filling = fillingOf(tar)
    for (let offset = 100; offset < tar.length; offset += 512) {
      const flipped = Buffer.from(tar)
      flipped[offset] = (flipped[offset] ?? 0) ^ 2
      const { ok } = await verifyBytes(gzipSync(flipped, { level: 1 }))
      // What fills up a member's last block belongs to nothing; only the hash of the whole file covers it.
      expect([offset, ok]).toEqual([offset, filling.some(([from, to]) => offset >= from && offset < to)])
    }
  })

  it('tells every cut of the file as a cut', async () => {
    const step = Math.ceil(bytes.length / 100)
    for (let length = 0; length < bytes.length; length += step) {
      const report = await verifyBytes(bytes.subarray(0, length))
      expect([length, report.verdict, report.ok]).toEqual([length, 'cut', false])
    }
  })

  it('tells a tar that was cut at any block as a cut, though its gzip is whole', async () => {
    const tar = gunzipSync(bytes)
    for (let length = 0; length < tar.length - 512; length += 512) {
      const report = await verifyBytes(gzipSync(tar.subarray(0, length), { level: 1 }))
      expect([length, report.verdict, report.ok]).toEqual([length, 'cut', false])
      expect(failedChecks(report)).toContain('tar')
    }
  })

  it.each([
    [
      'zeros after the last gzip member',
      (whole: Buffer) => Buffer.concat([whole, Buffer.alloc(512)]),
      ['gzip'],
    ],
    [
      'text after the last gzip member',
      (whole: Buffer) => Buffer.concat([whole, Buffer.from('more')]),
      ['gzip'],
    ],
    [
      'another tar after the end mark',
      (whole: Buffer) => Buffer.concat([whole, gzipSync(tarOf(memberOf('data/x', Buffer.from('x'))))]),
      ['tar'],
    ],
    [
      'a megabyte of zeros after the end mark',
      (whole: Buffer) => Buffer.concat([whole, gzipSync(Buffer.alloc(1 << 20))]),
      ['tar'],
    ],
    ['no gzip', () => Buffer.from('PK\x03\x04 this is another kind of archive'), ['gzip']],
    ['gzip of no tar', () => gzipSync('this is no tar'.repeat(100)), ['tar']],
    ['an empty tar', () => gzipSync(Buffer.alloc(1024)), ['members', 'bag']],
  ])('names %s', async (_, change, checks) => {
    const report = await verifyBytes(change(bytes))
    expect(report.verdict).toBe('corrupt')
    expect(failedChecks(report)).toEqual(checks)
  })

  it('says that the file beside it belongs to another archive', async () => {
    const archive = await sealedArchive()
    await writeFile(`${archive}.sha256`, `${'0'.repeat(64)}  ${basename(archive)}\n`)
    const report = await verified(archive)
    expect([report.verdict, failedChecks(report)]).toEqual(['corrupt', ['sha256-file']])
  })

  it('accepts an archive under another name, and takes the hash from a file that is named', async () => {
    const archive = await sealedArchive()
    const moved = join(dirname(archive), 'evidence.tar.gz')
    await rename(archive, moved)
    const report = await verified(moved, { expectSha256File: `${archive}.sha256` })
    expect(report.verdict).toBe('whole')
    expect(report.checks[0]).toMatchObject({ name: 'sha256-file', ok: true })
    await expect(verified(moved, { expectSha256File: `${moved}.nowhere` })).rejects.toMatchObject({
      code: 'usage',
    })
  })

  it('refuses a path that is not there, and stops when told to', async () => {
    await expect(verified('/nowhere/at/all.tar.gz')).rejects.toMatchObject({ code: 'usage' })
    const archive = await sealedArchive()
    await expect(verified(archive, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})

describe('verifying an archive whose members were changed', () => {
  const evil = Buffer.from('not what was received\n')

  it.each<[string, (given: Files) => Files, readonly string[]]>([
    [
      'a file replaced',
      (given) => replaced(given, POD_LOG, () => evil),
      ['payload-manifest', 'payload-oxum', 'log-agreement'],
    ],
    [
      'a file replaced by one of the same size',
      (given) => replaced(given, POD_LOG, (content) => Buffer.from(content.toString().replace('ok', 'no'))),
      ['payload-manifest', 'log-agreement'],
    ],
    [
      'a file taken out',
      (given) => given.filter(([path]) => path !== POD_LOG),
      ['files', 'payload-oxum', 'log-agreement'],
    ],
    [
      'a file put in',
      (given) => [...given, ['data/extra.json', evil]],
      ['files', 'payload-oxum', 'log-agreement'],
    ],
    ['a tag file put in', (given) => [...given, ['notes.txt', evil]], ['files']],
    ['a file there twice', (given) => [...given, [POD_LOG, contentOf(given, POD_LOG)]], ['members']],
    ['a file there twice, the later one another', (given) => [...given, [POD_LOG, evil]], ['members']],
    [
      'the tag manifest taken out',
      (given) => given.filter(([path]) => path !== 'tagmanifest-sha256.txt'),
      ['bag'],
    ],
    ['the log taken out', (given) => given.filter(([path]) => path !== LOG), ['bag', 'files']],
    [
      'README-VERIFY.txt changed',
      (given) => replaced(given, 'README-VERIFY.txt', () => evil),
      ['tag-manifest'],
    ],
    ['bagit.txt changed', (given) => manifestsMadeAnew(replaced(given, 'bagit.txt', () => evil)), ['bag']],
    [
      'another archive version',
      (given) =>
        manifestsMadeAnew(
          replaced(given, 'bag-info.txt', (text) =>
            Buffer.from(text.toString().replace('Version: 1', 'Version: 2')),
          ),
        ),
      ['bag'],
    ],
    [
      'the ledger changed, manifests made anew',
      (given) => manifestsMadeAnew(replaced(given, 'data/ledger.json', () => evil)),
      ['projections'],
    ],
    [
      'the index cut by a line, manifests made anew',
      (given) =>
        manifestsMadeAnew(
          replaced(given, 'data/index.jsonl', (text) =>
            text.subarray(0, text.lastIndexOf('\n', text.length - 2) + 1),
          ),
        ),
      ['projections'],
    ],
    [
      'a file replaced, manifests made anew',
      (given) => manifestsMadeAnew(replaced(given, POD_LOG, () => evil)),
      ['log-agreement'],
    ],
    [
      'a file taken out, manifests made anew',
      (given) => manifestsMadeAnew(given.filter(([path]) => path !== POD_LOG)),
      ['log-agreement'],
    ],
    [
      'a file put in, manifests made anew',
      (given) => manifestsMadeAnew([...given, ['data/extra.json', evil]]),
      ['log-agreement'],
    ],
    [
      'a manifest line twice',
      (given) => replaced(given, 'manifest-sha256.txt', (text) => Buffer.concat([text, text])),
      ['tag-manifest', 'payload-manifest'],
    ],
    [
      'a manifest that is none',
      (given) => replaced(given, 'manifest-sha256.txt', () => evil),
      ['tag-manifest', 'payload-manifest', 'files'],
    ],
    [
      'a manifest that leads out of the bag',
      (given) =>
        replaced(given, 'manifest-sha256.txt', (text) =>
          Buffer.concat([text, Buffer.from(`${'0'.repeat(64)}  ../../etc/passwd\n`)]),
        ),
      ['tag-manifest', 'payload-manifest'],
    ],
    [
      'payload hidden in the tag manifest',
      (given) =>
        replaced([...given, ['data/extra', evil]], 'tagmanifest-sha256.txt', (text) =>
          Buffer.concat([text, Buffer.from(`${sha256(evil)}  data/extra\n`)]),
        ),
      ['tag-manifest', 'files', 'payload-oxum', 'log-agreement'],
    ],
  ])('names %s', async (_, change, checks) => {
    const report = await verifyFiles(change(files))
    expect(report.ok).toBe(false)
    expect(failedChecks(report)).toEqual(checks)
    const ofLog = ['log-chain', 'log-agreement', 'projections', 'seal']
    expect(report.verdict).toBe(checks.every((check) => ofLog.includes(check)) ? 'broken-chain' : 'corrupt')
    await validates(report)
  })

  it('tells every mismatch, not only the first', async () => {
    const changed = files.map(
      ([path, content]) => [path, path.startsWith('data/targets') ? evil : content] as const,
    )
    const { problems } = await verifyFiles(changed)
    const count = changed.filter(([path]) => path.startsWith('data/targets')).length
    expect(problems.filter(({ check }) => check === 'payload-manifest')).toHaveLength(count)
    expect(problems.filter(({ check }) => check === 'log-agreement')).toHaveLength(count)
  })

  it('bounds how many it tells and counts the rest', async () => {
    const many = Array.from({ length: 900 }, (_, index) => [`data/stranger-${index}`, evil] as const)
    const report = await verifyFiles([...files, ...many])
    expect(report.problems.filter(({ check }) => check === 'files')).toHaveLength(200)
    expect(report.problems.length + report.problemsLeftOut).toBe(900 + 900 + 1)
  })

  it.each([
    ['an absolute name', member({ name: '/etc/cron.d/x', content: evil })],
    ['a name that leads upwards', member({ name: `${FOLDER}/../../x`, content: evil })],
    ['a name with a NUL in PAX', Buffer.concat([memberOf('data/x\0y'.padEnd(120, 'z'), evil)])],
    ['a name with an escape', member({ name: `${FOLDER}/data/\x1b[2Jx`, content: evil })],
    ['a second folder', member({ name: 'another/data/x', content: evil })],
    ['a file beside the folder', member({ name: FOLDER.slice(0, -1), content: evil })],
    ['a symlink', memberOf('data/link', Buffer.alloc(0), { typeflag: '2', fields: { link: '/etc/passwd' } })],
    [
      'a hardlink',
      memberOf('data/link', Buffer.alloc(0), { typeflag: '1', fields: { link: `${FOLDER}/bagit.txt` } }),
    ],
    ['a character device', memberOf('data/device', Buffer.alloc(0), { typeflag: '3' })],
    ['a block device', memberOf('data/device', Buffer.alloc(0), { typeflag: '4' })],
    ['a fifo', memberOf('data/fifo', Buffer.alloc(0), { typeflag: '6' })],
    ['a member of unknown type', memberOf('data/volume', Buffer.alloc(0), { typeflag: 'V' })],
    ['an empty directory', memberOf('data/nothing', Buffer.alloc(0), { typeflag: '5' })],
    [
      'a setuid directory',
      memberOf('data', Buffer.alloc(0), { typeflag: '5', fields: { mode: '0004755\0' } }),
    ],
  ])('names %s as no member of ours', async (_, stranger) => {
    const tar = gunzipSync(bytes)
    const report = await verifyBytes(gzipSync(Buffer.concat([stranger, tar])))
    expect(report.verdict).toBe('corrupt')
    const later = await verifyBytes(
      gzipSync(Buffer.concat([tar.subarray(0, -1024), stranger, Buffer.alloc(1024)])),
    )
    expect(later.verdict).toBe('corrupt')
    expect(failedChecks(later)).toContain('members')
  })

  it('names links and strangers in an unpacked bag without following them', async () => {
    const directory = await scratch()
    execFileSync('tar', ['xzf', await sealedArchive(), '-C', directory])
    const bag = join(directory, FOLDER)
    await copyFile(join(bag, POD_LOG), join(directory, 'elsewhere'))
    await unlink(join(bag, POD_LOG))
    await symlink(join(directory, 'elsewhere'), join(bag, POD_LOG))
    await writeFile(join(bag, 'data/stranger'), 'x')
    await appendFile(join(bag, 'README-VERIFY.txt'), 'x')
    const report = await verified(bag)
    expect(report.verdict).toBe('corrupt')
    expect(failedChecks(report)).toEqual([
      'members',
      'tag-manifest',
      'files',
      'payload-oxum',
      'log-agreement',
    ])
  })
})

describe('verifying an archive whose log was changed, all hashes of it made anew', () => {
  it.each<[string, (lines: readonly string[]) => readonly string[], readonly string[]]>([
    [
      'a line edited',
      (lines) => lines.map((line, at) => (at === 3 ? line.replace('"at":"2026', '"at":"2025') : line)),
      ['log-chain'],
    ],
    ['two lines swapped', ([a, b, c, ...rest]) => [a!, c!, b!, ...rest], ['log-chain']],
    ['a line taken out', (lines) => lines.filter((_, at) => at !== 2), ['log-chain', 'log-agreement']],
    ['a line put in', (lines) => [...lines.slice(0, 3), lines[2]!, ...lines.slice(3)], ['log-chain']],
    ['its first line taken out', (lines) => lines.slice(1), ['log-chain']],
    ['its end taken off', (lines) => lines.slice(0, -1), ['seal']],
    ['nothing left of it', () => [], ['log-chain']],
    [
      'a line that hides its seq behind others',
      (lines) =>
        lines.map((line, at) =>
          at === 3 ? line.replace(/^\{("seq":\d+),("prev":"\w+"),/, '{"x":0,$1,$2,') : line,
        ),
      ['log-chain'],
    ],
    [
      'a second seq further on',
      (lines) => lines.map((line, at) => (at === 3 ? line.replace(/\}$/, ',"seq":99}') : line)),
      ['log-chain'],
    ],
    ['a line that is no JSON', (lines) => [...lines.slice(0, -1), '{"seq":'], ['log-chain']],
    [
      'a line of unknown kind, chained anew',
      (lines) => rechained(lines.map((line) => line.replace('"type":"intent"', '"type":"dream"'))),
      ['log-chain'],
    ],
    [
      "an artefact's hash edited, chained anew",
      (lines) =>
        rechained(
          lines.map((line) =>
            line.replace(/("path":"[^"]*current.log","sha256":")\w{64}/, `$1${'0'.repeat(64)}`),
          ),
        ),
      ['log-agreement', 'projections'],
    ],
    [
      'an artefact forgotten, chained anew',
      (lines) => rechained(lines.filter((line) => !line.includes('current.log'))),
      ['log-agreement', 'projections'],
    ],
    [
      'a failure turned into a harmless skip, chained anew',
      (lines) => rechained(lines.map((line) => line.replace('"not-applicable"', '"not-requested"'))),
      ['projections'],
    ],
    [
      'another case, chained anew',
      (lines) => rechained(lines.map((line) => line.replace('"case":"INC-42"', '"case":"INC-43"'))),
      ['log-agreement'],
    ],
  ])('names %s', async (_, change, checks) => {
    const lines = logLines(files)
    expect(change(lines)).not.toEqual(lines)
    const report = await verifyFiles(withLog(files, change(lines)))
    expect(report.verdict).toBe('broken-chain')
    expect(failedChecks(report)).toEqual(expect.arrayContaining([...checks]))
    await validates(report)
  })

  it('names a log whose last line was cut', async () => {
    const cut = manifestsMadeAnew(replaced(files, LOG, (content) => content.subarray(0, -20)))
    const report = await verifyFiles(cut)
    expect(report.verdict).toBe('broken-chain')
    expect(failedChecks(report)).toContain('log-chain')
  })

  it('names an incomplete run that was relabelled as complete', async () => {
    const incomplete = await filesOf(await sealedArchive('interrupted by Ctrl-C'))
    const relabelled = manifestsMadeAnew(
      replaced(incomplete, 'bag-info.txt', (text) =>
        Buffer.from(text.toString().replace(/^Impound-Incomplete.*\n/m, '')),
      ),
    )
    const report = await verifyFiles(relabelled)
    expect([report.verdict, failedChecks(report)]).toEqual(['broken-chain', ['seal']])
  })

  it('can not tell a log made anew from end to end: that is what a signature is for', async () => {
    const lines = rechained(
      logLines(files).map((line) => line.replace('"user":"ana@corp"', '"user":"bob@corp"')),
    )
    const report = await verifyFiles(withLog(files, lines))
    expect(report.signed).toBe(false)
    expect(report.checks.at(-1)).toEqual({
      name: 'signature',
      ok: null,
      detail: 'unsigned: nothing here proves who made it',
    })
    expect(failedChecks(report)).toEqual([])
  })
})

/** Permissions don't bind root, so it steps down meanwhile; anybody else is bound already. */
async function asNobody<Result>(run: () => Promise<Result>): Promise<Result> {
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    return await run()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}

/** Where bytes of the tar stand that fill up a last block: from, to. */
function fillingOf(tar: Buffer): readonly (readonly [number, number])[] {
  const filling: (readonly [number, number])[] = []
  for (let at = 0; tar[at] !== 0;) {
    const end = at + 512 + Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8)
    at = Math.ceil(end / 512) * 512
    filling.push([end, at])
  }
  return filling
}
