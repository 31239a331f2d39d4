import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { createLogsCollector } from '../../src/collectors/logs.js'
import { readNodeLogFiles } from '../../src/collectors/node-log-files.js'
import { readScripts } from '../../src/engine/system.js'
import type { CollectContext, CollectOptions } from '../../src/model/collector.js'
import type { LogsDocument } from '../../src/model/log-documents.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { NodePods } from '../../src/model/ports/node-pod.js'
import type { Registry } from '../../src/model/ports/registry.js'
import { complaints } from '../containment/schemas.js'
import { collectContext, targetOf } from './collect-context.js'
import { localNode, type LocalNodeParts } from './local-node.js'
import { MemorySink } from './memory-sink.js'

const { podLogs } = await readScripts()
const collector = createLogsCollector(podLogs)
const TARGET = targetOf({ name: 'app', image: 'x', imageID: 'y' })

let host: string
let directory: string

beforeEach(() => {
  host = mkdtempSync(join(tmpdir(), 'impound-host-'))
  // /var/log is often a symlink to another disk, absolute as the host means it
  mkdirSync(join(host, 'data/log/pods'), { recursive: true })
  mkdirSync(join(host, 'var'))
  symlinkSync('/data/log', join(host, 'var/log'))
  directory = join(host, `data/log/pods/shop_web_${TARGET.uid}`)
  mkdirSync(join(directory, 'app'), { recursive: true })
})

afterEach(() => rmSync(host, { recursive: true, force: true }))

/** Lines from second to second of the hour that begins at 02:00. */
function lines(from: number, to: number): string {
  const stamp = (second: number): string => new Date(Date.UTC(2026, 10, 27, 2, 0, second)).toISOString()
  return Array.from(
    { length: to - from },
    (_, index) => `${stamp(from + index)} stdout F line ${from + index}\n`,
  ).join('')
}

function put(name: string, content: string | Buffer): void {
  mkdirSync(join(directory, name, '..'), { recursive: true })
  writeFileSync(join(directory, name), content)
}

async function collect(
  parts: Omit<LocalNodeParts, 'host'> & { readonly nodePods?: NodePods } = {},
  options: Partial<CollectOptions> = {},
  status: object = {},
): Promise<{ readonly sink: MemorySink; readonly document: LogsDocument }> {
  const sink = new MemorySink()
  const base = collectContext({
    registry: {} as unknown as Registry,
    sink,
    nodePods: parts.nodePods ?? localNode({ host, ...parts }),
    options: { allow: new Set(['node']), maxLogBytes: 1 << 30, ...options },
  })
  const pod = {
    ...TARGET.pod,
    status: { containerStatuses: [{ name: 'app', restartCount: 0, containerID: '', ...status }] },
  }
  const context: CollectContext = {
    ...base,
    now: {
      ...base.now,
      get: () => Promise.resolve({ artefact: '', response: {} as never, json: pod as never }),
    },
    logs: { log: () => Promise.reject(new ImpoundError('not-found', 'no such run')) },
  }
  await collector.collect(context, TARGET, sink)
  const document = sink.json('logs.json') as LogsDocument
  expect(complaints('logs', document)).toEqual([])
  return { sink, document }
}

