import { statSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { createMemoryCollector } from '../../src/collectors/memory.js'
import { VolatileCaptures } from '../../src/collectors/proc/volatile-captures.js'
import { createProcessesCollector } from '../../src/collectors/processes.js'
import { memoryAreas } from '../../src/formats/proc/memory-areas.js'
import type { CollectOptions } from '../../src/model/collector.js'
import type { MemoryDocument, ProcessesDocument, ProcessLine } from '../../src/model/process-documents.js'
import type { NodePods } from '../../src/model/ports/node-pod.js'
import type { Registry } from '../../src/model/ports/registry.js'
import { noTricks, Tricks } from '../tricks/tricks.js'
import { collectContext, targetOf } from './collect-context.js'
import { PROCESSES_SCRIPT } from './lab-suspect.js'
import { localNode } from './local-node.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const why = noTricks()
const here = why === undefined ? describe : describe.skip

async function collect(
  nodePods: NodePods,
  script: string,
  options: Partial<CollectOptions>,
): Promise<MemorySink> {
  const sink = new MemorySink()
  const context = {
    ...collectContext({ nodePods, registry: undefined as unknown as Registry, sink, options }),
    phase: 'volatile' as const,
  }
  const captures = new VolatileCaptures({ processes: PROCESSES_SCRIPT, nodeProcesses: script })
  const target = targetOf({ name: 'app', image: 'app:1', imageID: '' })
  await Promise.all([
    createProcessesCollector(captures).collect(context, target, sink),
    createMemoryCollector(captures).collect(context, target, sink),
  ])
  return sink
}

here(`memory by the node${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let tricks: Tricks
  let sink: MemorySink
  beforeAll(async () => {
    tricks = await Tricks.start('executable', 'memfd')
    // What stands for the node's way to tell a container's processes: all of its PID namespace
    const { ino } = statSync(`/proc/${tricks.init}/ns/pid`)
    const script = `container_processes() {
      for p in /proc/[0-9]*; do
        if [ "$(stat -L -c %i "$p/ns/pid" 2>/dev/null)" = ${ino} ]; then echo "\${p#/proc/} 0 1 0 cgroup"; fi
      done
    }
    ${PROCESSES_SCRIPT}`
    sink = await collect(localNode({ host: '/' }), script, {
      allow: new Set(['node']),
      memory: [`app/${tricks.pids.get('executable')}`, '4000000'],
    })
  }, 120_000)
  afterAll(() => tricks.stop())

  it('has what a process wrote into executable memory, foremost', () => {
    const document = sink.json('memory.json') as MemoryDocument
    expect(objections('memory.v1', document)).toEqual([])
    const [memory] = document.processes
    const [first] = memory?.areas ?? []
    expect(first).toMatchObject({ kind: 'anonymous', permissions: 'rwxp', offset: 0, bytes: 8192 })
    const bytes = sink.files.get(memory?.path?.replace('data/targets/t/', '') ?? '')
    expect(bytes?.subarray(0, 16).toString()).toBe('impound-was-here')
    expect(bytes?.length).toBe(memory?.areas.reduce((sum, { bytes: count }) => sum + count, 0))
  })

  it('is told to be missing of a process that nobody saw', () => {
    expect(sink.row('memory 4000000')).toMatchObject({ status: 'failed', reason: 'target-gone' })
  })

  it('comes with processes that are told as the node sees them', () => {
    const [capture] = (sink.json('processes.json') as ProcessesDocument).captures
    expect(capture).toMatchObject({ method: 'node', trust: 'node-kernel', complete: true })
    const lines = sink.lines('processes.jsonl') as ProcessLine[]
    const memfd = lines.find(({ containerPid }) => containerPid === tricks.pids.get('memfd'))
    expect(memfd?.facts).toEqual(['exe-memfd', 'fake-kernel-thread', 'loader-variables'])
    expect(memfd?.pid).not.toBe(memfd?.containerPid)
  })
})

it('is not read without a pod on the node', async () => {
  const refusing: NodePods = { on: () => Promise.reject(new Error('not asked')) }
  const sink = await collect(refusing, '', { allow: new Set(), memory: ['47'] })
  expect(sink.row('memory')).toMatchObject({ status: 'skipped', reason: 'not-allowed' })
})

describe('areas of memory', () => {
  const maps = Buffer.from(
    [
      '00400000-00402000 r-xp 00000000 fe:00 7    /usr/bin/dash',
      '00402000-00403000 rw-p 00002000 fe:00 7    /usr/bin/dash',
      '01000000-01004000 rw-p 00000000 00:00 0    [heap]',
      '7f0000000000-7f0000001000 ---p 00000000 00:00 0 ',
      '7f0000001000-7f0000003000 rwxp 00000000 00:00 0 ',
      '7ffd00030000-7ffd00031000 r-xp 00000000 00:00 0    [vdso]',
      '',
    ].join('\n'),
  )

  it('are taken in the order of what they tell, and not where they are simply a file', () => {
    const { areas, left } = memoryAreas(maps, 1 << 20, 100)
    expect(areas.map(({ start }) => start.toString(16))).toEqual(['7f0000001000', '1000000', '402000'])
    expect(left).toBe(0)
  })

  it('are cut to what fits, which is told', () => {
    const { areas, left } = memoryAreas(maps, 0x3000, 100)
    expect(areas.map(({ start, end }) => Number(end - start))).toEqual([0x2000, 0x1000])
    expect(left).toBe(2)
  })
})
