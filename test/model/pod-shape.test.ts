import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import type { Json } from '../../src/model/json.js'
import type { Pod } from '../../src/model/kubernetes.js'
import { notAPodIn } from '../../src/model/pod-shape.js'
import { containersOf } from '../../src/model/target.js'

const POD = {
  metadata: { name: 'web', labels: { app: 'web' }, annotations: null, ownerReferences: [{ kind: 'Job' }] },
  spec: { containers: [{ name: 'app' }], volumes: [{ name: 'v' }], initContainers: null },
  status: { conditions: [{ type: 'Ready' }], containerStatuses: [{ name: 'app', restartCount: 1 }] },
}

describe('a pod of an API that lies', () => {
  it('is one where every field has its shape, is null or is missing', () => {
    expect(notAPodIn(POD)).toBeUndefined()
    expect(notAPodIn({ metadata: {} })).toBeUndefined()
  })

  it.each<[string, Json, string]>([
    ['labels in a string', { metadata: { labels: 'app' } }, 'metadata.labels'],
    ['a label that is a number', { metadata: { labels: { app: 1 } } }, 'metadata.labels'],
    ['annotations in a list', { metadata: { annotations: ['a'] } }, 'metadata.annotations'],
    ['owners in an object', { metadata: { ownerReferences: {} } }, 'metadata.ownerReferences'],
    ['a spec of text', { spec: 'x' }, 'spec'],
    ['containers in an object', { spec: { containers: { a: 1 } } }, 'spec.containers'],
    ['a container that is null', { spec: { containers: [null] } }, 'spec.containers'],
    ['a container without a name', { spec: { containers: [{}] } }, 'spec.containers'],
    ['a volume of no name', { spec: { volumes: [{ name: 5 }] } }, 'spec.volumes'],
    ['conditions in a number', { status: { conditions: 5 } }, 'status.conditions'],
    [
      'restarts in words',
      { status: { containerStatuses: [{ name: 'app', restartCount: 'many' }] } },
      'status.containerStatuses',
    ],
  ])('is none with %s', (_name, pod, where) => {
    expect(notAPodIn(pod)).toBe(where)
  })

  it('is never taken for one whose containers then can not be read', () => {
    const statuses = fc.jsonValue()
    const pods = fc.record({
      spec: fc.record({ containers: fc.jsonValue() }),
      status: fc.record({ containerStatuses: statuses }),
    })
    fc.assert(
      fc.property(pods, (pod) => {
        if (notAPodIn(pod) !== undefined) return
        for (const { name, restartCount } of containersOf(pod as unknown as Pod))
          expect([typeof name, typeof restartCount]).toEqual(['string', 'number'])
      }),
    )
  })
})