describe('the log files on the node', () => {
  it('are kept as they lie there, compressed ones too, and each says what it covers', async () => {
    const old = gzipSync(lines(0, 60))
    put('app/0.log.20261127-020100.gz', old)
    put('app/0.log.20261127-020200', lines(60, 120))
    put('app/0.log', lines(120, 130))
    const { sink, document } = await collect()
    expect(
      document.files.map(({ name, run, rotated, covers }) => [
        name,
        run,
        rotated,
        covers?.lines,
        covers?.firstAt,
      ]),
    ).toEqual([
      ['app/0.log.20261127-020100.gz', 0, '20261127-020100', 60, '2026-11-27T02:00:00.000Z'],
      ['app/0.log.20261127-020200', 0, '20261127-020200', 60, '2026-11-27T02:01:00.000Z'],
      ['app/0.log', 0, undefined, 10, '2026-11-27T02:02:00.000Z'],
    ])
    expect(sink.files.get('logs/app/rotated-0.log.20261127-020100.gz')).toEqual(old)
    expect(sink.text('logs/app/rotated-0.log')).toBe(lines(120, 130))
    expect(sink.records.get('logs/app/rotated-0.log')?.source.trust).toBe('node-kernel')
    expect(document).toMatchObject({ olderFiles: 'read from the node', gaps: [] })
    expect(sink.row('logs')).toBeUndefined()
  })

  it('are found by the UID alone where nobody knows the pod’s name any more', async () => {
    put('app/0.log', lines(0, 3))
    const sink = new MemorySink()
    const context = collectContext({ registry: {} as unknown as Registry, sink })
    const session = await localNode({ host }).on('n', context.run.signal)
    const gone = { namespace: '', name: '', uid: TARGET.uid }
    const { directory: found, files } = await readNodeLogFiles(context, session, gone, podLogs, sink)
    expect(found).toBe(`shop_web_${TARGET.uid}`)
    expect(files.map(({ name }) => name)).toEqual(['app/0.log'])
  })

  it('of a pod without any are a row, and its log from the API stays', async () => {
    rmSync(directory, { recursive: true })
    const { sink, document } = await collect()
    expect(sink.row('logs on the node')).toMatchObject({ status: 'failed', reason: 'target-gone' })
    expect(document).toMatchObject({ olderFiles: 'not read from the node', files: [], gaps: [] })
  })

  it('of a node that starts no pod of ours are a row', async () => {
    const { sink, document } = await collect({
      refuse: new ImpoundError('target-refused', 'Pod Security says no'),
    })
    expect(sink.row('logs on the node')).toMatchObject({
      reason: 'target-refused',
      detail: 'Pod Security says no',
    })
    expect(document.olderFiles).toBe('not read from the node')
  })

  it('keep their access times', async () => {
    put('app/0.log', lines(0, 3))
    utimesSync(join(directory, 'app/0.log'), 1_000_000_000, 1_100_000_000)
    await collect()
    expect(
      execFileSync('stat', ['-c', '%X', join(directory, 'app/0.log')])
        .toString()
        .trim(),
    ).toBe('1000000000')
  })

  it('are not opened where they are a pipe, and not followed where they are a symlink', async () => {
    put('app/0.log', lines(0, 3))
    put('../../../secret', 'what the node keeps')
    execFileSync('mkfifo', [join(directory, 'app/1.log')])
    symlinkSync('/secret', join(directory, 'app/2.log'))
    symlinkSync('/', join(directory, 'root'))
    const { sink, document } = await collect()
    expect(document.files.filter(({ kept }) => kept !== 'no').map(({ name }) => name)).toEqual(['app/0.log'])
    expect(
      sink.rows
        .filter(({ reason }) => reason === 'unsupported')
        .map(({ subject }) => subject)
        .sort(),
    ).toEqual(['logs app/1.log', 'logs app/2.log', 'logs root'])
    expect([...sink.files.values()].some((bytes) => bytes.includes('what the node keeps'))).toBe(false)
  })

  it('with names that no kubelet gives are kept under names of ours', async () => {
    put('app/$(touch x) -rf ..\n.log', 'x')
    const { document } = await collect()
    expect(document.files).toEqual([
      expect.objectContaining({ container: 'app', kept: 'whole', name: 'app/$(touch x) -rf ..\n.log' }),
    ])
    expect(document.files[0]!.path).toMatch(/\/logs\/app\/rotated-[A-Za-z0-9._-]+$/)
    expect(document.files[0]!.run).toBeUndefined()
  })

  it('past the bound are left out, oldest first, and the gap is said', async () => {
    put('app/0.log.20261127-020100', lines(0, 60))
    put('app/0.log.20261127-020200', lines(60, 120))
    put('app/0.log', lines(120, 130))
    const { sink, document } = await collect({}, { maxLogBytes: 4_000 })
    expect(document.files.map(({ name, kept }) => [name, kept])).toEqual([
      ['app/0.log.20261127-020100', 'no'],
      ['app/0.log.20261127-020200', 'whole'],
      ['app/0.log', 'whole'],
    ])
    expect(document.gaps).toEqual([
      expect.objectContaining({ kind: 'left-out', certainty: 'known', to: '2026-11-27T02:01:00.000Z' }),
    ])
    expect(sink.row('logs app/0.log.20261127-020100')).toMatchObject({ reason: 'too-big' })
    expect(sink.row('logs')).toMatchObject({ status: 'partial', reason: 'cut' })
  })
})

describe('a rotation while the files are read', () => {
  it('loses nothing: the new file is read as well', async () => {
    put('app/0.log', lines(0, 60))
    let isDone = false
    const { document } = await collect({
      before: ({ args }) => {
        if (args[0] !== 'read' || isDone) return
        isDone = true
        renameSync(join(directory, 'app/0.log'), join(directory, 'app/0.log.20261127-020100'))
        put('app/0.log', lines(60, 70))
      },
    })
    const texts = document.files.map(({ name, covers }) => [name, covers?.lines])
    expect(texts).toContainEqual(['app/0.log.20261127-020100', 60])
    expect(texts).toContainEqual(['app/0.log', 10])
    expect(document.gaps).toEqual([])
  })

  it('that compresses a file before it is read has its lines all the same', async () => {
    put('app/0.log.20261127-020100', lines(0, 60))
    put('app/0.log', lines(60, 70))
    const { sink, document } = await collect({
      before: ({ args }) => {
        const path = join(directory, 'app/0.log.20261127-020100')
        if (args[0] !== 'read' || args.some((arg) => arg.endsWith('.gz'))) return
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)))
        unlinkSync(path)
      },
    })
    expect(document.files.map(({ name, covers }) => [name, covers?.lines])).toEqual([
      ['app/0.log.20261127-020100.gz', 60],
      ['app/0.log', 10],
    ])
    expect(document.gaps).toEqual([])
    expect(sink.rows.filter(({ status }) => status === 'failed')).toEqual([])
  })

  it('that removes a file before it is read leaves a gap between known lines', async () => {
    put('app/0.log.20261127-020100', lines(0, 60))
    put('app/0.log.20261127-020200', lines(60, 120))
    put('app/0.log', lines(120, 130))
    const { sink, document } = await collect({
      before: ({ args }) => {
        if (args[0] === 'read') rmSync(join(directory, 'app/0.log.20261127-020200'), { force: true })
      },
    })
    expect(document.gaps).toEqual([
      {
        container: 'app',
        kind: 'vanished',
        certainty: 'known',
        runs: [0, 0],
        from: '2026-11-27T02:00:59.000Z',
        to: '2026-11-27T02:02:00.000Z',
        why: 'app/0.log.20261127-020200: it was removed while the logs were read',
      },
    ])
    expect(sink.row('logs')).toMatchObject({
      status: 'partial',
      detail: 'app: gap 2026-11-27T02:00:59.000Z to 2026-11-27T02:02:00.000Z (removed while it was read)',
    })
  })
})

