import { describe, expect, it } from '@jest/globals'

import { seedShop, SHOP_CANARIES, SHOP_REGISTRY_HOST } from '../../../src/lab/shop/shop.js'
import { asArray, asString, asStringMap, at, type JsonObject } from '../../../src/model/json.js'
import { selectorMatches, serviceSelects } from '../../../src/model/selector.js'

const NOW = new Date('2026-11-23T03:00:33.123Z')
const seed = seedShop({ now: NOW })

function ofKind(kind: string): readonly JsonObject[] {
  return seed.objects.filter((object) => object['kind'] === kind)
}

function named(kind: string, name: string): JsonObject {
  return ofKind(kind).find((object) => nameOf(object) === name)!
}

function nameOf(object: unknown): string {
  return asString(at(object, 'metadata', 'name')) ?? ''
}

function labelsOf(object: unknown): Readonly<Record<string, string>> {
  return asStringMap(at(object, 'metadata', 'labels'))
}

/** Every string anywhere below a value, keys left out. */
function strings(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(strings)
}

describe('the shop', () => {
  it('is the same for the same moment, byte for byte', () => {
    const again = seedShop({ now: NOW })
    expect(JSON.stringify(again.objects)).toBe(JSON.stringify(seed.objects))
    const digests = (images: typeof seed.images): readonly string[] =>
      images.flatMap((image) => [...image.manifests.keys(), ...image.blobs.keys()])
    expect(digests(again.images)).toEqual(digests(seed.images))
  })

  it('has objects that can be told apart: kind, namespace and name, UID', () => {
    const keys = seed.objects.map((object) =>
      [object['apiVersion'], object['kind'], at(object, 'metadata', 'namespace'), nameOf(object)].join('/'),
    )
    const uids = seed.objects.map((object) => at(object, 'metadata', 'uid'))
    expect(new Set(keys).size).toBe(seed.objects.length)
    expect(new Set(uids).size).toBe(seed.objects.length)
    for (const uid of uids) {
      expect(uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })

  it('lies in the past, as far as it has times', () => {
    const times = strings(seed.objects).filter((text) => /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text))
    expect(times.length).toBeGreaterThan(100)
    expect(times.filter((time) => Date.parse(time) > NOW.getTime())).toEqual([])
  })

  it('names as suspect a running pod of two containers, one of which was restarted', () => {
    const { namespace, name, uid } = seed.suspect
    const pod = named('Pod', name)
    expect([at(pod, 'metadata', 'namespace'), at(pod, 'metadata', 'uid')]).toEqual([namespace, uid])
    const statuses = asArray(at(pod, 'status', 'containerStatuses'))
    expect(statuses.map((status) => [at(status, 'name'), at(status, 'restartCount')])).toEqual([
      ['app', 1],
      ['log-shipper', 0],
    ])
    expect(at(statuses[0], 'lastState', 'terminated', 'exitCode')).toBe(137)
    expect(at(pod, 'status', 'initContainerStatuses', 0, 'state', 'terminated', 'reason')).toBe('Completed')
  })

  it('has owners that exist, under the UID that they are named by', () => {
    const byUid = new Map(seed.objects.map((object) => [at(object, 'metadata', 'uid'), object]))
    const references = seed.objects.flatMap((object) => asArray(at(object, 'metadata', 'ownerReferences')))
    expect(references.length).toBeGreaterThanOrEqual(9)
    for (const reference of references) {
      expect(byUid.get(at(reference, 'uid'))).toMatchObject({
        kind: at(reference, 'kind'),
        metadata: { name: at(reference, 'name') },
      })
    }
  })

  it.each(['web', 'db'])(
    'has as many pods of ReplicaSet %s as it wants, all matching its selector',
    (app) => {
      const set = ofKind('ReplicaSet').find((object) => nameOf(object).startsWith(`${app}-`))!
      const pods = ofKind('Pod').filter(
        (pod) => at(pod, 'metadata', 'ownerReferences', 0, 'name') === nameOf(set),
      )
      expect(pods).toHaveLength(at(set, 'spec', 'replicas') as number)
      for (const pod of pods) {
        expect(selectorMatches(at(set, 'spec', 'selector') as JsonObject, labelsOf(pod))).toBe(true)
      }
    },
  )

  it.each(['web', 'db'])(
    'has Endpoints and EndpointSlice of Service %s naming the pods it selects',
    (name) => {
      const selector = asStringMap(at(named('Service', name), 'spec', 'selector'))
      const pods = ofKind('Pod')
        .filter((pod) => serviceSelects(selector, labelsOf(pod)))
        .map((pod) => [at(pod, 'status', 'podIP'), at(pod, 'metadata', 'uid'), at(pod, 'spec', 'nodeName')])
      const slice = ofKind('EndpointSlice').find(
        (object) => labelsOf(object)['kubernetes.io/service-name'] === name,
      )
      const inSlice = asArray(at(slice, 'endpoints')).map((endpoint) => [
        at(endpoint, 'addresses', 0),
        at(endpoint, 'targetRef', 'uid'),
        at(endpoint, 'nodeName'),
      ])
      const inEndpoints = asArray(at(named('Endpoints', name), 'subsets', 0, 'addresses')).map((address) => [
        at(address, 'ip'),
        at(address, 'targetRef', 'uid'),
        at(address, 'nodeName'),
      ])
      expect(inSlice).toEqual(pods)
      expect(inEndpoints).toEqual(pods)
    },
  )

  it('has a policy that goes with the label and one that selects every pod', () => {
    const selectors = ofKind('NetworkPolicy').map((policy) => [
      nameOf(policy),
      selectorMatches(at(policy, 'spec', 'podSelector') as JsonObject, { app: 'web' }),
      selectorMatches(at(policy, 'spec', 'podSelector') as JsonObject, {}),
    ])
    expect(selectors).toEqual([
      ['allow-web', true, false],
      ['allow-same-namespace', true, true],
    ])
  })

  it('runs images that it serves, under the host that was asked for', () => {
    const host = '127.0.0.1:5000'
    const local = seedShop({ now: NOW, registryHost: host })
    const statuses = local.objects
      .filter((object) => object['kind'] === 'Pod')
      .flatMap((pod) => [
        ...asArray(at(pod, 'status', 'initContainerStatuses')),
        ...asArray(at(pod, 'status', 'containerStatuses')),
      ])
    expect(statuses).toHaveLength(7)
    for (const status of statuses) {
      const [, repository, digest] = /^127\.0\.0\.1:5000\/(.+)@(sha256:[0-9a-f]{64})$/.exec(
        asString(at(status, 'imageID')) ?? '',
      )!
      const image = local.images.find((one) => one.repository === repository)!
      const [tag] = Object.keys(image.tags)
      expect(at(status, 'image')).toBe(`${host}/${repository}:${tag}`)
      expect([image.tags[tag!], image.manifests.has(digest!)]).toEqual([digest, true])
    }
    expect(JSON.stringify(local.objects)).not.toContain(SHOP_REGISTRY_HOST)
  })

  it('has canaries in pods, in what kubectl applied and in a Secret, escaped in more than one way', () => {
    const where = (canary: string): readonly string[] =>
      seed.objects
        .filter((object) => {
          const json = JSON.stringify(object)
          return json.includes(canary) || json.includes(Buffer.from(canary).toString('base64'))
        })
        .map((object) => `${asString(object['kind']) ?? ''} ${nameOf(object)}`)
    const webObjects = [
      'Deployment web',
      'ReplicaSet web-6dd6bfc4b',
      'Pod web-6dd6bfc4b-x2x7k',
      'Pod web-6dd6bfc4b-q8w5z',
    ]
    expect(SHOP_CANARIES.map(where)).toEqual([webObjects, webObjects, webObjects, ['Secret web-session']])
    const annotation = asString(
      at(
        named('Deployment', 'web'),
        'metadata',
        'annotations',
        'kubectl.kubernetes.io/last-applied-configuration',
      ),
    )!
    expect(annotation).toContain(String.raw`k\"8\\Canary7f3aDbPassw0rd41e8\u0026/=`)
    expect(JSON.parse(annotation)).toMatchObject({ kind: 'Deployment', metadata: { name: 'web' } })
  })

  it('has events of pod, owner and node, aggregated ones among them, and one that an intruder had a hand in', () => {
    const events = ofKind('Event')
    const kinds = new Set(events.map((event) => at(event, 'involvedObject', 'kind')))
    expect([...kinds].sort()).toEqual(['Node', 'Pod', 'ReplicaSet'])
    expect(events.some((event) => (at(event, 'count') as number) > 1)).toBe(true)
    expect(
      events.some((event) => at(event, 'eventTime') !== null && at(event, 'series', 'count') === 44),
    ).toBe(true)
    const hostile = events
      .map((event) => asString(at(event, 'message')) ?? '')
      .find((text) => text.includes('\u001b'))
    expect(hostile).toContain('\n# No findings\n[details](javascript:alert(1))')
  })

  it('has a heartbeat of each node', () => {
    const renewed = ofKind('Lease').map((lease) => [nameOf(lease), at(lease, 'spec', 'renewTime')])
    expect(renewed).toEqual([
      ['ip-10-0-3-7', '2026-11-23T03:00:30.000418Z'],
      ['ip-10-0-3-22', '2026-11-23T03:00:26.000418Z'],
    ])
  })
})
