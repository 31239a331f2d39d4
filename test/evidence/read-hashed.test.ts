import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { fileBytes, passingBytes } from '../../src/evidence/read-hashed.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'impound-read-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

describe('the bytes of a file', () => {
  it.each([0, 1, 512 << 10, (512 << 10) + 1, 1_500_000])('come all, in order, of %d', async (size) => {
    const content = Buffer.from(Array.from({ length: size }, (_, index) => (index * 7) >> 3))
    writeFileSync(join(folder, 'f'), content)
    const handle = await open(join(folder, 'f'))
    const chunks: Buffer[] = []
    for await (const chunk of fileBytes(handle, new AbortController().signal)) chunks.push(chunk)
    await handle.close()
    // kept to the end: no chunk is written over while the next one is read
    expect(Buffer.concat(chunks).equals(content)).toBe(true)
  })

  it('come all, in order, where each chunk is used before the next but one is asked for', async () => {
    const content = Buffer.from(Array.from({ length: 4_500_000 }, (_, index) => (index * 7) >> 3))
    writeFileSync(join(folder, 'f'), content)
    const handle = await open(join(folder, 'f'))
    const places = new Set<ArrayBufferLike>()
    const chunks: Buffer[] = []
    let last: Buffer = Buffer.alloc(0)
    for await (const chunk of passingBytes(handle, new AbortController().signal)) {
      chunks.push(Buffer.from(last))
      last = chunk
      places.add(chunk.buffer)
    }
    await handle.close()
    expect(Buffer.concat([...chunks, last]).equals(content)).toBe(true)
    expect(places.size).toBe(3)
  })

  it('can be left early, and the handle closed at once', async () => {
    writeFileSync(join(folder, 'f'), Buffer.alloc(3_000_000))
    const handle = await open(join(folder, 'f'))
    for await (const chunk of fileBytes(handle, new AbortController().signal)) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    await handle.close()
  })

  it('stop with the signal', async () => {
    writeFileSync(join(folder, 'f'), Buffer.alloc(3_000_000))
    const handle = await open(join(folder, 'f'))
    const stop = new AbortController()
    const reading = (async () => {
      for await (const chunk of fileBytes(handle, stop.signal)) if (chunk.length > 0) stop.abort()
    })()
    await expect(reading).rejects.toMatchObject({ code: 'aborted' })
    await handle.close()
  })
})
