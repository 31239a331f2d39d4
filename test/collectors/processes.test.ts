import { createHash } from 'node:crypto'

import { describe, expect, it } from '@jest/globals'

import { VolatileCaptures } from '../../src/collectors/proc/volatile-captures.js'
import { createProcessesCollector } from '../../src/collectors/processes.js'
import type { CollectOptions } from '../../src/model/collector.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { ProcessesDocument, ProcessLine } from '../../src/model/process-documents.js'
import type { Registry } from '../../src/model/ports/registry.js'
import type { Exec } from '../../src/model/ports/streams.js'
import { collectContext, targetOf } from './collect-context.js'
import { labSuspect, PROCESSES_SCRIPT } from './lab-suspect.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const NO_REGISTRY = undefined as unknown as Registry
const APP = targetOf({ name: 'app', image: 'app:1', imageID: '' })
const NONCE = '01234567-89ab-cdef-0123-456789abcdef'

async function collect(
  exec: Exec,
  target = APP,
  options: Partial<CollectOptions> = {},
  signal?: AbortSignal,
): Promise<MemorySink> {
  const sink = new MemorySink()
  const context = collectContext({
    exec,
    registry: NO_REGISTRY,
    sink,
    options,
    ...(signal === undefined ? {} : { signal }),
  })
  const captures = new VolatileCaptures({ processes: PROCESSES_SCRIPT, nodeProcesses: '' })
  await createProcessesCollector(captures).collect({ ...context, phase: 'volatile' }, target, sink)
  return sink
}

/** An exec that says this, whatever is asked. */
function saying(
  stdout: Buffer,
  how: { readonly error?: ImpoundError; readonly exitCode?: number } = {},
): Exec {
  return {
    exec: (_where, _argv, sinks) => {
      sinks.stdout.write(stdout)
      if (how.error !== undefined) return Promise.reject(how.error)
      return Promise.resolve({ exitCode: how.exitCode ?? 0, stdoutBytes: stdout.length, stderrBytes: 0 })
    },
  }
}

function words(text: string): Buffer {
  return Buffer.from(`impound=${NONCE}.d\0${text}\n`, 'latin1')
}

function file(bytes: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`impound=${NONCE}.f\0`), Buffer.from(bytes as string, 'latin1')])
}

const HEADER = Buffer.from(`impound-processes v1 ${NONCE}\n`)

function statOf(pid: number, comm: string, ppid = 1, starttime = 100): string {
  return `${pid} (${comm}) S ${ppid} 1 1 0 -1 4194560 1 0 1 0 1 1 0 0 20 0 1 0 ${starttime} 1 1 1\n`
}

describe('processes of the shop', () => {
  const suspect = labSuspect()

  it('are told by facts, each with what it was seen by', async () => {
    const sink = await collect(suspect.exec, suspect.target)
    expect(sink.rows.map(({ subject, status, reason }) => [subject, status, reason])).toEqual([
      ['processes migrate', 'skipped', 'not-applicable'],
      ['processes log-shipper', 'failed', 'target-refused'],
      ['processes app', 'collected', undefined],
      ['processes app 52 exe', 'collected', undefined],
      ['processes app 58 exe', 'collected', undefined],
      ['processes app 47 fd/4', 'collected', undefined],
      ['processes', 'collected', undefined],
    ])
    const lines = sink.lines('processes.jsonl') as ProcessLine[]
    expect(lines.flatMap((line) => objections('process.v1', line))).toEqual([])
    expect(lines.map(({ pid, ppid, comm, facts }) => [pid, ppid, comm, facts])).toEqual([
      [1, 0, 'server', []],
      [9, 1, 'server', []],
      [41, 1, 'sh', []],
      [47, 41, 'kworker/u8:2', ['fake-kernel-thread']],
      [52, 47, 'memfd:', ['exe-memfd', 'executable-anonymous', 'loader-variables']],
      [58, 1, 'scan', ['exe-deleted']],
    ])
    expect(lines.find(({ pid }) => pid === 41)?.startedAt).toBe('2026-11-22T02:12:30Z')
    const document = sink.json('processes.json') as ProcessesDocument
    expect(objections('processes.v1', document)).toEqual([])
    expect(document.captures[0]?.degraded).toContainEqual(expect.stringContaining('can leave out or make up'))
    const memfd = document.executables.find(({ kind }) => kind === 'memfd')
    const bytes = sink.files.get(memfd?.kept?.path.replace('data/targets/t/', '') ?? '')
    expect(createHash('sha256').update(bytes!).digest('hex')).toBe(memfd?.kept?.sha256)
    expect(bytes?.length).toBe(memfd?.size)
  })

  it('keeps values of the environment in the capture alone, but for those that steer the loader', async () => {
    const sink = await collect(suspect.exec, suspect.target)
    expect(sink.text('processes/app/capture-volatile.bin')).toContain('C2=203.0.113.7')
    expect(sink.text('processes.jsonl')).not.toContain('203.0.113.7')
    expect(sink.text('processes.jsonl')).toContain('/tmp/.x/hide.so')
  })

  it('are not read unless something is allowed', async () => {
    const sink = await collect(suspect.exec, suspect.target, { allow: new Set() })
    expect(sink.row('processes app')).toMatchObject({ status: 'skipped', reason: 'not-allowed' })
    expect(sink.files.size).toBe(0)
  })
})

