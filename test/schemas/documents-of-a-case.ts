import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'

import type { ArtefactRecord } from '../../src/model/evidence.js'
import type { RunResult } from '../../src/engine/result.js'
import type { Lab } from '../../src/lab/lab.js'
import { hears, type CommandLine } from '../commands/command-line.js'

/** A JSON document, or a line of one that is written in lines. */
export interface Document {
  /** The command or the archive's member, for a message. */
  readonly where: string
  /** The schema that it names or, for lines that name none, that its file's name stands for. */
  readonly schema: string | undefined
  readonly value: unknown
}

/** Lines that are too many to name their schema each. */
const SCHEMA_OF_LINES: Readonly<Record<string, string>> = {
  'acquisition.jsonl': 'impound/acquisition/v1',
  'index.jsonl': 'impound/index/v1',
  'redactions.jsonl': 'impound/redaction/v1',
  'events.jsonl': 'impound/event/v1',
  'diff.jsonl': 'impound/diff-entry/v1',
  'listing.jsonl': 'impound/listing-entry/v1',
  'processes.jsonl': 'impound/process/v1',
  'rootfs-diff.jsonl': 'impound/checkpoint-file/v1',
}

/**
 * Everything that impound prints as JSON and puts into archives, by the whole life of a case on the lab: plan, seizure,
 * snapshot, release, check, a folder that is sealed afterwards, and errors.
 */
export async function documentsOfACase(lab: Lab, cli: CommandLine): Promise<readonly Document[]> {
  const target = [lab.suspect.name, '-n', lab.suspect.namespace]
  const printed = (...argv: readonly string[]): Promise<readonly Document[]> => printedBy(cli, argv)
  const evidence = ['--allow', 'exec,node', '--registry']
  const planned = await printed('seize', ...target, '--dry-run', '--json')
  const seized = await printed(
    'seize',
    ...target,
    '--case',
    'S-1',
    ...evidence,
    cli.registry,
    '--export-image',
    '--yes',
    '--json',
  )
  const more = [...evidence, 'never', '--memory', 'app/47', '--node-triage', '--checkpoint', '--json-lines']
  const snapshot = await printed('snapshot', ...target, '--case', 'S-2', ...more)
  // through the container and without its image: files are listed, not compared
  const listed = ['--case', 'S-3', '--allow', 'exec', '--registry', 'never', '--json']
  const listing = await printed('snapshot', ...target, ...listed)
  const [first, second, third] = [archiveOf(seized), archiveOf(snapshot), archiveOf(listing)]
  const kept = [...[first, second, third].flatMap((one) => membersOf(unpacked(one))), ...statesOf(cli.home)]
  const others = await Promise.all([
    printed('release', ...target, '--dry-run', '--json'),
    printed('verify', first, '--json'),
    printed('diff', first, second, '--container', 'app', '--json'),
    printed('seal', asLeftBehind(second), '--json'),
    printed('verify', 'no-such-file', '--json'),
    printed('no-such-command', '--json'),
    printedByLab(cli),
    printed('quarantine', 'status', '-A', '--json'),
    printed('preflight', '-n', 'shop', lab.suspect.name, '--json'),
    printed('rbac', '-n', 'shop', '--allow', 'node', '--user', 'ana', '--json'),
  ])
  const { released, watched } = await releasedUnderWatch(cli, target)
  return [...planned, ...seized, ...snapshot, ...listing, ...kept, ...others.flat(), ...released, ...watched]
}

async function printedBy(cli: CommandLine, argv: readonly string[]): Promise<readonly Document[]> {
  const { stdout } = await cli.run(...argv)
  const text = stdout.toString('utf8')
  const texts = argv.includes('--json-lines') ? text.trimEnd().split('\n') : [text]
  return texts.map((one) => documentFrom(argv.join(' '), one))
}

async function printedByLab(cli: CommandLine): Promise<readonly Document[]> {
  const { child, ended } = cli.start('lab', '--json')
  await hears(child, 'until Ctrl-C')
  child.kill('SIGINT')
  return [documentFrom('lab --json', (await ended).stdout.toString('utf8'))]
}

/** A release, and what a watch of the hold says of it. */
async function releasedUnderWatch(
  cli: CommandLine,
  target: readonly string[],
): Promise<{ readonly released: readonly Document[]; readonly watched: readonly Document[] }> {
  const { child, ended } = cli.start('quarantine', 'status', '-A', '--watch', '--json-lines')
  const changed = new Promise<void>((told) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('quarantine-change')) told()
    })
  })
  await hears(child, 'watching until Ctrl-C')
  const released = await printedBy(cli, ['release', ...target, '--yes', '--json'])
  await changed
  child.kill('SIGINT')
  const lines = (await ended).stdout.toString('utf8').trimEnd().split('\n')
  return { released, watched: lines.map((line) => documentFrom('status --watch', line)) }
}

function archiveOf(printed: readonly Document[]): string {
  const { archive } = printed.at(-1)!.value as RunResult
  return archive!.path
}

/** The bag, beside its archive. */
function unpacked(archive: string): string {
  const folder = `${archive}.unpacked`
  mkdirSync(folder)
  execFileSync('tar', ['xzf', archive, '-C', folder])
  return join(folder, readdirSync(folder)[0]!)
}

/** The bag as a run leaves it that ended before it could pack it. Takes the bag that unpacked() made. */
function asLeftBehind(archive: string): string {
  const folder = `${archive}.unpacked`
  const bag = join(folder, readdirSync(folder)[0]!)
  renameSync(bag, `${bag}.partial`)
  return `${bag}.partial`
}

/** The JSON of a bag but for bodies of the API server and the registry, which are as they came. */
function membersOf(bag: string): readonly Document[] {
  const foreign = new Set(
    linesOf(join(bag, 'data/index.jsonl'))
      .map((line) => JSON.parse(line) as ArtefactRecord)
      .filter(({ source }) => source.kind === 'api' || source.kind === 'registry')
      .map(({ path }) => path),
  )
  // ours, in the form that OCI layouts have
  const isOci = (member: string): boolean => member.endsWith('/image-export/index.json')
  return readdirSync(bag, { recursive: true, encoding: 'utf8' })
    .filter((member) => /\.jsonl?$/.test(member) && !foreign.has(member) && !isOci(member))
    .sort()
    .flatMap((member) => documentsIn(join(bag, member), member))
}

/** What the machine remembers of what it holds. */
function statesOf(home: string): readonly Document[] {
  const root = join(home, 'state')
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => linesOf(join(root, name)))
    .map((line) => ({ where: 'state', schema: 'impound/state/v1', value: JSON.parse(line) as unknown }))
}

function documentsIn(file: string, where: string): readonly Document[] {
  if (file.endsWith('.json')) return [documentFrom(where, readFileSync(file, 'utf8'))]
  return linesOf(file).map((line, index) => {
    const document = documentFrom(`${where}:${index + 1}`, line)
    return { ...document, schema: document.schema ?? SCHEMA_OF_LINES[basename(file)] }
  })
}

function linesOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8')
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

function documentFrom(where: string, text: string): Document {
  const value: unknown = JSON.parse(text)
  return { where, schema: schemaNamed(value), value }
}

/** The schema that a value says it follows. */
export function schemaNamed(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('schema' in value)) return undefined
  return typeof value.schema === 'string' ? value.schema : undefined
}
