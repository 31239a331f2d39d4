import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import {
  readDescriptors,
  readFiles,
  readInetSockets,
  readRegularFiles,
} from '../../src/formats/criu/files.js'
import { criuEntries } from '../../src/formats/criu/image.js'
import {
  inCircles,
  readCore,
  readDumpStats,
  readExeFile,
  readFilesId,
  readPstree,
} from '../../src/formats/criu/tasks.js'
import { readProto } from '../../src/formats/protobuf.js'
import { proto, type Field } from '../../src/lab/node/checkpoint/proto.js'

const REAL = resolve(import.meta.dirname, '../fixtures/criu-4.2')
const real = (name: string): Buffer => readFileSync(join(REAL, name))

function image(magic: readonly number[], ...entries: readonly Buffer[]): Buffer {
  const words = (...numbers: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(4 * numbers.length)
    numbers.forEach((number, at) => bytes.writeUInt32LE(number, 4 * at))
    return bytes
  }
  return Buffer.concat([words(...magic), ...entries.flatMap((entry) => [words(entry.length), entry])])
}
const PSTREE = [0x54564319, 0x50273030]

/** A server of ours on 127.0.0.1, with a child that calls itself a kernel thread, dumped by CRIU 4.2.1 on Linux 6.18. */
describe('images that CRIU made', () => {
  const tasks = readPstree(real('pstree.img'))
  const [parent, child] = tasks

  it('have the tree of processes', () => {
    expect(tasks).toHaveLength(2)
    expect(parent).toMatchObject({ ppid: 0, sid: parent!.pid, pgid: parent!.pid, threads: 1 })
    expect(child).toMatchObject({ ppid: parent!.pid, sid: parent!.pid })
    expect(inCircles(tasks)).toEqual([])
  })

  it('have names, states and users', () => {
    const core = readCore(real(`core-${child!.pid}.img`))
    expect(core).toMatchObject({ state: 'alive', uid: 0, gid: 0, bigEndian: false })
    expect(core?.comm?.toString()).toBe('kworker/0:1 ) x')
  })

  it('have programs, descriptors and internet sockets', () => {
    const { regular, sockets } = readFiles(real('files.img'), false)
    const exe = readExeFile(real(`mm-${parent!.pid}.img`))
    expect(regular.find(({ id }) => id === exe)?.path.toString()).toBe('/srv/suspect/server')
    expect(regular.map(({ path }) => path.toString())).toContain('/srv/suspect/data.txt')
    const told = sockets.map(
      ({ protocol, state, local }) => `${protocol} ${state} ${local.address} ${local.port}`,
    )
    expect(told).toEqual(
      expect.arrayContaining([
        'tcp listen 127.0.0.1 4555',
        'udp close 127.0.0.1 4556',
        'tcp6 listen ::1 4557',
        'tcp established 127.0.0.1 4555',
      ]),
    )
    const client = sockets.find(({ state, remote }) => state === 'established' && remote.port === 4555)
    const descriptors = readDescriptors(real(`fdinfo-${readFilesId(real(`ids-${parent!.pid}.img`))}.img`))
    expect(descriptors.map(({ file }) => file)).toContain(client?.id)
  })

  it('say how long the processes stood', () => {
    expect(readDumpStats(real('stats-dump'))).toEqual({
      freezingUs: expect.any(Number),
      frozenUs: expect.any(Number),
    })
  })

  it('end within an entry where they are cut, wherever that is', () => {
    for (const name of ['pstree.img', 'files.img']) {
      const whole = real(name)
      const kind = name === 'files.img' ? 'files' : 'pstree'
      const ends = new Set([8])
      for (const entry of criuEntries(whole, kind))
        ends.add(entry.byteOffset - whole.byteOffset + entry.length)
      for (let end = 0; end < whole.length; end += 1) {
        const read = (): unknown => [...criuEntries(whole.subarray(0, end), kind)]
        if (ends.has(end)) expect(read).not.toThrow()
        else expect(read).toThrow(/ends within|does not begin/)
      }
    }
  })

  it('are refused, or read as something, with any byte changed', () => {
    for (const name of readdirSync(REAL)) {
      const whole = real(name)
      fc.assert(
        fc.property(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
          const changed = Buffer.from(whole)
          changed[at] = byte
          readsOrRefuses(changed)
        }),
        { numRuns: 50 },
      )
    }
  })
})

function readsOrRefuses(bytes: Buffer): void {
  const readers = [
    readPstree,
    readCore,
    readFilesId,
    readExeFile,
    readDumpStats,
    readDescriptors,
    readRegularFiles,
    (image: Buffer) => readFiles(image, false),
    (image: Buffer) => readInetSockets(image, true),
  ]
  for (const read of readers) {
    try {
      read(bytes)
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^(integrity|cut|too-big)$/) })
    }
  }
}