describe('a capture that is not what it should be', () => {
  it.each([
    ['a shell that speaks of something else', Buffer.from('hello\n'.repeat(100)), 'target-refused'],
    ['nothing at all', Buffer.alloc(0), 'target-refused'],
    ['half of a header', HEADER.subarray(0, 30), 'target-refused'],
  ])('%s is no evidence of processes', async (_what, stdout, reason) => {
    const sink = await collect(saying(stdout))
    expect(sink.row('processes app')).toMatchObject({ reason })
    expect(sink.files.has('processes.json')).toBe(false)
  })

  it('is kept as far as it came, and told to be cut, wherever it ends', async () => {
    const whole = Buffer.concat([
      HEADER,
      words('self 99'),
      words('pass 1 7'),
      words('read 65536 stat status| 7'),
      file(statOf(7, 'a)b')),
      file('Name:\ta)b\nUid:\t1\t1\t1\t1\n'),
      file(''),
      words('done 0 '),
      words('pass 2 7'),
      words('end'),
    ])
    const sink = await collect(saying(whole))
    expect(sink.row('processes')).toMatchObject({ status: 'collected' })
    const known = whole.indexOf('Name:') + 3
    for (const end of [60, 150, 250, known, whole.length - 3]) {
      const cut = await collect(saying(whole.subarray(0, end)))
      expect(cut.row('processes app')).toMatchObject({ status: 'partial', reason: 'cut' })
      if (end >= known) expect(cut.lines('processes.jsonl')).toMatchObject([{ pid: 7, comm: 'a)b' }])
    }
  })

  it('says of a process that came, went or became another between the passes', async () => {
    const sink = await collect(
      saying(
        Buffer.concat([
          HEADER,
          words('pass 1 7 8 9'),
          words('read 65536 stat| 7 8 9'),
          ...[statOf(7, 'stays'), statOf(8, 'goes'), statOf(9, 'first')].map(file),
          file(''),
          words('done 0 '),
          words('pass 2 7 9 10'),
          words('read 65536 stat| 7 9 10'),
          ...[statOf(7, 'stays'), statOf(9, 'second', 1, 200), statOf(10, 'comes')].map(file),
          file(''),
          words('done 0 '),
          words('end'),
        ]),
      ),
    )
    const lines = sink.lines('processes.jsonl') as ProcessLine[]
    expect(lines.map(({ pid, facts }) => [pid, facts])).toEqual([
      [7, []],
      [8, ['gone']],
      [9, ['changed']],
      [10, ['appeared']],
    ])
    expect((sink.json('processes.json') as ProcessesDocument).containers).toEqual([
      { container: 'app', processes: 4, appeared: 1, gone: 1, changed: 1 },
    ])
  })

  it('is kept when the time of the phase is over', async () => {
    const stop = new AbortController()
    const exec: Exec = {
      exec: (_where, _argv, { stdout }, { signal }) =>
        new Promise((_resolve, reject) => {
          stdout.write(
            Buffer.concat([HEADER, words('pass 1 7'), words('read 9999 stat| 7'), file(statOf(7, 'x'))]),
          )
          stdout.write(Buffer.concat([file(''), words('done 0 ')]))
          signal.addEventListener('abort', () => reject(new ImpoundError('aborted', 'aborted')))
          setTimeout(() => stop.abort(new ImpoundError('timeout', 'not done in 10 s')), 50)
        }),
    }
    const sink = await collect(exec, APP, {}, stop.signal)
    expect(sink.row('processes app')).toMatchObject({ status: 'partial', reason: 'timeout' })
    expect(sink.lines('processes.jsonl')).toMatchObject([{ pid: 7 }])
  })

  it('is bounded: a process list without end fills no memory', async () => {
    const pids = Array.from({ length: 150_000 }, (_, index) => index + 1).join(' ')
    const sink = await collect(saying(Buffer.concat([HEADER, words(`pass 1 ${pids}`), words('end')])))
    const { captures } = sink.json('processes.json') as ProcessesDocument
    expect(captures[0]?.degraded).toContainEqual(expect.stringContaining('more than 100000 processes'))
  })
})