describe('gaps in what lies there', () => {
  const RUNNING = { restartCount: 1, state: { running: { startedAt: '2026-11-27T01:30:00Z' } } }

  function fiveFiles(): void {
    for (const minute of [1, 2, 3, 4])
      put(`app/1.log.20261127-020${minute}00`, lines(minute * 60 - 60, minute * 60))
    put('app/1.log', lines(240, 250))
  }

  it('are inferred where as many files lie there as the kubelet keeps and the first begins late, and it says why', async () => {
    fiveFiles()
    put('app/0.log', lines(-9000, -8990))
    const { document } = await collect({}, {}, RUNNING)
    expect(document.gaps).toEqual([
      expect.objectContaining({
        kind: 'rotated-away',
        certainty: 'inferred',
        runs: [1, 1],
        from: '2026-11-27T01:30:00Z',
        to: '2026-11-27T02:00:00.000Z',
        why: expect.stringContaining('a program that wrote nothing for so long would leave the same'),
      }),
    ])
  })

  it('are not made of silence: neither between two lines, nor before the first of a file that was never rotated', async () => {
    put('app/0.log', lines(-9000, -8990))
    put('app/1.log', lines(0, 1) + lines(3000, 3001))
    const { document } = await collect({}, {}, RUNNING)
    expect(document.gaps).toEqual([])
  })

  it('are known where a run has no file', async () => {
    put('app/3.log', lines(0, 60))
    const { document } = await collect({}, {}, { restartCount: 3 })
    expect(document.gaps).toEqual([
      expect.objectContaining({
        kind: 'runs-gone',
        certainty: 'known',
        runs: [0, 2],
        to: '2026-11-27T02:00:00.000Z',
      }),
    ])
  })

  it('are known where a compressed file is damaged', async () => {
    put('app/0.log.20261127-020100.gz', gzipSync(lines(0, 60)).subarray(0, -20))
    put('app/0.log', lines(60, 70))
    const { document, sink } = await collect()
    expect(document.gaps).toEqual([
      expect.objectContaining({ kind: 'cut', certainty: 'known', to: '2026-11-27T02:01:00.000Z' }),
    ])
    expect(sink.files.get('logs/app/rotated-0.log.20261127-020100.gz')).toHaveLength(
      gzipSync(lines(0, 60)).length - 20,
    )
  })
})

describe('a node that lies', () => {
  const silent = (write: (action: string, out: (bytes: Buffer) => void) => void): NodePods => ({
    on: (node) =>
      Promise.resolve({
        node,
        pod: { namespace: '', name: '', image: '' },
        run: async (script, stdout) => {
          write(script.args[0]!, (bytes) => stdout.write(bytes))
          return { exitCode: 0, stdoutBytes: 0, stderr: '', complete: true }
        },
      }),
  })

  it.each<[string, Buffer]>([
    ['no list', Buffer.from('hello\0')],
    ['a list without end', Buffer.alloc(1 << 20, 'f 1 ')],
    ['more files than there can be', Buffer.from('f 1 1 8 5 644 0 0 1.0 1.0 1.0 app/0.log\0'.repeat(5_000))],
  ])('is told by a row: %s', async (_what, listing) => {
    const { sink, document } = await collect({ nodePods: silent((_action, out) => out(listing)) })
    expect(sink.row('logs on the node')).toMatchObject({ status: 'failed' })
    expect(document.files).toEqual([])
  })

  it('cannot have a file in the tar that was not in the list', async () => {
    const tar = execFileSync('tar', ['-cf', '-', '-C', '/', 'etc/hostname'])
    const { sink } = await collect({
      nodePods: silent((action, out) =>
        out(
          action === 'list'
            ? Buffer.from('d 0 0 0 0 0 0 0 0 0 0 d\0f 1 1 8 5 644 0 0 1.0 1.0 1.0 app/0.log\0')
            : tar,
        ),
      ),
    })
    expect([...sink.files.keys()].sort()).toEqual(['logs.json'])
  })
})