describe('images that somebody made up', () => {
  it.each([
    ['another magic', image([0x54564319, 0x55053847], proto([1, 1]))],
    ['no magic', Buffer.alloc(0)],
    ['half of one', Buffer.from([0x19, 0x43])],
    ['a length past the end', Buffer.concat([image(PSTREE), Buffer.from([9, 0, 0, 0, 1])])],
    ['a length of four gigabytes', Buffer.concat([image(PSTREE), Buffer.from([255, 255, 255, 255])])],
    ['a number without an end', image(PSTREE, Buffer.alloc(20, 0xff))],
    ['a field past the end', image(PSTREE, Buffer.from([0x0a, 0x7f, 1]))],
    ['groups', image(PSTREE, Buffer.from([0x0b, 0x0c]))],
  ])('are refused: %s', (_what, bytes) => {
    expect(() => readPstree(bytes)).toThrow(expect.objectContaining({ name: 'ImpoundError' }))
  })

  it('are refused past half a million entries, before memory is', () => {
    const bytes = Buffer.concat([image(PSTREE), Buffer.alloc(4 * 600_000)])
    expect(() => [...criuEntries(bytes, 'pstree')]).toThrow(/more than 500000 entries/)
  })

  it('may have magics of their own alone, as CRIU wrote them before 2.0', () => {
    expect(readPstree(image([0x50273030], proto([1, 7], [2, 1])))).toMatchObject([{ pid: 7, ppid: 1 }])
    const file = proto([1, 3], [6, '/bin/old'])
    expect(readRegularFiles(image([0x50363636], file))).toEqual([{ id: 3, path: Buffer.from('/bin/old') }])
  })

  it('may have a tree that goes in circles, which is told', () => {
    const task = (pid: number, ppid: number): Buffer => proto([1, pid], [2, ppid])
    const tasks = readPstree(image(PSTREE, task(1, 0), task(5, 7), task(7, 5), task(9, 7), task(3, 3)))
    expect(inCircles(tasks)).toEqual([3, 5, 7])
  })

  it('are turned round for a machine that is big-endian', () => {
    const socket = proto([1, 1], [3, 2], [5, 6], [6, 10], [7, 80], [11, 0x7f000001], [12, 0])
    const [found] = readInetSockets(image([0x56443851], socket), true)
    expect(found).toMatchObject({
      protocol: 'tcp',
      state: 'listen',
      local: { address: '127.0.0.1', port: 80 },
    })
  })

  it('have no address where it has not the length of one', () => {
    const [found] = readInetSockets(image([0x56443851], proto([1, 1], [3, 2], [11, 1], [11, 2])), false)
    expect(found?.local).toEqual({ address: '', port: 0 })
  })

  it('are read or refused, whatever they are', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => readsOrRefuses(Buffer.from(bytes))))
  })
})

describe('a protobuf message', () => {
  const field: fc.Arbitrary<Field> = fc.tuple(
    fc.integer({ min: 1, max: 40 }),
    fc.oneof(
      fc.maxSafeNat(),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    ),
  )

  it('gives back what was written', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 30 }), (fields) => {
        const all = Array.from({ length: 40 }, (_, at) => at + 1)
        const read = readProto(proto(...fields), all)
        for (const number of all) {
          const mine = fields.filter(([of]) => of === number).map(([, value]) => value)
          const numbers = mine.filter((value) => typeof value === 'number')
          if (numbers.length > 0) expect(read.numbers(number)).toEqual(numbers)
          expect(read.bytes(number)).toEqual(mine.filter((value) => typeof value !== 'number').at(-1))
        }
      }),
    )
  })

  it('keeps no field that nobody asked for', () => {
    expect(readProto(proto([1, 5], [2, 'x']), [3]).number(1)).toBeUndefined()
  })

  it('gives no number that a double can’t hold', () => {
    const minusOne = Buffer.from([0x08, ...Array<number>(9).fill(0xff), 0x01])
    expect(readProto(minusOne, [1]).number(1)).toBeUndefined()
  })

  it('keeps a bounded number of values', () => {
    const many = proto(...Array.from({ length: 10_000 }, (_, at): Field => [5, at]))
    expect(readProto(many, [5]).numbers(5)).toHaveLength(4_096)
    expect(readProto(proto([5, Buffer.alloc(10_000, 1)]), [5]).numbers(5)).toHaveLength(4_096)
  })
})
