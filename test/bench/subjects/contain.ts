/**
 * Seizes a pod, and says how long policy and label took: argv is impound's bin file, the pod, a folder for the archive, the API
 * server's audit log or nothing, and what names the cluster.
 */
import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'

import { EXIT } from '../../../src/model/exit.js'
import type { WriteIntent, WriteOutcome } from '../../../src/model/acquisition.js'
import { asArray, asString, at } from '../../../src/model/json.js'

/** Seconds but for counts. */
export interface Contained {
  readonly seconds: number
  readonly values: Readonly<Record<string, number>>
}

interface Line {
  readonly at: string
  readonly artefact?: { readonly path: string }
  readonly intent?: WriteIntent
  readonly result?: WriteOutcome
}

/** An audit log grows by some MB in a minute. */
const AUDIT_TAIL = 16 << 20

const [bin = '', pod = '', output = '', auditLog = '', ...cluster] = process.argv.slice(2)
const argv = [
  bin,
  ...['seize', pod, ...cluster, '--case', 'BENCH', '--contain-first', '--registry', 'never'],
  ...['--yes', '--json', '--output', output],
]
const namespace = cluster[cluster.indexOf('--namespace') + 1] ?? ''
const run = promisify(execFile)
const { stdout } = await run(process.execPath, argv, { maxBuffer: 64 << 20 }).catch(
  (error: unknown): { readonly stdout: string } => {
    // accepted, and nothing was tried from the pod's network
    if (at(error, 'code') !== EXIT.containment) throw error
    return { stdout: asString(at(error, 'stdout')) ?? '' }
  },
)
const result: unknown = JSON.parse(stdout)
const lines = await acquisitionLog(asString(at(result, 'archive', 'path')) ?? '')
const begun = millis(lines.find(({ artefact }) => artefact?.path.endsWith('/containment/plan.json') === true))
const confirmed = ['policy', 'label'].map((step) => confirmedAt(step))
const inForce = Math.max(...confirmed)
const contained: Contained = {
  seconds: (inForce - begun) / 1000,
  values: {
    'from the confirmation, labels off too':
      Number(at(asArray(at(result, 'targets'))[0], 'containment', 'afterMs')) / 1000,
    ...(auditLog === '' ? {} : await byTheServer()),
  },
}
process.stdout.write(`${JSON.stringify(contained)}\n`)

async function acquisitionLog(archive: string): Promise<readonly Line[]> {
  const member = ['--wildcards', '*/acquisition.jsonl']
  const { stdout: text } = await run('tar', ['-xzOf', archive, ...member], { maxBuffer: 64 << 20 })
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
}

function millis(line: Line | undefined): number {
  if (line === undefined) throw new Error('the acquisition log lacks a line')
  return Date.parse(line.at)
}

function intentOf(step: string): WriteIntent {
  const found = lines.find(({ intent }) => intent?.action === 'quarantine' && intent.step === step)?.intent
  if (found === undefined) throw new Error(`there was no write ${step}`)
  return found
}

function confirmedAt(step: string): number {
  const { id } = intentOf(step)
  const line = lines.find(({ result: answer }) => answer?.id === id)
  if ((line?.result?.status ?? 500) >= 300) throw new Error(`${step} was refused`)
  return millis(line)
}

/** From the first write's arrival to the later of both answers, and what impound asked in between. */
async function byTheServer(): Promise<Readonly<Record<string, number>>> {
  const events = (await tail(auditLog)).split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as unknown]
    } catch {
      return [] // cut at the edge
    }
  })
  const answered = (step: string): unknown =>
    events.find(
      (event) => at(event, 'auditID') === intentOf(step).auditId && at(event, 'stage') === 'ResponseComplete',
    )
  const time = (event: unknown, field: string): number => Date.parse(asString(at(event, field)) ?? '')
  const from = time(answered('lock'), 'requestReceivedTimestamp')
  const to = Math.max(...['policy', 'label'].map((step) => time(answered(step), 'stageTimestamp')))
  const between = events.filter(
    (event) =>
      asString(at(event, 'userAgent'))?.startsWith('impound') === true &&
      // others may be at work too
      asString(at(event, 'requestURI'))?.includes(`/namespaces/${namespace}/`) === true &&
      at(event, 'stage') === 'ResponseComplete' &&
      time(event, 'requestReceivedTimestamp') >= from &&
      time(event, 'requestReceivedTimestamp') <= to,
  )
  return { 'by the API server': (to - from) / 1000, requests: between.length }
}

async function tail(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - AUDIT_TAIL)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
    return buffer.subarray(0, bytesRead).toString('utf8')
  } finally {
    await file.close()
  }
}
