import { PassThrough, Readable } from 'node:stream'

import type { JsonObject } from '../../model/json.js'
import { containerNamed, stateOf } from '../kubelet/pod-container.js'
import { nameOf, uidOf } from '../store/object.js'
import type { LabLogLine } from '../log-line.js'
import type { Answer } from './answer.js'
import type { ApiContext } from './call.js'
import { badRequest, invalid, type FieldError } from './status.js'

interface LogOptions {
  readonly timestamps: boolean
  readonly tailLines: number | undefined
  readonly limitBytes: number | undefined
  /** Milliseconds; the kubelet counts in whole seconds. */
  readonly since: number | undefined
}

/** GET pods/log: the newest log file of one run, streamed; with `follow`, on until the container or the pod ends. */
export function logAnswer(context: ApiContext, pod: JsonObject, query: URLSearchParams): Answer {
  const { runtime, logs } = context
  const options = parseOptions(query, nameOf(pod), context.now())
  const container = containerNamed(pod, query.get('container'))
  const previous = isTrue(query.get('previous'))
  const { state, reason, ranBefore } = stateOf(pod, container)
  if (!previous && state === 'waiting' && !ranBefore) {
    throw badRequest(`container "${container}" in pod "${nameOf(pod)}" is waiting to start: ${reason}`)
  }
  // while a crashed container waits for its next start, its log is that of the last run
  const inside = runtime.container(pod, container)
  const lines = inside?.log(previous || state === 'waiting') ?? (previous ? undefined : inside?.log(false))
  if (lines === undefined && previous) {
    throw badRequest(`previous terminated container "${container}" in pod "${nameOf(pod)}" not found`)
  }
  const all = previous ? (lines ?? []) : [...(lines ?? []), ...logs.lines(uidOf(pod), container)]
  const follows = isTrue(query.get('follow')) && !previous && state === 'running'
  return {
    status: 200,
    headers: { 'Content-Type': 'text/plain' },
    body: follows
      ? followed(context, pod, container, all, options)
      : Readable.from(bytesOf(all, options), { objectMode: false }),
  }
}

/** What is there, then each line as it is written; ends with the container. */
function followed(
  { store, logs }: ApiContext,
  pod: JsonObject,
  container: string,
  lines: readonly LabLogLine[],
  options: LogOptions,
): Readable {
  const stream = new PassThrough()
  let left = options.limitBytes ?? Infinity
  const send = (bytes: Buffer): void => {
    if (stream.writableEnded) return
    const part = bytes.subarray(0, left)
    left -= part.length
    stream.write(part)
    if (left <= 0) stream.end()
  }
  for (const bytes of bytesOf(lines, options)) send(bytes)
  const stopLines = logs.follow(uidOf(pod), container, (line) => {
    for (const bytes of bytesOf([line], { ...options, tailLines: undefined, limitBytes: undefined })) {
      send(bytes)
    }
  })
  const stopChanges = store.onChange(({ table, kind, object }) => {
    if (table !== 'pods' || uidOf(object) !== uidOf(pod)) return
    if (kind === 'DELETED' || stateOf(object, container).state !== 'running') stream.end()
  })
  stream.once('close', () => {
    stopLines()
    stopChanges()
  })
  return stream
}

const CHUNK = 32 * 1024

function* bytesOf(lines: readonly LabLogLine[], options: LogOptions): Generator<Buffer> {
  const { since, tailLines, timestamps } = options
  const recent = since === undefined ? lines : lines.filter(({ time }) => Date.parse(time) >= since)
  const first = tailLines === undefined ? 0 : Math.max(0, recent.length - tailLines)
  let left = options.limitBytes ?? Infinity
  let batch: Buffer[] = []
  let size = 0
  for (let index = first; index < recent.length && left > 0; index += 1) {
    const line = recent[index]
    if (line === undefined) continue
    const bytes = Buffer.from(`${timestamps ? `${line.time} ` : ''}${line.text}\n`).subarray(0, left)
    left -= bytes.length
    size += bytes.length
    batch.push(bytes)
    if (size >= CHUNK) {
      yield Buffer.concat(batch)
      batch = []
      size = 0
    }
  }
  if (size > 0) yield Buffer.concat(batch)
}

function parseOptions(query: URLSearchParams, pod: string, now: Date): LogOptions {
  const [tailLines, limitBytes, sinceSeconds] = ['tailLines', 'limitBytes', 'sinceSeconds'].map((name) =>
    integer(query.get(name)),
  )
  const sinceTime = query.get('sinceTime')
  const errors: FieldError[] = []
  const belowMinimum = (field: string, value: number, minimum: string): void => {
    const message = `Invalid value: ${value}: must be greater than ${minimum}`
    errors.push({ reason: 'FieldValueInvalid', field, message })
  }
  if (tailLines !== undefined && tailLines < 0) belowMinimum('tailLines', tailLines, 'or equal to 0')
  if (limitBytes !== undefined && limitBytes < 1) belowMinimum('limitBytes', limitBytes, '0')
  if (sinceSeconds !== undefined && sinceSeconds < 1) belowMinimum('sinceSeconds', sinceSeconds, '0')
  if (sinceSeconds !== undefined && sinceTime !== null) {
    errors.push({
      reason: 'FieldValueForbidden',
      field: '[]',
      message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    })
  }
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, pod, errors)
  return {
    timestamps: isTrue(query.get('timestamps')),
    tailLines,
    limitBytes,
    since: sinceSeconds === undefined ? parseTime(sinceTime) : now.getTime() - sinceSeconds * 1000,
  }
}

/** As the API server reads a boolean parameter: only 'false' and '0' are false where something stands. */
function isTrue(text: string | null): boolean {
  return text !== null && text !== '0' && text.toLowerCase() !== 'false'
}

function integer(text: string | null): number | undefined {
  if (text === null || text === '') return undefined
  if (/^-?\d+$/.test(text)) return Number(text)
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
}

function parseTime(text: string | null): number | undefined {
  if (text === null || text === '') return undefined
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : NaN
  if (Number.isNaN(time)) {
    throw badRequest(
      `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`,
    )
  }
  return Math.floor(time / 1000) * 1000
}
