import { describe, expect, it } from '@jest/globals'

import { ScratchBuffer } from '../../src/formats/scratch-buffer.js'

describe('memory that is used again', () => {
  it('has what was added, through growth and what is dropped', () => {
    const scratch = new ScratchBuffer()
    const all = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251))
    for (let at = 0; at < all.length; at += 40_000) scratch.add(all.subarray(at, at + 40_000))
    expect(scratch.length).toBe(300_000)
    expect(scratch.bytes.equals(all)).toBe(true)
    scratch.drop(123_457)
    expect(scratch.bytes.equals(all.subarray(123_457))).toBe(true)
    scratch.add(Buffer.from('end'))
    expect(scratch.bytes.subarray(-3).toString()).toBe('end')
    scratch.clear()
    expect(scratch.bytes).toHaveLength(0)
  })

  it('gives back at once what it outgrew, and what it needs no more', () => {
    const scratch = new ScratchBuffer()
    scratch.add(Buffer.alloc(60_000))
    const before = scratch.bytes
    scratch.add(Buffer.alloc(60_000))
    expect(before.buffer.byteLength).toBe(0)
    scratch.add(Buffer.alloc(3 << 20))
    const large = scratch.bytes
    scratch.clear()
    expect(large.buffer.byteLength).toBe(0)
    expect(scratch.length).toBe(0)
  })
})
