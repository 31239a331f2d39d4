import { at, type JsonObject } from '../../model/json.js'
import { badRequest } from './status.js'

type FieldTest = (object: JsonObject) => boolean

const EVENT_OBJECT = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath']

/** Fields that may select, beside metadata.name and metadata.namespace. Source: the registries of kubernetes/pkg/registry. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  events: [
    ...EVENT_OBJECT.map((field) => `involvedObject.${field}`),
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  'events.k8s.io/events': [
    ...EVENT_OBJECT.map((field) => `regarding.${field}`),
    'reason',
    'reportingController',
    'type',
  ],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  secrets: ['type'],
  replicationcontrollers: ['status.replicas'],
  'jobs.batch': ['status.successful'],
  'cronjobs.batch': [],
}

/** The fieldSelector parameter for a table, or for the events of events.k8s.io, which has names of its own. */
export function parseFieldSelector(text: string, table: string): FieldTest {
  const known = ['metadata.name', 'metadata.namespace', ...(FIELDS[table] ?? [])]
  const tests = terms(text).map((part): FieldTest => {
    const match = /^((?:\\.|[^=!\\])*?)(==|!=|=)(.*)$/s.exec(part)
    if (match === null) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`)
    const [, field = '', operator, escaped = ''] = match
    const value = unescaped(escaped)
    if (!known.includes(field)) throw badRequest(notSupported(field, table))
    return (object) => (textOf(at(object, ...pathOf(field, table))) === value) === (operator !== '!=')
  })
  return (object) => tests.every((test) => test(object))
}

/** The parts between commas that are not escaped; empty ones say nothing. */
function terms(text: string): readonly string[] {
  return (text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? []).filter((term) => term !== '')
}

function unescaped(text: string): string {
  return text.replace(/\\(.?)/gs, (_whole, char: string) => {
    if (char !== '' && '\\,='.includes(char)) return char
    throw badRequest(`invalid field selector: invalid escape sequence: \\${char}`)
  })
}

/** Each kind with fields of its own has a way of its own to say no. */
function notSupported(field: string, table: string): string {
  if (table === 'jobs.batch') return `field label ${JSON.stringify(field)} not supported for batchv1.Job`
  if (table === 'cronjobs.batch') return `field label ${JSON.stringify(field)} not supported for "CronJob"`
  return FIELDS[table] === undefined
    ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
    : `field label not supported: ${field}`
}

/** An event's source is selected by its component. */
function pathOf(field: string, table: string): readonly string[] {
  return table === 'events' && field === 'source' ? ['source', 'component'] : field.split('.')
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : ''
}
