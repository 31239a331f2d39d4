import { at, type JsonObject } from '../../model/json.js'
import { badRequest } from './status.js'

type FieldTest = (object: JsonObject) => boolean

/** Fields that may select, beside metadata.name and metadata.namespace. Source: the registries of kubernetes/pkg/registry. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  events: [
    ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
      (field) => `involvedObject.${field}`,
    ),
    'reason',
    'reportingComponent',
    'type',
  ],
  'events.k8s.io/events': [
    ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
      (field) => `regarding.${field}`,
    ),
    'reason',
    'reportingController',
    'type',
  ],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  secrets: ['type'],
  'replicasets.apps': ['status.replicas'],
  replicationcontrollers: ['status.replicas'],
  'jobs.batch': ['status.successful'],
}

/** The fieldSelector parameter for a table, or for the events of events.k8s.io, which has names of its own. */
export function parseFieldSelector(text: string, table: string): FieldTest {
  if (text.trim() === '') return () => true
  const known = ['metadata.name', 'metadata.namespace', ...(FIELDS[table] ?? [])]
  const tests = text.split(',').map((part): FieldTest => {
    const match = /^([^=!]+?)(==|!=|=)(.*)$/.exec(part)
    if (match === null) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`)
    const [, field = '', operator, value = ''] = match
    if (!known.includes(field)) throw badRequest(`field label not supported: ${field}`)
    return (object) => (textOf(at(object, ...field.split('.'))) === value) === (operator !== '!=')
  })
  return (object) => tests.every((test) => test(object))
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : ''
}
