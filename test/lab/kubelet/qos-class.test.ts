import { describe, expect, it } from '@jest/globals'

import { qosClassOf } from '../../../src/lab/kubelet/qos-class.js'
import type { JsonObject } from '../../../src/model/json.js'

const ALL = { cpu: '1', memory: '1Gi' }

describe('the QoS class of a pod', () => {
  it.each<[string, readonly JsonObject[]]>([
    ['BestEffort', [{}, { resources: {} }]],
    ['Guaranteed', [{ resources: { limits: ALL } }, { resources: { limits: ALL, requests: ALL } }]],
    ['Burstable', [{ resources: { limits: ALL } }, {}]],
    ['Burstable', [{ resources: { limits: ALL, requests: { cpu: '500m' } } }]],
    ['Burstable', [{ resources: { limits: { memory: '1Gi' } } }]],
  ])('is %s for %j', (expected, containers) => {
    expect(qosClassOf({ containers })).toBe(expected)
  })
})
