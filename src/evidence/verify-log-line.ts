import type { LogBody } from '../model/acquisition.js'
import { asNumber, asObject, asString, type JsonObject } from '../model/json.js'

type Kind = LogBody['type']

/** What each kind of line must have for the log to be read at all; the rest of a line is not judged here. */
const NEEDS: Readonly<Record<Kind, (line: JsonObject) => boolean>> = {
  scene: (line) => asObject(line['scene']) !== undefined,
  phase: (line) => asString(line['phase']) !== undefined && asString(line['state']) !== undefined,
  artefact: (line) => isArtefact(asObject(line['artefact'])) && isOptionalString(line['subject']),
  outcome: (line) => isRow(asObject(line['row'])),
  intent: (line) => asString(asObject(line['intent'])?.['id']) !== undefined,
  result: (line) => asString(asObject(line['result'])?.['id']) !== undefined,
  remark: (line) => asString(line['text']) !== undefined,
  interrupted: (line) => asString(line['by']) !== undefined,
  sealed: (line) => typeof line['incomplete'] === 'boolean',
}

/** Whether a line of a log that anybody may have written has the shape that our own lines have. */
export function isLogBody(line: JsonObject): line is JsonObject & LogBody {
  const kind = asString(line['type'])
  return kind !== undefined && Object.hasOwn(NEEDS, kind) && NEEDS[kind as Kind](line)
}

function isArtefact(artefact: JsonObject | undefined): boolean {
  return (
    artefact !== undefined &&
    ['path', 'sha256', 'collector'].every((key) => asString(artefact[key]) !== undefined) &&
    asNumber(artefact['bytes']) !== undefined &&
    (artefact['status'] === 'collected' || artefact['status'] === 'partial') &&
    isOptionalString(artefact['target'])
  )
}

const STATUSES: ReadonlySet<unknown> = new Set(['collected', 'partial', 'skipped', 'failed'])

function isRow(row: JsonObject | undefined): boolean {
  return (
    row !== undefined &&
    asString(row['collector']) !== undefined &&
    asString(row['subject']) !== undefined &&
    STATUSES.has(row['status']) &&
    isOptionalString(row['target']) &&
    isOptionalString(row['path'])
  )
}

function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
