import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { applyJsonPatch, PatchFailed } from '../../../src/lab/api/json-patch.js'
import type { Json } from '../../../src/model/json.js'

describe('a JSON patch', () => {
  it.each<[string, Json, Json, Json]>([
    ['adds a member', { a: 1 }, { op: 'add', path: '/b', value: 2 }, { a: 1, b: 2 }],
    ['adds over a member', { a: 1 }, { op: 'add', path: '/a', value: 2 }, { a: 2 }],
    ['inserts into a list', [1, 3], { op: 'add', path: '/1', value: 2 }, [1, 2, 3]],
    ['appends to a list', [1], { op: 'add', path: '/-', value: 2 }, [1, 2]],
    ['removes a member', { a: 1, b: 2 }, { op: 'remove', path: '/a' }, { b: 2 }],
    ['removes from a list', [1, 2, 3], { op: 'remove', path: '/1' }, [1, 3]],
    ['replaces below a list', [{ a: 1 }], { op: 'replace', path: '/0/a', value: 2 }, [{ a: 2 }]],
    ['moves', { a: { b: 1 } }, { op: 'move', from: '/a/b', path: '/c' }, { a: {}, c: 1 }],
    ['copies', { a: [1] }, { op: 'copy', from: '/a', path: '/b' }, { a: [1], b: [1] }],
    ['reads ~1 and ~0', { 'x/y~z': 1 }, { op: 'replace', path: '/x~1y~0z', value: 2 }, { 'x/y~z': 2 }],
    [
      'passes a test that holds',
      { a: [1, { b: 2 }] },
      { op: 'test', path: '/a', value: [1, { b: 2 }] },
      { a: [1, { b: 2 }] },
    ],
    ['takes null for absent in a test', { a: 1 }, { op: 'test', path: '/b', value: null }, { a: 1 }],
    [
      'makes __proto__ an own member',
      {},
      { op: 'add', path: '/__proto__', value: { x: 1 } },
      JSON.parse('{"__proto__":{"x":1}}') as Json,
    ],
  ])('%s', (_what, before, operation, after) => {
    expect(applyJsonPatch(before, [operation])).toEqual(after)
  })

  it.each<[string, Json, Json]>([
    ['a test that does not hold', { a: 1 }, { op: 'test', path: '/a', value: 2 }],
    ['a test of something absent', {}, { op: 'test', path: '/a', value: 'x' }],
    ['an add below nothing', {}, { op: 'add', path: '/a/b', value: 1 }],
    ['a remove of nothing', {}, { op: 'remove', path: '/a' }],
    ['a replace of nothing', {}, { op: 'replace', path: '/a', value: 1 }],
    ['an index past the end', [1], { op: 'add', path: '/2', value: 1 }],
    ['an index that is none', [1], { op: 'remove', path: '/01' }],
    ['an inherited member', {}, { op: 'remove', path: '/constructor' }],
    ['an unknown operation', {}, { op: 'merge', path: '/a' }],
    ['a path without a slash', {}, { op: 'add', path: 'a', value: 1 }],
    ['an operation that is none', {}, 'add'],
  ])('fails for %s', (_what, before, operation) => {
    expect(() => applyJsonPatch(before, [operation])).toThrow(PatchFailed)
  })

  it('comes back to where it was when what it added is removed', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.string(),
        fc.jsonValue(),
        (before, key, value) => {
          fc.pre(!Object.hasOwn(before, key))
          const path = `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
          const patched = applyJsonPatch(before as Json, [
            { op: 'add', path, value: value as Json },
            { op: 'test', path, value: value as Json },
            { op: 'remove', path },
          ])
          expect(patched).toEqual(before)
        },
      ),
    )
  })
})
