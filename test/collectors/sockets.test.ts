import { expect, it } from '@jest/globals'

import { VolatileCaptures } from '../../src/collectors/proc/volatile-captures.js'
import { createProcessesCollector } from '../../src/collectors/processes.js'
import { createSocketsCollector } from '../../src/collectors/sockets.js'
import type { CollectContext } from '../../src/model/collector.js'
import type { SocketsDocument } from '../../src/model/process-documents.js'
import type { Registry } from '../../src/model/ports/registry.js'
import { collectContext } from './collect-context.js'
import { labSuspect, PROCESSES_SCRIPT } from './lab-suspect.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const suspect = labSuspect()

function world(skip: readonly string[] = []): {
  readonly sink: MemorySink
  readonly context: CollectContext
  readonly execs: string[]
  readonly captures: VolatileCaptures
} {
  const sink = new MemorySink()
  const execs: string[] = []
  const context = collectContext({
    exec: {
      exec: (where, argv, sinks, options) => {
        if (where.container === 'app') execs.push(argv[4] ?? '')
        return suspect.exec.exec(where, argv, sinks, options)
      },
    },
    registry: undefined as unknown as Registry,
    sink,
    options: { skip: new Set(skip) },
  })
  const captures = new VolatileCaptures({ processes: PROCESSES_SCRIPT, nodeProcesses: '' })
  return { sink, context: { ...context, phase: 'volatile' }, execs, captures }
}

it('are joined to who holds them, by the reading that processes are told by', async () => {
  const { sink, context, execs, captures } = world()
  await Promise.all([
    createProcessesCollector(captures).collect(context, suspect.target, sink),
    createSocketsCollector(captures).collect(context, suspect.target, sink),
  ])
  expect(execs).toEqual(['all', 'copy'])
  const document = sink.json('sockets.json') as SocketsDocument
  expect(objections('sockets.v1', document)).toEqual([])
  expect(document.phase).toBe('volatile')
  expect(document.sockets).toMatchObject([
    {
      protocol: 'tcp',
      state: 'established',
      local: { address: '10.42.1.9', port: 51544 },
      remote: { address: '203.0.113.7', port: 443 },
      holders: [{ container: 'app', pid: 47, comm: 'kworker/u8:2' }],
    },
    { state: 'listen', local: { address: '0.0.0.0', port: 8080 }, holders: [{ pid: 1, comm: 'server' }] },
  ])
})

it('are read again after containment, into a document of their own', async () => {
  const { sink, context, execs, captures } = world()
  const collector = createSocketsCollector(captures)
  await collector.collect({ ...context, phase: 'contained' }, suspect.target, sink)
  expect(execs).toEqual(['sockets'])
  expect(sink.json('sockets-contained.json')).toMatchObject({ phase: 'contained' })
  expect(sink.text('processes/app/sockets-capture-contained.bin')).not.toContain('SHOP_REGION')
})

it('read what they need themselves where processes are left out', async () => {
  const { sink, context, execs, captures } = world(['processes'])
  await createSocketsCollector(captures).collect(context, suspect.target, sink)
  expect(execs).toEqual(['sockets'])
  expect(sink.json('sockets.json')).toMatchObject({ phase: 'volatile' })
})
