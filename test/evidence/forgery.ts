import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

import { sealSpool } from '../../src/evidence/index.js'
import { verifyArchive, type VerifyOptions, type VerifyReport } from '../../src/evidence/verify.js'
import { inChunks } from '../formats/streams.js'
import { member, paxMember, readAll, tarOf, type Member } from '../formats/tar-fixtures.js'
import { collectSome, DIRECTORY, newSpool, SCENE, scratch } from './scratch.js'

export const FOLDER = SCENE.run
export const POD_LOG = `data/targets/${DIRECTORY}/logs/app/current.log`
export const LOG = 'acquisition.jsonl'

/** A bag's files by their path inside it, in the order of the archive: what a forger has in his hands. */
export type Files = readonly (readonly [path: string, content: Buffer])[]

/** A real archive of a small run, sealed as every run is. */
export async function sealedArchive(incomplete?: string): Promise<string> {
  const spool = await newSpool(await scratch())
  await collectSome(spool)
  const sealed = await sealSpool(spool, {
    readme: await readFile('templates/README-VERIFY.txt', 'utf8'),
    besides: [],
    signal: new AbortController().signal,
    ...(incomplete === undefined ? {} : { incomplete }),
  })
  return sealed.path
}

export async function verified(path: string, options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
  return verifyArchive(path, { signal: new AbortController().signal, ...options })
}

/** The names of the checks that failed. */
export function failedChecks(report: VerifyReport): readonly string[] {
  return report.checks.filter(({ ok }) => ok === false).map(({ name }) => name)
}

export async function filesOf(archive: string): Promise<Files> {
  const { members } = await readAll(inChunks(gunzipSync(await readFile(archive)), 1 << 16))
  return members.map(({ header, content }) => [header.path.toString().slice(FOLDER.length + 1), content])
}

/** Writes bytes as an archive in a place of its own, without a .sha256 beside it, and checks it. */
export async function verifyBytes(bytes: Buffer): Promise<VerifyReport> {
  const path = join(await scratch(), `${FOLDER}.tar.gz`)
  await writeFile(path, bytes)
  return verified(path)
}

/** Packs files as they are, checks them. */
export async function verifyFiles(files: Files): Promise<VerifyReport> {
  return verifyBytes(packed(files))
}

export function packed(files: Files): Buffer {
  return gzipSync(tarOf(...files.map(([path, content]) => memberOf(path, content))))
}

/** One member in the archive's folder, with a PAX header where its name needs one. */
export function memberOf(path: string, content: Buffer, given: Partial<Member> = {}): Buffer {
  const name = `${FOLDER}/${path}`
  const plain = member({ name, content, ...given })
  return name.length <= 100 ? plain : Buffer.concat([paxMember({ path: name }), plain])
}

export function replaced(files: Files, path: string, change: (content: Buffer) => Buffer): Files {
  return files.map(([name, content]) => [name, name === path ? change(content) : content])
}

export function contentOf(files: Files, path: string): Buffer {
  return files.find(([name]) => name === path)?.[1] ?? Buffer.alloc(0)
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Makes both manifests and the Payload-Oxum anew, as a forger would who has understood BagIt and not the log. */
export function manifestsMadeAnew(files: Files): Files {
  const payload = files.filter(([path]) => path.startsWith('data/'))
  const bytes = payload.reduce((sum, [, content]) => sum + content.length, 0)
  let made = replaced(files, 'manifest-sha256.txt', () => manifestOf(payload))
  made = replaced(made, 'bag-info.txt', (content) =>
    Buffer.from(
      content.toString().replace(/^Payload-Oxum: .*$/m, `Payload-Oxum: ${bytes}.${payload.length}`),
    ),
  )
  const tags = made.filter(([path]) => !path.startsWith('data/') && path !== 'tagmanifest-sha256.txt')
  return replaced(made, 'tagmanifest-sha256.txt', () => manifestOf(tags))
}

function manifestOf(files: Files): Buffer {
  return Buffer.from(files.map(([path, content]) => `${sha256(content)}  ${path}\n`).join(''))
}

export function logLines(files: Files): readonly string[] {
  return contentOf(files, LOG).toString().split('\n').slice(0, -1)
}

/** The files with another log, everything that names the log's bytes being made anew except the chain itself. */
export function withLog(files: Files, lines: readonly string[]): Files {
  const text = lines.map((line) => `${line}\n`).join('')
  const head = sha256(`${lines.at(-1) ?? ''}\n`)
  const relabelled = replaced(files, 'bag-info.txt', (content) =>
    Buffer.from(content.toString().replace(/^Impound-Log-Head: .*$/m, `Impound-Log-Head: ${head}`)),
  )
  return manifestsMadeAnew(replaced(relabelled, LOG, () => Buffer.from(text)))
}

/** The lines with seq and prev made anew: the forgery that only a signature shows. */
export function rechained(lines: readonly string[]): readonly string[] {
  let prev = '0'.repeat(64)
  return lines.map((line, seq) => {
    const next = line.replace(/^\{"seq":\d+,"prev":"[0-9a-f]{64}"/, `{"seq":${seq},"prev":"${prev}"`)
    prev = sha256(`${next}\n`)
    return next
  })
}
