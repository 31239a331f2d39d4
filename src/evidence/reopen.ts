import { createReadStream, createWriteStream } from 'node:fs'
import { stat, truncate } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'

import type { LogLine } from '../model/acquisition.js'
import { ImpoundError } from '../model/errors.js'
import type { ArtefactRecord } from '../model/evidence.js'
import type { Clock } from '../model/ports/run-context.js'
import type { Scene } from '../model/scene.js'
import { ChainedLog } from './acquisition-log.js'
import { adoptStrays } from './adopt.js'
import { ArtefactStore } from './artefact-store.js'
import { hashFile, spoolFiles } from './bag.js'
import { LineFile } from './line-file.js'
import { readChain } from './log-reader.js'
import { Projection } from './projection.js'
import { LOG_FILE, SpoolDirectory, type Spool } from './spool.js'
import { exists, storageError } from './storage.js'

export interface ReopenedSpool {
  readonly spool: Spool
  /** Why what it holds is incomplete: for sealSpool. Undefined where the run had ended and only the packing had failed. */
  readonly incomplete: string | undefined
  /** What was found wrong with it, a line each; also in the log. */
  readonly remarks: readonly string[]
}

/**
 * Takes up the spool of a run that ended without an archive. What the log says is checked against the files: a torn last
 * line is cut off and kept as an artefact, a file that changed or that the log doesn't know becomes partial, one that is gone
 * failed. Throws `usage` where there is no spool, `integrity` where its log has no first line, `storage`.
 */
export async function reopenSpool(directory: string, clock: Clock): Promise<ReopenedSpool> {
  const at = resolve(directory)
  const name = basename(at).replace(/\.partial$/, '')
  const file = join(at, LOG_FILE)
  if (name === basename(at) || !(await exists(file))) {
    throw new ImpoundError('usage', `${directory} is not the spool of an interrupted run`, {
      hints: [`a spool is a folder <name>.partial with ${LOG_FILE} in it`],
    })
  }
  const projection = new Projection()
  const story = new Story()
  const { chain, wholeBytes } = await readChain(file, (line) => {
    projection.observe(line)
    story.observe(line)
  })
  const { scene } = story
  if (scene === undefined) {
    throw new ImpoundError(
      'integrity',
      `the first line of ${file} is damaged: there is nothing to go on from`,
      {
        hints: ['keep the folder as it is; its files can be read without impound'],
      },
    )
  }
  const remarks: string[] = []
  const cut = await cutTail(at, file, wholeBytes)
  if (cut !== undefined) {
    remarks.push(
      `${cut.bytes} bytes at the end of the log were torn or out of order; cut off, kept as ${cut.path}`,
    )
  }
  const log = new ChainedLog(await LineFile.append(file), chain, clock, (line) => projection.observe(line))
  const { payload } = await spoolFiles(at)
  const store = new ArtefactStore(at, log, clock, { taken: payload })
  const spool = new SpoolDirectory({ directory: at, name, scene, clock, log, store, projection })
  if (!story.ended) await log.append({ type: 'interrupted', by: 'the run ended without sealing' })
  remarks.push(...(await checkFiles(spool, projection)))
  await adoptStrays(spool, payload)
  for (const text of remarks) await log.append({ type: 'remark', text })
  const whole = remarks.length === 0 && story.sealed
  return { spool, incomplete: whole ? story.why : (story.why ?? 'the run was interrupted'), remarks }
}

/** What the lines of a log say of how far the run came. */
class Story {
  scene: Scene | undefined
  /** The run had said how it ended: sealed, or that it was interrupted. */
  ended = false
  sealed = false
  /** Why it was sealed as incomplete. */
  why: string | undefined

  observe(line: LogLine): void {
    if (line.seq === 0 && line.type === 'scene') this.scene = line.scene
    this.ended ||= line.type === 'interrupted' || line.type === 'sealed'
    if (line.type === 'sealed') {
      this.sealed = true
      this.why = line.incomplete ? (line.why ?? 'the run was interrupted') : undefined
    }
  }
}

async function cutTail(
  directory: string,
  file: string,
  wholeBytes: number,
): Promise<{ readonly path: string; readonly bytes: number } | undefined> {
  try {
    const bytes = (await stat(file)).size - wholeBytes
    if (bytes === 0) return undefined
    const path = `data/cut-from-log-${wholeBytes}.bin`
    const keep = createWriteStream(join(directory, path), { mode: 0o600, flush: true })
    await pipeline(createReadStream(file, { start: wholeBytes }), keep)
    await truncate(file, wholeBytes)
    return { path, bytes }
  } catch (error) {
    throw storageError(error, file)
  }
}

/** Reads every file again: a crash of the machine may have lost what was never flushed. */
async function checkFiles(spool: Spool, projection: Projection): Promise<readonly string[]> {
  const remarks: string[] = []
  for (const record of spool.index()) {
    const file = join(spool.directory, record.path)
    const subject = projection.subjectOf(record.path)
    if (!(await exists(file))) {
      remarks.push(`${record.path} was received and is gone`)
      await spool.log.append({ type: 'outcome', row: goneRow(record, subject) })
      continue
    }
    const found = await hashFile(file)
    if (found.sha256 === record.sha256) continue
    const detail = `not as it was received: ${record.bytes} bytes with SHA-256 ${record.sha256}`
    remarks.push(`${record.path} is ${detail}`)
    const artefact: ArtefactRecord = { ...record, ...found, status: 'partial', reason: 'interrupted', detail }
    await spool.log.append({ type: 'artefact', artefact, ...(subject === undefined ? {} : { subject }) })
  }
  return remarks
}

function goneRow(record: ArtefactRecord, subject: string | undefined) {
  return {
    collector: record.collector,
    ...(record.target === undefined ? {} : { target: record.target }),
    subject: subject ?? record.path,
    status: 'failed',
    reason: 'failed',
    detail: `it was received (SHA-256 ${record.sha256}) and then lost with the spool`,
    path: record.path,
  } as const
}
