import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { describe, expect, it } from '@jest/globals'

import { sealSpool, type SealedArchive, type Spool } from '../../src/evidence/index.js'
import type { LogLine } from '../../src/model/acquisition.js'
import { collectSome, DIRECTORY, newSpool, README, SCENE, scratch, STREAM } from './scratch.js'

const run = promisify(execFile)

async function seal(spool: Spool, incomplete?: string): Promise<SealedArchive> {
  return sealSpool(spool, {
    readme: README,
    besides: [{ name: 'report.md', text: '# INC-42\n' }],
    signal: new AbortController().signal,
    ...(incomplete === undefined ? {} : { incomplete }),
  })
}

async function unpacked(archive: SealedArchive): Promise<string> {
  const directory = await scratch()
  await run('tar', ['xzf', archive.path, '-C', directory])
  return join(directory, SCENE.run)
}

describe('sealing', () => {
  it('makes an archive that tar and sha256sum agree with', async () => {
    const output = await scratch()
    const spool = await newSpool(output)
    await collectSome(spool)
    const archive = await seal(spool)
    const bag = await unpacked(archive)
    const check = await run(
      'sha256sum',
      ['-c', '--strict', 'tagmanifest-sha256.txt', 'manifest-sha256.txt'],
      {
        cwd: bag,
      },
    )
    expect(check.stdout).toContain(`data/targets/${DIRECTORY}/logs/app/current.log: OK`)
    const outside = await run('sha256sum', ['-c', '--strict', archive.sha256File], { cwd: output })
    expect(outside.stdout).toBe(`${SCENE.run}.tar.gz: OK\n`)
  })

  it('lists every file of the bag in a manifest and nothing else', async () => {
    const spool = await newSpool(await scratch())
    await collectSome(spool)
    const bag = await unpacked(await seal(spool))
    const found = await run('find', ['.', '-type', 'f'], { cwd: bag })
    const manifests = await Promise.all(
      ['manifest-sha256.txt', 'tagmanifest-sha256.txt'].map((name) => readFile(join(bag, name), 'utf8')),
    )
    const listed = manifests.flatMap((text) =>
      [...text.matchAll(/^[0-9a-f]{64} {2}(.+)$/gm)].map(([, path]) => path),
    )
    const files = found.stdout
      .trim()
      .split('\n')
      .map((path) => path.slice(2))
    expect(files.sort()).toEqual([...listed, 'tagmanifest-sha256.txt'].sort())
  })

  it('chains the acquisition log and states its head in bag-info.txt', async () => {
    const spool = await newSpool(await scratch())
    await collectSome(spool)
    const archive = await seal(spool)
    const bag = await unpacked(archive)
    const raw = (await readFile(join(bag, 'acquisition.jsonl'), 'utf8')).split('\n').slice(0, -1)
    let prev = '0'.repeat(64)
    raw.forEach((text, seq) => {
      expect(text.startsWith(`{"seq":${seq},"prev":"${prev}","at":"2026-11-22T03:00:3`)).toBe(true)
      prev = createHash('sha256').update(`${text}\n`).digest('hex')
    })
    expect(archive.logHead).toBe(prev)
    expect(await readFile(join(bag, 'bag-info.txt'), 'utf8')).toContain(`Impound-Log-Head: ${prev}\n`)
    const types = raw.map((text) => (JSON.parse(text) as LogLine).type)
    expect(types[0]).toBe('scene')
    expect(types.at(-1)).toBe('sealed')
  })

  it('describes the bag as RFC 8493 asks', async () => {
    const spool = await newSpool(await scratch())
    await collectSome(spool)
    const bag = await unpacked(await seal(spool, 'interrupted by\nCtrl-C'))
    expect(await readFile(join(bag, 'bagit.txt'), 'utf8')).toBe(
      'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n',
    )
    const sizes = await run('sh', ['-c', 'find data -type f -printf "%s\\n"'], { cwd: bag })
    const each = sizes.stdout.trim().split('\n').map(Number)
    const info = await readFile(join(bag, 'bag-info.txt'), 'utf8')
    expect(info.split('\n')).toEqual([
      'Bag-Software-Agent: impound 0.1.0',
      'Bagging-Date: 2026-11-22',
      'External-Identifier: INC-42',
      'Impound-Archive-Version: 1',
      'Impound-Incomplete: interrupted by Ctrl-C',
      expect.stringMatching(/^Impound-Log-Head: [0-9a-f]{64}$/),
      `Payload-Oxum: ${each.reduce((sum, size) => sum + size, 0)}.${each.length}`,
      '',
    ])
  })

  it('projects index and ledger from the log', async () => {
    const spool = await newSpool(await scratch())
    await collectSome(spool)
    const bag = await unpacked(await seal(spool))
    const index = (await readFile(join(bag, 'data/index.jsonl'), 'utf8')).trim().split('\n')
    const paths = index.map((line) => (JSON.parse(line) as { path: string }).path)
    expect(paths).toEqual([
      'data/automatic/report.md',
      'data/scene.json',
      `data/targets/${DIRECTORY}/api/0001.json`,
      `data/targets/${DIRECTORY}/logs/app/current.log`,
      `data/targets/${DIRECTORY}/pod.json`,
    ])
    const ledger = JSON.parse(await readFile(join(bag, 'data/ledger.json'), 'utf8')) as {
      rows: { subject: string; status: string }[]
      counts: unknown
    }
    expect(ledger.rows.map(({ subject, status }) => `${subject}: ${status}`)).toEqual([
      'scene: collected',
      'logs app: collected',
      'logs istio-proxy previous: skipped',
      'pod: collected',
    ])
    expect(ledger.counts).toEqual({ collected: 3, partial: 0, skipped: 1, failed: 0 })
  })

  it('gives the same bytes for the same evidence', async () => {
    const archives = await Promise.all(
      [1, 2].map(async () => {
        const spool = await newSpool(await scratch())
        await collectSome(spool)
        return seal(spool)
      }),
    )
    expect(archives[0]?.sha256).toBe(archives[1]?.sha256)
    expect(await readFile(archives[0]!.path)).toEqual(await readFile(archives[1]!.path))
  })

  it('gives every member the mode 0600, no owner and the time of the run', async () => {
    const spool = await newSpool(await scratch())
    await collectSome(spool)
    const archive = await seal(spool)
    const list = await run('tar', ['tvzf', archive.path, '--numeric-owner', '--utc', '--full-time'])
    const lines = list.stdout.trim().split('\n')
    expect(lines.length).toBe(13)
    for (const line of lines) expect(line).toMatch(/^-rw------- 0\/0 +\d+ 2026-11-22 03:00:33 INC-42_/)
    const names = lines.map((line) => line.split(' ').at(-1))
    expect(names).toEqual([...names].sort())
  })

  it('leaves the archive, its hash and the documents for the reader, and no spool', async () => {
    const output = await scratch()
    await writeFile(join(output, 'report.md'), 'of an earlier run')
    const spool = await newSpool(output)
    await collectSome(spool)
    const archive = await seal(spool)
    expect((await readdir(output)).sort()).toEqual(
      [`${SCENE.run}.report.md`, `${SCENE.run}.tar.gz`, `${SCENE.run}.tar.gz.sha256`, 'report.md'].sort(),
    )
    expect(archive.besides).toEqual([join(output, `${SCENE.run}.report.md`)])
    expect(archive.bytes).toBe((await stat(archive.path)).size)
    expect((await stat(archive.path)).mode & 0o777).toBe(0o600)
  })

  it('concludes what is still being received as partial: interrupted', async () => {
    const spool = await newSpool(await scratch())
    const sink = spool.targetSink({ directory: DIRECTORY }, 'logs')
    const writers = await Promise.all(
      ['app', 'side'].map((name) => sink.open(`logs/${name}/current.log`, STREAM, `logs ${name}`)),
    )
    for (const writer of writers) await writer.write('half a li')
    const bag = await unpacked(await seal(spool, 'interrupted by Ctrl-C'))
    const ledger = JSON.parse(await readFile(join(bag, 'data/ledger.json'), 'utf8')) as { rows: object[] }
    expect(ledger.rows).toContainEqual(
      expect.objectContaining({ subject: 'logs side', status: 'partial', reason: 'interrupted', bytes: 9 }),
    )
    expect(await readFile(join(bag, `data/targets/${DIRECTORY}/logs/app/current.log`), 'utf8')).toBe(
      'half a li',
    )
  })

  it('keeps the spool when it is told to stop while packing', async () => {
    const output = await scratch()
    const spool = await newSpool(output)
    await collectSome(spool)
    const stop = new AbortController()
    const sealing = sealSpool(spool, { readme: README, besides: [], signal: stop.signal })
    const deadline = Date.now() + 100_000
    while (!(await readdir(output)).some((name) => name.endsWith('.tar.gz.partial'))) {
      if (Date.now() > deadline) throw new Error('packing never began')
    }
    stop.abort()
    await expect(sealing).rejects.toMatchObject({ code: 'aborted' })
    expect(await readdir(output)).toEqual([`${SCENE.run}.partial`])
  })

  it('refuses to pack a file that is no longer what was received, and keeps the spool', async () => {
    const output = await scratch()
    const spool = await newSpool(output)
    await collectSome(spool)
    const file = join(spool.directory, `data/targets/${DIRECTORY}/api/0001.json`)
    await writeFile(file, '{"kind":"POD"}')
    await expect(seal(spool)).rejects.toMatchObject({ code: 'integrity' })
    expect(await readdir(output)).not.toContain(`${SCENE.run}.tar.gz`)
    expect(await readFile(file, 'utf8')).toBe('{"kind":"POD"}')
  })

  it('lists a file that the log does not know as partial, and leaves what is not of our making where it is', async () => {
    const output = await scratch()
    const spool = await newSpool(output)
    await mkdir(join(spool.directory, 'data/targets', DIRECTORY), { recursive: true })
    await writeFile(join(spool.directory, 'data/targets', DIRECTORY, 'stray.bin'), 'abc')
    await writeFile(join(spool.directory, 'data', '.DS_Store'), 'finder')
    const bag = await unpacked(await seal(spool))
    const index = await readFile(join(bag, 'data/index.jsonl'), 'utf8')
    expect(index).toContain(`"path":"data/targets/${DIRECTORY}/stray.bin"`)
    expect(index).not.toContain('DS_Store')
    expect(await readFile(join(spool.directory, 'data', '.DS_Store'), 'utf8')).toBe('finder')
  })

  it('refuses where an archive of that name appeared meanwhile', async () => {
    const output = await scratch()
    const spool = await newSpool(output)
    await writeFile(join(output, `${SCENE.run}.tar.gz`), 'somebody else')
    await expect(seal(spool)).rejects.toMatchObject({ code: 'usage' })
    await spool.close()
    expect(await readFile(join(output, `${SCENE.run}.tar.gz`), 'utf8')).toBe('somebody else')
  })

  it('packs an archive of nothing but the scene', async () => {
    const spool = await newSpool(await scratch())
    const bag = await unpacked(await seal(spool))
    expect(await readFile(join(bag, 'data/scene.json'), 'utf8')).toContain('"case": "INC-42"')
  })
})
