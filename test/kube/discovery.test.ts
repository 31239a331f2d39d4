import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'

import type { KubeReader } from '../../src/model/ports/kube-reader.js'
import {
  Bench,
  FixtureServer,
  json,
  kubeconfigFor,
  makeCertificate,
  type ServerCertificate,
  status,
} from './fixture-server.js'

const bench = new Bench()
const never = new AbortController().signal
let certificate: ServerCertificate
let server: FixtureServer
let reader: KubeReader

beforeAll(async () => {
  certificate = await makeCertificate()
})
beforeEach(async () => {
  server = await new FixtureServer(certificate).listen()
  const connection = await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate))
  reader = connection.reader
})
afterEach(async () => {
  await bench.clear()
  await server.close()
})
afterAll(() => bench.clear())

/** Answers by path; what is not there is a 503. */
function serve(pages: Readonly<Record<string, object>>): void {
  server.answer = ({ url }, response) => {
    const page = pages[url]
    json(response, page === undefined ? 503 : 200, page ?? status(503, 'service unavailable'))
  }
}

const PLAIN = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': {
    kind: 'APIGroupList',
    groups: [
      {
        name: 'apps',
        versions: [{ version: 'v1' }, { version: 'v1beta1' }],
        preferredVersion: { version: 'v1' },
      },
      { name: 'metrics.k8s.io', versions: [{ version: 'v1' }], preferredVersion: { version: 'v1' } },
    ],
  },
  '/api/v1': {
    resources: [
      { name: 'pods', kind: 'Pod', namespaced: true, verbs: ['get', 'list'] },
      { name: 'pods/log', kind: 'Pod', namespaced: true, verbs: ['get'] },
    ],
  },
  '/apis/apps/v1': {
    resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true, verbs: ['get'] }],
  },
  '/apis/apps/v1beta1': { resources: [] },
}

const AGGREGATED = {
  '/api': {
    kind: 'APIGroupDiscoveryList',
    items: [
      {
        metadata: {},
        versions: [
          {
            version: 'v1',
            resources: [
              {
                resource: 'pods',
                responseKind: { kind: 'Pod' },
                scope: 'Namespaced',
                verbs: ['get', 'list'],
                subresources: [{ subresource: 'log', responseKind: { kind: 'Pod' }, verbs: ['get'] }],
              },
            ],
          },
        ],
      },
    ],
  },
  '/apis': {
    kind: 'APIGroupDiscoveryList',
    items: [
      {
        metadata: { name: 'apps' },
        versions: [
          {
            version: 'v1',
            resources: [
              {
                resource: 'deployments',
                responseKind: { kind: 'Deployment' },
                scope: 'Namespaced',
                verbs: ['get'],
              },
            ],
          },
        ],
      },
      {
        metadata: { name: 'metrics.k8s.io' },
        versions: [{ version: 'v1', freshness: 'Stale', resources: [] }],
      },
    ],
  },
}

describe('discovery', () => {
  const expected = {
    resources: [
      {
        group: '',
        version: 'v1',
        resource: 'pods',
        kind: 'Pod',
        namespaced: true,
        verbs: ['get', 'list'],
        preferred: true,
      },
      {
        group: '',
        version: 'v1',
        resource: 'pods/log',
        kind: 'Pod',
        namespaced: true,
        verbs: ['get'],
        preferred: true,
      },
      {
        group: 'apps',
        version: 'v1',
        resource: 'deployments',
        kind: 'Deployment',
        namespaced: true,
        verbs: ['get'],
        preferred: true,
      },
    ],
    failedGroups: ['metrics.k8s.io/v1'],
  }

  it.each<[string, Readonly<Record<string, object>>, number]>([
    ['one group version after the other', PLAIN, 6],
    ['all at once, where the server can', AGGREGATED, 2],
  ])('says what is served, asking %s, and names what did not answer', async (_name, pages, requests) => {
    serve(pages)
    expect(await reader.discover(never)).toEqual(expected)
    expect(server.seen).toHaveLength(requests)
  })

  it('is asked once and kept, but a failure is not', async () => {
    serve({})
    await expect(reader.discover(never)).rejects.toMatchObject({ code: 'server' })
    serve(AGGREGATED)
    const before = server.seen.length
    await Promise.all([reader.discover(never), reader.discover(never)])
    await reader.discover(never)
    expect(server.seen).toHaveLength(before + 2)
  })

  it('lets no group name of a hostile server reach another path', async () => {
    serve({
      '/api': { versions: ['../v1'] },
      '/apis': { groups: [{ name: '../../x', versions: [{ version: '..' }] }] },
    })
    expect(await reader.discover(never)).toEqual({ resources: [], failedGroups: ['../../x/..', '../v1'] })
    expect(server.seen.map(({ url }) => url).sort()).toEqual(['/api', '/apis'])
  })
})

describe('asking for rights', () => {
  it('sends the rule as it is and gives the words of the server', async () => {
    server.answer = (_q, response) =>
      json(response, 201, {
        status: { allowed: false, reason: 'no RBAC policy', evaluationError: 'role x is missing' },
      })
    const rule = {
      verb: 'create',
      group: '',
      resource: 'pods',
      subresource: 'exec',
      namespace: 'shop',
    } as const
    expect(await reader.canI(rule, never)).toEqual({
      rule,
      allowed: false,
      why: 'no RBAC policy; role x is missing',
    })
    expect(JSON.parse(server.seen[0]!.body)).toEqual({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: rule },
    })
  })

  it.each([
    [['v1alpha1', 'v1'], 'v1'],
    [['v1alpha1', 'v1beta1'], 'v1beta1'],
  ])('asks who we are in the newest of %j', async (versions, newest) => {
    const review = {
      resource: 'selfsubjectreviews',
      responseKind: { kind: 'SelfSubjectReview' },
      verbs: ['create'],
    }
    const path = `/apis/authentication.k8s.io/${newest}/selfsubjectreviews`
    serve({
      '/api': { kind: 'APIGroupDiscoveryList', items: [] },
      '/apis': {
        kind: 'APIGroupDiscoveryList',
        items: [
          {
            metadata: { name: 'authentication.k8s.io' },
            versions: versions.map((version) => ({ version, resources: [review] })),
          },
        ],
      },
      [path]: { status: { userInfo: { username: 'jane', groups: ['a'] } } },
    })
    expect(await reader.whoAmI(never)).toEqual({ user: 'jane', groups: ['a'] })
  })

  it('does not know who we are where the server can not say', async () => {
    serve(AGGREGATED)
    expect(await reader.whoAmI(never)).toBeUndefined()
  })
})
