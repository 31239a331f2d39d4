import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'

import type { WriteIntent, WriteOutcome } from '../../src/model/acquisition.js'
import { podPath } from '../../src/model/api-path.js'
import type { KubeWriter, WriteOptions } from '../../src/model/ports/kube-writer.js'
import {
  type Answer,
  Bench,
  FixtureServer,
  json,
  kubeconfigFor,
  makeCertificate,
  type ServerCertificate,
  status,
} from './fixture-server.js'

const bench = new Bench()
const UNAPPLIED = 'the server rejected our request due to an error in our request'
const pod = podPath('shop', 'web')
let certificate: ServerCertificate
let server: FixtureServer
let events: string[]
let intents: WriteIntent[]
let outcomes: WriteOutcome[]
let writer: KubeWriter

beforeAll(async () => {
  certificate = await makeCertificate()
})
beforeEach(async () => {
  server = await new FixtureServer(certificate).listen()
  ;[events, intents, outcomes] = [[], [], []]
  const connection = await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate))
  writer = connection.writer({
    intent: async (intent) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      events.push('intent')
      intents.push(intent)
    },
    result: async (outcome) => {
      events.push('result')
      outcomes.push(outcome)
    },
  })
})
afterEach(async () => {
  await bench.clear()
  await server.close()
})
afterAll(() => bench.clear())

const target = { namespace: 'shop', name: 'web', uid: 'u-1' }
const options = (more: Partial<WriteOptions> = {}): WriteOptions => ({
  signal: new AbortController().signal,
  action: 'quarantine',
  step: 'label',
  ...more,
})
const written: Answer = (_q, response) => {
  events.push('sent')
  json(response, 200, { kind: 'Pod', metadata: { uid: 'u-1', resourceVersion: '42' } })
}
const patch = [
  { op: 'test', path: '/metadata/uid', value: 'u-1' },
  { op: 'add', path: '/metadata/labels/x', value: 'y' },
] as const

describe('a write', () => {
  it('is on disk as an intent before it is sent, and its result after', async () => {
    server.answer = written
    await writer.patch(pod, patch, options({ target, prior: { labels: {} } }))
    expect(events).toEqual(['intent', 'sent', 'result'])
    const [sent] = server.seen
    expect(sent).toMatchObject({
      method: 'PATCH',
      url: '/api/v1/namespaces/shop/pods/web?fieldManager=impound',
      headers: { 'content-type': 'application/json-patch+json', 'audit-id': intents[0]!.auditId },
    })
    expect(JSON.parse(sent!.body)).toEqual(patch)
    expect(intents[0]).toEqual({
      id: expect.any(String),
      action: 'quarantine',
      step: 'label',
      method: 'PATCH',
      path: sent!.url,
      body: patch,
      prior: { labels: {} },
      auditId: expect.any(String),
      target,
    })
    expect(outcomes).toEqual([{ id: intents[0]!.id, status: 200, resourceVersion: '42', uid: 'u-1' }])
  })

  it('that is a dry run says so to the server and is no line of the journal', async () => {
    server.answer = (_q, response) => json(response, 200, { kind: 'Pod' })
    await writer.create(podPath('shop'), { kind: 'Pod' }, options({ dryRun: true }))
    await writer.delete(pod, { ...options({ dryRun: true }), uid: 'u-1' })
    expect(events).toEqual([])
    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /api/v1/namespaces/shop/pods?fieldManager=impound&dryRun=All',
      'DELETE /api/v1/namespaces/shop/pods/web?dryRun=All',
    ])
    // a delete with a body is read from its body alone
    expect(JSON.parse(server.seen[1]!.body)).toMatchObject({ dryRun: ['All'], preconditions: { uid: 'u-1' } })
  })

  it('that deletes names the one object that it means', async () => {
    server.answer = (_q, response) =>
      json(response, 200, { kind: 'Status', status: 'Success', details: { uid: 'u-1' } })
    await writer.delete(pod, { ...options(), uid: 'u-1' })
    expect(JSON.parse(server.seen[0]!.body)).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: 'u-1' },
    })
    expect(outcomes[0]).toMatchObject({ status: 200, uid: 'u-1' })
  })
})

