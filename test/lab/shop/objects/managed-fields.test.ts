import { describe, expect, it } from '@jest/globals'

import { managedFields } from '../../../../src/lab/shop/objects/managed-fields.js'
import type { JsonObject } from '../../../../src/model/json.js'

function fieldsOf(fields: JsonObject): unknown {
  const at = new Date('2026-11-23T03:00:33Z')
  return managedFields([{ manager: 'kubectl', apiVersion: 'v1', at, fields }])[0]?.['fieldsV1']
}

describe('managed fields', () => {
  it('say who owns what, in one entry for each owner', () => {
    const at = new Date('2026-11-23T03:00:33.900Z')
    const owner = { manager: 'kubelet', apiVersion: 'v1', at, fields: { status: {} } }
    expect(managedFields([{ ...owner, subresource: 'status' }])).toEqual([
      {
        apiVersion: 'v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:status': {} },
        manager: 'kubelet',
        operation: 'Update',
        subresource: 'status',
        time: '2026-11-23T03:00:33Z',
      },
    ])
  })

  it('name an item of a list by what tells it from the others', () => {
    expect(fieldsOf({ ports: [{ containerPort: 80, protocol: 'TCP' }] })).toEqual({
      'f:ports': {
        '.': {},
        'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} },
      },
    })
  })

  it.each([
    ['a list that no key is known for', { args: ['--a', '--b'] }, { 'f:args': {} }],
    ['items without their key', { env: [{ value: 'x' }] }, { 'f:env': {} }],
    ['a plain value', { replicas: 2 }, { 'f:replicas': {} }],
  ])('own %s whole', (_what, given, fields) => {
    expect(fieldsOf(given)).toEqual(fields)
  })
})
