import { describe, expect, it } from '@jest/globals'

import { withManagedFields } from '../../../src/lab/api/managed-fields.js'
import { at, type JsonObject } from '../../../src/model/json.js'

const pod = (labels: Record<string, string>, extra: JsonObject = {}): JsonObject => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name: 'web', uid: 'u', labels, ...extra },
  spec: { containers: [{ name: 'app', image: 'web:1', resources: {} }] },
})
const by = (manager: string) => ({ manager, apiVersion: 'v1', time: new Date('2026-11-01T10:00:00.123Z') })
const entries = (object: JsonObject) => at(object, 'metadata', 'managedFields') as readonly JsonObject[]

describe('managed fields', () => {
  const created = withManagedFields(pod({ app: 'web', tier: 'front' }), undefined, by('creator'))

  it('give a new object to its creator, all but its identity', () => {
    expect(entries(created)).toEqual([
      {
        manager: 'creator',
        operation: 'Update',
        apiVersion: 'v1',
        time: '2026-11-01T10:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:app': {}, 'f:tier': {} } },
          'f:spec': {
            'f:containers': {
              '.': {},
              'k:{"name":"app"}': { '.': {}, 'f:name': {}, 'f:image': {}, 'f:resources': {} },
            },
          },
        },
      },
    ])
  })

  it('hand a changed field to who changed it, and forget one that is gone', () => {
    const metadata = created.metadata as JsonObject
    const wanted = { ...created, metadata: { ...metadata, labels: { app: 'db', q: '1' } } }
    const [first, second] = entries(withManagedFields(wanted, created, by('impound')))
    expect(at(first, 'fieldsV1', 'f:metadata')).toBeUndefined()
    expect(at(first, 'fieldsV1', 'f:spec')).toBeDefined()
    expect(at(second, 'fieldsV1')).toEqual({ 'f:metadata': { 'f:labels': { 'f:app': {}, 'f:q': {} } } })
  })

  it('keep one entry for a manager that writes again', () => {
    const metadata = created.metadata as JsonObject
    const again = { ...created, metadata: { ...metadata, labels: { app: 'web', tier: 'front', q: '1' } } }
    const [only, ...more] = entries(withManagedFields(again, created, by('creator')))
    expect(more).toEqual([])
    expect(at(only, 'fieldsV1', 'f:metadata', 'f:labels')).toEqual({
      '.': {},
      'f:app': {},
      'f:tier': {},
      'f:q': {},
    })
  })
})
