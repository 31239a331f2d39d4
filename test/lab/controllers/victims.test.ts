import { describe, expect, it } from '@jest/globals'

import { inDeletionOrder } from '../../../src/lab/controllers/victims.js'
import { nameOf } from '../../../src/lab/store/object.js'
import type { JsonObject } from '../../../src/model/json.js'

interface Traits {
  readonly node?: string
  readonly phase?: string
  readonly readySince?: string
  readonly restarts?: number
  readonly created?: string
  readonly cost?: string
}

const EARLY = '2026-11-01T10:00:00Z'
const LATE = '2026-11-01T11:00:00Z'

function pod(name: string, traits: Traits = {}): JsonObject {
  const { node = name, phase = 'Running', readySince = EARLY, restarts = 0, created = EARLY, cost } = traits
  return {
    metadata: {
      name,
      creationTimestamp: created,
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: node === '' ? {} : { nodeName: node },
    status: {
      phase,
      conditions: [
        { type: 'Ready', status: readySince === '' ? 'False' : 'True', lastTransitionTime: readySince },
      ],
      containerStatuses: [{ restartCount: restarts }],
    },
  }
}

describe('of two pods, the one to go', () => {
  it.each<[string, Traits, Traits]>([
    ['is on no node yet', { node: '', readySince: '' }, { readySince: '' }],
    ['is pending', { phase: 'Pending', readySince: '' }, { readySince: '' }],
    ['is not ready', { readySince: '' }, {}],
    ['costs less', { cost: '-5' }, { readySince: LATE }],
    ['became ready later', { readySince: LATE }, { restarts: 4 }],
    ['restarted more often', { restarts: 2 }, { created: LATE }],
    ['is newer', { created: LATE }, {}],
  ])('%s', (_why, victim, other) => {
    const pods = [pod('other', other), pod('victim', victim)]
    expect(inDeletionOrder(pods).map(nameOf)).toEqual(['victim', 'other'])
    expect(inDeletionOrder(pods.toReversed()).map(nameOf)).toEqual(['victim', 'other'])
  })

  it('stands where most of them are', () => {
    const pods = [pod('alone', { readySince: LATE }), pod('a', { node: 'full' }), pod('b', { node: 'full' })]
    expect(inDeletionOrder(pods).map(nameOf).at(-1)).toBe('alone')
  })
})
