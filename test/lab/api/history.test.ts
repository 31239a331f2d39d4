import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../../src/lab/lab.js'
import { asArray, at, type JsonObject } from '../../../src/model/json.js'
import { accessOf, call, type Access, type Reply } from '../client.js'
import { smallSeed } from '../small-seed.js'

const MAPS = '/api/v1/namespaces/shop/configmaps'

let lab: Lab
let admin: Access
const get = (query: string): Promise<Reply> => call(admin, `${MAPS}${query}`)
const names = ({ json }: Reply): unknown[] => asArray(json.items).map((item) => at(item, 'metadata', 'name'))
const versionOf = ({ json }: Reply): string => String(at(json, 'metadata', 'resourceVersion'))
const put = (name: string, data: Record<string, string> = {}): JsonObject =>
  lab.objects.put({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'shop' }, data })
const events = ({ text }: Reply): { type: string; object: JsonObject }[] =>
  text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { type: string; object: JsonObject })

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  await lab.settled()
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

describe('a list at a version', () => {
  it('shows what was there then, exactly or at least', async () => {
    put('one')
    const then = versionOf(await get(''))
    put('two')
    lab.objects.delete('configmaps', 'shop', 'one')
    const exact = await get(`?resourceVersion=${then}&resourceVersionMatch=Exact`)
    expect([names(exact), versionOf(exact)]).toEqual([['one'], then])
    expect(names(await get(`?resourceVersion=${then}&limit=1`))).toEqual(['one'])
    expect(names(await get(`?resourceVersion=${then}`))).toEqual(['two'])
    expect(names(await get('?resourceVersion=0'))).toEqual(['two'])
  })

  it.each([
    ['?resourceVersion=99999999', 504, 'Timeout: Too large resource version: 99999999, current: '],
    ['?resourceVersion=99999999&limit=1', 500, 'etcdserver: mvcc: required revision is a future revision'],
    [
      '?resourceVersion=1&resourceVersionMatch=Exact',
      410,
      'The resourceVersion for the provided list is too old.',
    ],
    [
      '?resourceVersion=abc',
      500,
      'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    ],
    [
      '?resourceVersionMatch=Exact',
      422,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    [
      '?resourceVersion=0&resourceVersionMatch=Exact',
      422,
      'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    [
      '?resourceVersion=5&resourceVersionMatch=Foo',
      422,
      'Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""',
    ],
    [
      '?limit=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0&resourceVersion=5',
      400,
      'specifying resource version is not allowed when using continue',
    ],
  ])('%s is a %d', async (query, code, message) => {
    const reply = await get(query)
    expect(reply.status).toBe(code)
    expect(reply.json.message).toEqual(expect.stringContaining(message))
  })

  it('goes on after compaction with the token of the refusal', async () => {
    for (const name of ['p1', 'p2', 'p3']) put(name)
    const token = String(at((await get('?limit=1')).json, 'metadata', 'continue'))
    lab.compact()
    put('p4')
    const refused = await get(`?limit=1&continue=${token}`)
    expect(refused.json).toMatchObject({ code: 410, reason: 'Expired' })
    const inconsistent = String(at(refused.json, 'metadata', 'continue'))
    expect(names(await get(`?continue=${inconsistent}`))).toEqual(['p2', 'p3', 'p4', 'two'])
  })
})

describe('a watch', () => {
  it('from a version on shows every change since, and no other', async () => {
    put('before')
    const then = versionOf(await get(''))
    put('w', { a: '1' })
    put('w', { a: '2' })
    lab.objects.delete('configmaps', 'shop', 'w')
    const seen = events(await get(`?watch=true&timeoutSeconds=1&resourceVersion=${then}`))
    expect(seen.map(({ type, object }) => [type, at(object, 'metadata', 'name')])).toEqual([
      ['ADDED', 'w'],
      ['MODIFIED', 'w'],
      ['DELETED', 'w'],
    ])
  })

  it('from a version that was compacted is a 410 in the stream', async () => {
    const then = versionOf(await get(''))
    lab.compact()
    const reply = await get(`?watch=true&timeoutSeconds=5&resourceVersion=${then}`)
    expect([reply.status, events(reply)]).toEqual([
      200,
      [
        {
          type: 'ERROR',
          object: {
            kind: 'Status',
            apiVersion: 'v1',
            metadata: {},
            status: 'Failure',
            message: expect.stringMatching(new RegExp(`^too old resource version: ${then} \\(\\d+\\)$`)),
            reason: 'Expired',
            code: 410,
          },
        },
      ],
    ])
  })

  it('gives a bookmark before its end to whoever asked', async () => {
    const now = versionOf(await get(''))
    const reply = await get(`?watch=true&timeoutSeconds=1&resourceVersion=${now}&allowWatchBookmarks=true`)
    expect(events(reply)).toEqual([
      {
        type: 'BOOKMARK',
        object: {
          kind: 'ConfigMap',
          apiVersion: 'v1',
          metadata: { resourceVersion: now, creationTimestamp: null },
        },
      },
    ])
  })

  it('sends the beginning first, and says when it is over', async () => {
    const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const seen = events(await get(`?watch=true&timeoutSeconds=1&${query}`))
    const end = seen.findIndex(({ type }) => type === 'BOOKMARK')
    expect(end).toBe(names(await get('')).length)
    expect(at(seen[end]?.object, 'metadata', 'annotations')).toEqual({ 'k8s.io/initial-events-end': 'true' })
  })

  it('refuses what is only for lists', async () => {
    const reply = await get('?watch=true&resourceVersionMatch=Exact&resourceVersion=5')
    expect(reply.json).toMatchObject({ code: 422, reason: 'Invalid' })
    expect(reply.json.message).toContain('resourceVersionMatch is forbidden for watch')
  })
})

describe('a field selector', () => {
  it.each([
    ['foo=bar', '"foo" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ['foo', "invalid selector: 'foo'; can't understand 'foo'"],
    ['metadata.name=a\\b', 'invalid field selector: invalid escape sequence: \\b'],
  ])('%j is refused as the server does', async (selector, message) => {
    const reply = await get(`?fieldSelector=${encodeURIComponent(selector)}`)
    expect(reply.json).toMatchObject({ code: 400, message })
  })

  it('takes empty terms and escaped commas', async () => {
    expect(names(await get(`?fieldSelector=${encodeURIComponent('metadata.name=two,')}`))).toEqual(['two'])
    expect(names(await get(`?fieldSelector=${encodeURIComponent('metadata.name=t\\,wo')}`))).toEqual([])
  })
})
