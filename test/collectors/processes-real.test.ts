import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { VolatileCaptures } from '../../src/collectors/proc/volatile-captures.js'
import { createProcessesCollector } from '../../src/collectors/processes.js'
import { createSocketsCollector } from '../../src/collectors/sockets.js'
import type { ProcessesDocument, ProcessLine, SocketsDocument } from '../../src/model/process-documents.js'
import type { Registry } from '../../src/model/ports/registry.js'
import { running } from '../filesystem/fake-exec.js'
import { noTricks, Tricks } from '../tricks/tricks.js'
import { collectContext, targetOf } from './collect-context.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const SCRIPT = readFileSync(resolve(import.meta.dirname, '../../templates/processes.sh'), 'utf8')
const BUSYBOX = '/usr/bin/busybox'
const QUICK = [
  'memfd',
  'unlinked',
  'named-deleted',
  'odd-name',
  'fake-kworker',
  'tcp6',
  'raw',
  'deleted-file',
  'executable',
  'long',
  'stopped',
]
const why = noTricks()
const here = why === undefined ? describe : describe.skip
const SHELLS: readonly (readonly string[])[] = [['dash'], ['bash', '--posix'], [BUSYBOX, 'sh']]

it('is POSIX shell', () => {
  expect(SCRIPT.split('\n')[0]).toBe('# impound processes v1')
  for (const [program = '', ...args] of SHELLS) {
    const found = spawnSync(program, [...args, '-n', '-c', SCRIPT])
    if (found.error === undefined) expect([program, found.stderr.toString()]).toEqual([program, ''])
  }
})

/** The collectors on what runs in there, through a shell of this machine. */
async function captured(tricks: Tricks, shell: readonly string[]): Promise<MemorySink> {
  const exec = running(...tricks.enter)
  const sink = new MemorySink()
  const context = {
    ...collectContext({
      exec: {
        exec: (where, [, ...argv], sinks, options) => exec.exec(where, [...shell, ...argv], sinks, options),
      },
      registry: undefined as unknown as Registry,
      sink,
      options: { stallTimeoutMs: 20_000 },
    }),
    phase: 'volatile' as const,
  }
  const target = targetOf({ name: 'app', image: 'app:1', imageID: '' })
  const captures = new VolatileCaptures({ processes: SCRIPT, nodeProcesses: SCRIPT })
  await Promise.all([
    createProcessesCollector(captures).collect(context, target, sink),
    createSocketsCollector(captures).collect(context, target, sink),
  ])
  return sink
}

