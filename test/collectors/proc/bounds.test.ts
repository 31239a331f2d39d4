import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { KeptFacts } from '../../../src/collectors/proc/kept-facts.js'
import { wordsOf } from '../../../src/collectors/proc/process-record.js'
import { Retention } from '../../../src/collectors/proc/retention.js'
import { SocketHolders } from '../../../src/collectors/proc/socket-holders.js'
import { compareSockets, MostTelling } from '../../../src/collectors/proc/socket-tables.js'
import type { SocketLine, SocketState } from '../../../src/formats/proc/sockets.js'

describe('holders of sockets', () => {
  it('are found by inode as they came, eight of each, the others counted', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.nat(9), fc.nat(9)), {
      maxLength: 4000,
    })
    fc.assert(
      fc.property(rows, (all) => {
        const holders = new SocketHolders(3000)
        const kept = all.filter(([inode, pid, fd]) => holders.add(inode, { pid, fd }))
        expect(kept).toEqual(all.slice(0, 3000))
        for (let inode = 0; inode < 14; inode += 1) {
          const expected = kept.filter(([of]) => of === inode).map(([, pid, fd]) => ({ pid, fd }))
          expect(holders.of(inode)).toEqual({
            holders: expected.slice(0, 8),
            more: Math.max(0, expected.length - 8),
          })
        }
      }),
    )
  })
})

describe('a table of sockets', () => {
  const line = (port: number, state: SocketState): SocketLine => ({
    protocol: 'tcp',
    inode: port,
    uid: 0,
    state,
    local: { address: '10.0.0.1', port },
    remote: { address: '10.0.0.2', port: 443 },
    detail: undefined,
  })
  const lines = fc.array(
    fc
      .tuple(fc.nat(65535), fc.constantFrom<SocketState[]>('established', 'listen', 'time-wait'))
      .map(([port, state]) => line(port, state)),
    { maxLength: 300 },
  )

  it('keeps the most telling of however many there are', () => {
    fc.assert(
      fc.property(lines, fc.nat(80), (all, most) => {
        const table = new MostTelling(most)
        for (const one of all) table.add(one)
        expect(table.end()).toEqual({
          kept: all.toSorted(compareSockets).slice(0, most),
          total: all.length,
        })
      }),
    )
  })
})

describe('text that is kept', () => {
  it('has beginnings alone once much has been kept, but what was kept before as a whole', () => {
    const retention = new Retention()
    const first = Buffer.alloc(1000, 'a')
    retention.keep(first, 1000, 'arguments')
    for (let n = 0; n < 7; n += 1) retention.keep(Buffer.alloc(4 << 20, `${n}`), 4 << 20, 'arguments')
    expect(retention.keep(Buffer.alloc(1000, 'b'), 1000, 'arguments')).toBe('b'.repeat(256))
    expect(retention.keep(first, 1000, 'arguments')).toBe('a'.repeat(1000))
  })

  it('ends with a whole word where it is cut', () => {
    const keep = new KeptFacts()
    const names = (length: number) =>
      keep.environment(Buffer.from(`${'N'.repeat(length)}=1\0SECOND=2\0`.repeat(100)))
    for (let n = 0; n < 7000; n += 1) keep.args(Buffer.alloc(8000, `${n} `))
    const { kept, count, text } = names(100)
    expect(count).toBe(200)
    expect(wordsOf({ text, kept, count })).toEqual(['N'.repeat(100), 'SECOND', 'N'.repeat(100), 'SECOND'])
  })
})
