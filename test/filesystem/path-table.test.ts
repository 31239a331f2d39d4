import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { PathTable } from '../../src/filesystem/path-table.js'

/** Few names, so that paths share directories, and one of another's prefix. */
const key = fc
  .array(fc.constantFrom('a', 'ab', 'b', '\xff', 'a b', 'x'.repeat(300)), { maxLength: 4 })
  .map((parts) => parts.join('/'))
const step = fc.oneof(
  fc.record({ set: key, to: fc.nat(1000) }),
  fc.record({ set: key, to: fc.nat(1000) }),
  fc.record({ delete: key }),
)

describe('a table of paths', () => {
  it('holds what a Map holds', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), key, (steps, asked) => {
        const [table, map] = [new PathTable(), new Map<string, number>()]
        for (const one of steps) {
          if ('set' in one) {
            table.set(one.set, one.to)
            map.set(one.set, one.to)
          } else {
            table.delete(one.delete)
            map.delete(one.delete)
          }
        }
        expect(new Map(table.entries())).toEqual(map)
        expect([...table.values()].sort()).toEqual([...map.values()].sort())
        expect([table.size, table.get(asked), table.has(asked)]).toEqual([
          map.size,
          map.get(asked),
          map.has(asked),
        ])
      }),
    )
  })

  it('finds every path again when it has grown, and a name as long as a chunk', () => {
    const table = new PathTable()
    const paths = Array.from({ length: 20_000 }, (_, at) => `d${at % 100}/e${at % 7}/name-${at}`)
    for (const [at, path] of paths.entries()) table.set(path, at)
    const long = 'n'.repeat(1 << 20)
    table.set(long, 7)
    table.set('after', 8)
    expect(paths.every((path, at) => table.get(path) === at)).toBe(true)
    expect([table.get(long), table.get('after'), table.get('d1'), table.size]).toEqual([
      7,
      8,
      undefined,
      20_002,
    ])
  })
})