here(`real tricks${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let tricks: Tricks
  beforeAll(async () => {
    tricks = await Tricks.start(...QUICK)
  }, 60_000)
  afterAll(() => tricks.stop())

  const shells = SHELLS.filter(([program = '']) => program !== BUSYBOX || existsSync(BUSYBOX))
  it.each(shells.map((shell) => [shell.join(' '), shell] as const))(
    'are told as they are under %s',
    async (_name, shell) => {
      const sink = await captured(tricks, shell)
      const lines = sink.lines('processes.jsonl') as ProcessLine[]
      const of = (trick: string): ProcessLine => {
        const pid = tricks.pids.get(trick)
        const found = lines.find((line) => line.pid === pid)
        if (found === undefined) throw new Error(`no line for ${trick}`)
        return found
      }
      const document = sink.json('processes.json') as ProcessesDocument
      expect(sink.rows.filter(({ status }) => status !== 'collected')).toEqual([])
      expect(document.captures).toMatchObject([
        { method: 'exec', trust: 'target-controlled', complete: true },
      ])

      expect(of('memfd')).toMatchObject({
        args: ['[kworker/u8:2]'],
        exe: { path: 'memfd:x (deleted)', kind: 'memfd', deleted: true, links: 0 },
        facts: ['exe-memfd', 'fake-kernel-thread', 'loader-variables'],
        environment: {
          names: ['REST', 'LD_PRELOAD'],
          loader: [{ name: 'LD_PRELOAD', value: '/tmp/.x/lib.so' }],
        },
        uids: [0, 0, 0, 0],
        seccomp: 'none',
        noNewPrivs: false,
        missing: [],
      })
      const gone = lines.find(({ ppid }) => ppid === tricks.pids.get('unlinked'))
      expect(gone?.exe).toMatchObject({ path: expect.stringMatching(/\/gone$/), deleted: true, links: 0 })
      expect(gone?.facts).toEqual(['exe-deleted'])
      // Its name says so, and nobody knows: it may be a file of a layer that was deleted above it
      expect(of('named-deleted').exe).not.toHaveProperty('deleted')
      expect(of('named-deleted')).toMatchObject({
        exe: { path: expect.stringMatching(/ \(deleted\)$/) },
        facts: [],
      })
      expect(of('odd-name')).toMatchObject({
        comm: 'a) S 1\n\x1b[31m\ufffd(',
        commB64: Buffer.from('a) S 1\n\x1b[31m\xff(', 'latin1').toString('base64'),
        ppid: 1,
        state: 'S',
      })
      expect(of('fake-kworker')).toMatchObject({
        comm: 'kworker/0:1H',
        exe: { path: expect.stringMatching(/\/tricks$/) },
        facts: ['fake-kernel-thread'],
      })
      expect(of('raw').facts).toEqual(['raw-or-packet-socket'])
      expect(of('executable')).toMatchObject({
        facts: ['executable-anonymous'],
        maps: { executable: [{ kind: 'anonymous', permissions: 'rwxp' }] },
      })
      expect(of('long')).toMatchObject({ argsTotal: 2, missing: ['cmdline: cut'] })
      expect(of('stopped')).toMatchObject({ state: 'T', facts: [] })
      expect(lines.filter(({ facts }) => facts.includes('ours')).length).toBeGreaterThan(0)
      expect(lines.find(({ pid }) => pid === 1)?.facts).toEqual([])
      const incomplete = lines.filter(({ missing, facts }) => missing.length > 0 && !facts.includes('ours'))
      expect(incomplete.map(({ pid }) => pid)).toEqual([tricks.pids.get('long')])

      const binary = createHash('sha256').update(readFileSync(tricks.binary)).digest('hex')
      const kept = document.executables.filter(({ kept: copy }) => copy !== undefined)
      expect(kept.map(({ kept: copy }) => [copy?.sha256, copy?.whole])).toEqual(
        Array.from({ length: 3 }, () => [binary, true]),
      )
      const loot = document.deletedFiles.find(({ pid }) => pid === tricks.pids.get('deleted-file'))
      expect(loot).toMatchObject({ path: expect.stringMatching(/\/loot$/), size: 6, deleted: true })
      expect(sink.text(loot?.kept?.path.replace(/^data\/targets\/t\//, '') ?? '')).toBe('lo\0ot\n')

      const { sockets } = sink.json('sockets.json') as SocketsDocument
      const pid = tricks.pids.get('tcp6')
      expect(sockets.filter(({ protocol }) => protocol === 'tcp6')).toMatchObject([
        { state: 'established', local: { address: '::1', port: 4444 }, holders: [{ pid }] },
        { state: 'established', remote: { address: '::1', port: 4444 }, holders: [{ pid }] },
        { state: 'listen', local: { address: '::1', port: 4444 }, holders: [{ pid, comm: 'tricks' }] },
      ])
      const raw = sockets.filter(({ protocol }) => protocol === 'raw' || protocol === 'packet')
      expect(raw.map(({ holders }) => holders[0]?.pid)).toEqual([
        tricks.pids.get('raw'),
        tricks.pids.get('raw'),
      ])
      expect(objections('processes.v1', document)).toEqual([])
      expect(objections('sockets.v1', sink.json('sockets.json'))).toEqual([])
      expect(lines.flatMap((line) => objections('process.v1', line))).toEqual([])
    },
    60_000,
  )
})

const withFuse = existsSync('/dev/fuse') ? here : describe.skip
withFuse('a file system that never answers', () => {
  let tricks: Tricks
  beforeAll(async () => {
    tricks = await Tricks.start('fuse', 'odd-name')
  }, 60_000)
  afterAll(() => tricks.stop())

  it('holds nobody up for long, and costs what lies on it alone', async () => {
    const sink = await captured(tricks, ['dash'])
    const lines = sink.lines('processes.jsonl') as ProcessLine[]
    const files = lines.find(({ pid }) => pid === tricks.pids.get('fuse'))?.descriptors.files
    const hanging = files?.find(({ path }) => path.endsWith('/work/fuse'))
    expect(hanging).toBeDefined()
    expect(hanging).not.toHaveProperty('inode')
    expect(lines.find(({ pid }) => pid === tricks.pids.get('odd-name'))?.exe?.inode).toBeGreaterThan(0)
    expect(sink.row('processes app')).toMatchObject({ status: 'collected' })
  }, 60_000)
})
