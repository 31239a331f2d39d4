import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { linkTarget } from '../../../src/formats/proc/link-target.js'
import { parseIdentities, parseLinks } from '../../../src/formats/proc/links.js'
import { executableMaps } from '../../../src/formats/proc/maps.js'
import { mountedDevices } from '../../../src/formats/proc/mountinfo.js'
import { SocketTableReader, type SocketProtocol } from '../../../src/formats/proc/sockets.js'
import { isKernelThread, parseBootTime, parseStat } from '../../../src/formats/proc/stat.js'
import { parseStatus } from '../../../src/formats/proc/status.js'
import { zeroWords } from '../../../src/formats/proc/zero-words.js'

/** Undefined where it is no table; in pieces of so many bytes. */
const parseSockets = (
  protocol: SocketProtocol,
  table: Buffer,
  order?: 'little' | 'big',
  piece = Infinity,
) => {
  const reader = new SocketTableReader(protocol, order)
  const lines = []
  for (let at = 0; at < table.length; at += piece) {
    // its memory is used again by who gave it
    const given = Buffer.from(table.subarray(at, at + piece))
    lines.push(...reader.push(given))
    given.fill(0x20)
  }
  lines.push(...reader.end())
  return reader.isTable ? lines : undefined
}
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const anyBytes = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes))

describe('/proc/PID/stat', () => {
  const REST = 'S 41 47 47 0 -1 4194560 1204 0 12 0 318 97 0 0 20 0 4 0 300623012 13467648 2148 1844674'

  it('has a name between the first and the last parenthesis, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc
          .uint8Array({ minLength: 1, maxLength: 15 })
          .map((bytes) => Buffer.from(bytes.map((byte) => byte || 1))),
        (name) => {
          const stat = parseStat(Buffer.concat([latin1('47 ('), name, latin1(`) ${REST}\n`)]))
          expect(stat).toEqual({
            pid: 47,
            comm: name.toString('latin1'),
            state: 'S',
            ppid: 41,
            session: 47,
            flags: 4194560,
            threads: 4,
            starttime: 300623012,
          })
        },
      ),
    )
  })

  it.each(['', '47', '47 (x)', '47 (x) S', '47 x S 1 2 3', `y (x) ${REST}`])(
    'is not made up from %j',
    (text) => {
      expect(parseStat(latin1(text))).toBeUndefined()
    },
  )

  it('tells threads of the kernel by their flag, not by their name', () => {
    expect(isKernelThread({ flags: 0x00208040 })).toBe(true)
    expect(isKernelThread({ flags: 4194560 })).toBe(false)
  })

  it('has the boot time in whole seconds', () => {
    expect(parseBootTime(latin1('cpu 1 2\nbtime 1763771550\nprocesses 9\n'))).toBe(1763771550)
    expect(parseBootTime(latin1('cpu 1 2\n'))).toBeUndefined()
  })
})

describe('/proc/PID/status', () => {
  it('is read by key, and the first of a key counts', () => {
    const status = parseStatus(
      latin1(
        'Name:\ta\\nUid:\t9\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\nGroups:\t4 20 \nNSpid:\t8121\t47\nTracerPid:\t3\n' +
          'CapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\n' +
          'NoNewPrivs:\t1\nSeccomp:\t2\nUid:\t0\t0\t0\t0\n',
      ),
    )
    expect(status).toEqual({
      uids: [1000, 0, 0, 0],
      gids: [5, 5, 5, 5],
      groups: [4, 20],
      nsPids: [8121, 47],
      tracer: 3,
      capabilities: {
        inheritable: '0000000000000000',
        permitted: '00000000a80425fb',
        effective: '00000000a80425fb',
        bounding: '000001ffffffffff',
        ambient: '0000000000000000',
      },
      seccomp: 2,
      noNewPrivs: true,
    })
  })

  it('does not mind anything', () => {
    fc.assert(fc.property(anyBytes, (bytes) => parseStatus(bytes).uids.length <= 4))
    expect(parseStatus(latin1(`Groups:\t${'7 '.repeat(70_000)}\n`)).groups.length).toBeLessThanOrEqual(256)
  })
})

describe('words that end in a zero byte', () => {
  it('come back as they went in', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes.map((byte) => byte || 1))),
        ),
        (words) => {
          const joined = Buffer.concat(words.flatMap((word) => [word, Buffer.of(0)]))
          expect(zeroWords(joined, 1000)).toEqual({ words, count: words.length })
        },
      ),
    )
  })

  it('are counted where they are not all kept, and need no last zero', () => {
    expect(zeroWords(latin1('a\0b\0c'), 2)).toEqual({ words: [latin1('a'), latin1('b')], count: 3 })
  })
})