describe('a write that fails', () => {
  it.each<[string, Answer, string]>([
    ['409', (_q, r) => json(r, 409, status(409, 'the object has been modified')), 'conflict'],
    ['422 for a test that failed', (_q, r) => json(r, 422, status(422, UNAPPLIED)), 'conflict'],
    ['422 for an invalid object', (_q, r) => json(r, 422, status(422, 'Pod "web" is invalid')), 'invalid'],
    ['403', (_q, r) => json(r, 403, status(403, 'User "me" cannot patch resource "pods"')), 'forbidden'],
    ['503', (_q, r) => json(r, 503, status(503, 'away')), 'server'],
    ['429', (_q, r) => json(r, 429, status(429, 'slow')), 'throttled'],
  ])('with %s is sent once and its status is kept', async (name, answer, code) => {
    server.answer = answer
    await expect(writer.patch(pod, patch, options())).rejects.toMatchObject({ code })
    expect(server.seen).toHaveLength(1)
    expect(outcomes).toEqual([
      { id: intents[0]!.id, status: Number(name.slice(0, 3)), error: expect.any(String) },
    ])
  })

  it('because a patch without a test does not apply is no conflict', async () => {
    server.answer = (_q, response) => json(response, 422, status(422, UNAPPLIED))
    const failed = writer.patch(pod, [{ op: 'remove', path: '/metadata/labels/x' }], options())
    await expect(failed).rejects.toMatchObject({ code: 'invalid' })
  })

  it.each<[string, Answer, string]>([
    ['is reset', (_q, _r, socket) => void socket.destroy(), 'unreachable'],
    ['never comes', () => undefined, 'timeout'],
    [
      'is cut',
      (_q, response, socket) => {
        response.writeHead(200, { 'content-length': '100' }).write('{')
        setTimeout(() => socket.destroy(), 20)
      },
      'cut',
    ],
  ])(
    'because its answer %s has a result without a status, and is not sent again',
    async (_n, answer, code) => {
      const connection = await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate), {
        requestTimeoutMs: 300,
      })
      server.answer = answer
      const results: WriteOutcome[] = []
      const fragile = connection.writer({
        intent: async () => undefined,
        result: async (outcome) => void results.push(outcome),
      })
      await expect(fragile.create(podPath('shop'), { kind: 'Pod' }, options())).rejects.toMatchObject({
        code,
      })
      expect(server.seen).toHaveLength(1)
      expect(results).toEqual([{ id: expect.any(String), error: expect.any(String) }])
    },
  )

  it('because what answers is a log-in page is not taken for done', async () => {
    server.answer = (_q, response) =>
      void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
    await expect(writer.patch(pod, patch, options())).rejects.toMatchObject({ code: 'server' })
    expect(outcomes[0]).toMatchObject({ status: 200, error: expect.stringContaining('not known') })
  })

  it('because its signal has aborted is not sent, and a written intent says so', async () => {
    const controller = new AbortController()
    server.answer = written
    setTimeout(() => controller.abort(), 5)
    await expect(writer.patch(pod, patch, options({ signal: controller.signal }))).rejects.toMatchObject({
      code: 'aborted',
    })
    expect(outcomes).toEqual([{ id: intents[0]!.id, error: 'not sent: interrupted' }])
    await expect(writer.patch(pod, patch, options({ signal: controller.signal }))).rejects.toMatchObject({
      code: 'aborted',
    })
    expect(server.seen).toEqual([])
    expect(intents).toHaveLength(1)
  })

  it('because the intent can not be written is not sent', async () => {
    const connection = await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate))
    const full = new Error('no space left on device')
    const blocked = connection.writer({
      intent: () => Promise.reject(full),
      result: async () => undefined,
    })
    await expect(blocked.patch(pod, patch, options())).rejects.toBe(full)
    expect(server.seen).toEqual([])
  })
})