describe('/proc/PID/maps', () => {
  const MAPS = [
    '00400000-00452000 r-xp 00000000 fe:00 260180                     /usr/bin/dash',
    '7f0000000000-7f0000002000 rwxp 00000000 00:00 0 ',
    '7f0000002000-7f0000003000 r-xp 00000000 00:01 4                  /memfd:x (deleted) (deleted)',
    '7f0000003000-7f0000004000 r-xp 00000000 00:2f 9                  /tmp/lib\\012.so (deleted)',
    '7f0000004000-7f0000005000 rwxs 00000000 00:01 77                 /dev/zero (deleted)',
    '7f0000005000-7f0000006000 r-xp 00000000 00:00 0                  [anon:my heap]',
    '7f0000006000-7f0000007000 rw-p 00000000 00:00 0 ',
    '7ffd00000000-7ffd00021000 rwxp 00000000 00:00 0                  [stack]',
    '7ffd00030000-7ffd00031000 r-xp 00000000 00:00 0                  [vdso]',
    'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]',
    'garbage',
    '',
  ].join('\n')

  it('show what can be executed and is no file, anonymous first', () => {
    const { areas, executable, more } = executableMaps(latin1(MAPS), 64)
    expect(areas).toBe(10)
    expect(executable.map(({ kind, path }) => [kind, path])).toEqual([
      ['anonymous', ''],
      ['anonymous', '/dev/zero (deleted)'],
      ['anonymous', '[anon:my heap]'],
      ['memfd', '/memfd:x (deleted) (deleted)'],
      ['deleted', '/tmp/lib\\012.so (deleted)'],
      ['special', '[stack]'],
    ])
    expect(more).toBe(0)
    expect(executableMaps(latin1(MAPS), 2).more).toBe(4)
  })
})

describe('links', () => {
  it('are read as GNU stat quotes them, byte for byte', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes.map((byte) => byte || 1))),
        (target) => {
          const lines = latin1(`"/proc/7/exe" -> "${quoted(target)}"\n"/proc/8/fd/3" -> "socket:[9]"\n`)
          expect([...parseLinks(lines)]).toEqual([
            { pid: 7, name: 'exe', target: target.toString('latin1') },
            { pid: 8, name: 'fd/3', target: 'socket:[9]' },
          ])
        },
      ),
    )
  })

  it('that lead nowhere have no target', () => {
    expect([...parseLinks(latin1('"/proc/2/exe"\n'))]).toEqual([{ pid: 2, name: 'exe', target: undefined }])
  })

  it('are read as busybox writes them, newlines in a target included', () => {
    const lines = latin1(`'/proc/7/exe' -> '/tmp/a\nb'\n\n'/proc/7/cwd' -> '/it's'\n`)
    expect([...parseLinks(lines)]).toEqual([
      { pid: 7, name: 'exe', target: '/tmp/a\nb' },
      { pid: 7, name: 'cwd', target: "/it's" },
    ])
  })

  it('do not mind anything', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => [...parseLinks(bytes), ...parseIdentities(bytes)].length < 400),
    )
  })

  it('lead to files that are known by device and inode', () => {
    const lines = latin1(
      '/proc/7/exe 65024 2170885 1 81ed 1982256 1778186025\n/proc/7/fd/3 1048577 4 0 81ff 9 -5\nstat: x\n',
    )
    expect([...parseIdentities(lines)]).toMatchObject([
      { pid: 7, name: 'exe', device: '254:0', inode: 2170885, links: 1, mode: 0o100755, size: 1982256 },
      { pid: 7, name: 'fd/3', device: '0:257', links: 0, mtime: -5 },
    ])
  })

  it.each([
    ['socket:[77]', { kind: 'socket', inode: 77 }],
    ['pipe:[3]', { kind: 'pipe', text: 'pipe:[3]' }],
    ['anon_inode:[eventfd]', { kind: 'anonymous', text: 'anon_inode:[eventfd]' }],
    ['/memfd:a (deleted) (deleted)', { kind: 'memfd', name: 'a (deleted)' }],
    ['/tmp/x (deleted)', { kind: 'path', path: '/tmp/x (deleted)', marked: true }],
    ['/tmp/socket:[77]', { kind: 'path', path: '/tmp/socket:[77]', marked: false }],
  ])('%s is told by its text', (text, target) => {
    expect(linkTarget(text)).toEqual(target)
  })
})

it('a mount table names devices', () => {
  const table =
    '2100 1987 0:59 / / rw - overlay overlay rw\n2101 2100 254:3 /x /etc/hosts rw - ext4 /dev/vda rw\nnonsense\n'
  expect([...mountedDevices(latin1(table))]).toEqual(['0:59', '254:3'])
})

describe('tables of sockets', () => {
  const HEAD =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
  const LINE = (local: string, remote: string, state: string): string =>
    `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  1000        0 884213 1 0000000000000000 20 4 30 10 -1\n`

  it.each([
    ['0100007F:115C', '127.0.0.1', 4444],
    ['0903000A:C958', '10.0.3.9', 51544],
  ])('have IPv4 addresses with their bytes the other way round: %s', (hex, address, port) => {
    expect(parseSockets('tcp', latin1(HEAD + LINE(hex, '00000000:0000', '0A')))).toEqual([
      {
        protocol: 'tcp',
        inode: 884213,
        uid: 1000,
        state: 'listen',
        local: { address, port },
        remote: { address: '0.0.0.0', port: 0 },
        detail: undefined,
      },
    ])
  })

  it.each([
    ['B80D01200000000000000000010000FF', '2001:db8::ff00:1'],
    ['00000000000000000000000001000000', '::1'],
    ['00000000000000000000000000000000', '::'],
    ['0000000000000000FFFF00000903000A', '10.0.3.9'],
    ['B80D0120000000000100000000000000', '2001:db8::1:0:0'],
  ])('have IPv6 addresses of which each word is the other way round: %s', (hex, address) => {
    const [line] =
      parseSockets('tcp6', latin1(HEAD + LINE(`${hex}:01BB`, `${'0'.repeat(32)}:0000`, '01'))) ?? []
    expect(line?.local?.address).toBe(address)
  })

  it('keep the order of bytes on a big-endian machine', () => {
    const [line] =
      parseSockets('tcp', latin1(HEAD + LINE('7F000001:115C', '00000000:0000', '0A')), 'big') ?? []
    expect(line?.local?.address).toBe('127.0.0.1')
  })

  it('show unix sockets with their names, and those of packets', () => {
    const unix =
      'Num       RefCount Protocol Flags    Type St Inode Path\n' +
      '0000000000000000: 00000002 00000000 00010000 0001 01 22031 /run/a b.sock\n' +
      '0000000000000000: 00000003 00000000 00000000 0001 03 22032\n'
    expect(parseSockets('unix', latin1(unix))).toMatchObject([
      { inode: 22031, state: 'listen', detail: '/run/a b.sock' },
      { inode: 22032, state: 'connected', detail: undefined },
    ])
    const packet =
      'sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n' +
      '0000000000000000 3      3    0003   2     1 0      0      97256\n'
    expect(parseSockets('packet', latin1(packet))).toMatchObject([
      { inode: 97256, uid: 0, detail: 'ethertype 0x0003, interface 2' },
    ])
  })

  it('are the same in whatever pieces they come, the last line without its end too', () => {
    const table = latin1(
      HEAD +
        LINE('0100007F:115C', '00000000:0000', '0A').repeat(3) +
        'x'.repeat(10_000) +
        '\n' +
        LINE('0903000A:C958', '07710BCB:01BB', '01').trimEnd(),
    )
    const whole = parseSockets('tcp', table)
    expect(whole?.map(({ state }) => state)).toEqual(['listen', 'listen', 'listen', 'established'])
    for (const piece of [1, 7, 100, 151, 4096])
      expect(parseSockets('tcp', table, 'little', piece)).toEqual(whole)
  })

  it('that have no heading could not be read, which is not the same as empty', () => {
    expect(parseSockets('tcp', Buffer.alloc(0))).toBeUndefined()
    expect(parseSockets('tcp', latin1(HEAD))).toEqual([])
  })

  it('do not mind anything', () => {
    fc.assert(
      fc.property(anyBytes, fc.constantFrom('tcp', 'tcp6', 'unix', 'packet', 'raw'), (bytes, protocol) => {
        parseSockets(protocol, Buffer.concat([latin1(HEAD), bytes]))
      }),
    )
  })
})

/** As GNU's quoting style "c" in the C locale. */
function quoted(bytes: Buffer): string {
  const named: Readonly<Record<string, string>> = {
    '\n': '\\n',
    '\t': '\\t',
    '"': '\\"',
    '\\': '\\\\',
    '\r': '\\r',
  }
  return Array.from(bytes.toString('latin1'), (character) => {
    const code = character.charCodeAt(0)
    const octal = code < 32 || code > 126 ? `\\${code.toString(8).padStart(3, '0')}` : character
    return named[character] ?? octal
  }).join('')
}
