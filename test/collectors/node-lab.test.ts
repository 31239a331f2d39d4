import { tmpdir } from 'node:os'

import { describe, expect, it } from '@jest/globals'

import { readNodeLogFiles } from '../../src/collectors/node-log-files.js'
import { createWritableMountsCollector } from '../../src/collectors/writable-mounts.js'
import { readScripts } from '../../src/engine/system.js'
import { Freezer } from '../../src/lab/node/freezer.js'
import { NODE_PROGRAMS } from '../../src/lab/node/programs.js'
import { seedShop } from '../../src/lab/shop/shop.js'
import type { MountsDocument } from '../../src/model/mounts-document.js'
import type { NodePods } from '../../src/model/ports/node-pod.js'
import type { Registry } from '../../src/model/ports/registry.js'
import { containersOf, type Target } from '../../src/model/target.js'
import { collectContext, LINUX_NODE } from './collect-context.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const seed = seedShop({ now: new Date('2026-11-22T03:00:00Z') })
const object = seed.objects.find(({ metadata }) => (metadata as { uid?: string }).uid === seed.suspect.uid)!
const target: Target = { ...seed.suspect, pod: object }
const scripts = await readScripts()

/** The lab's node behind the port, without the API between. */
const nodePods: NodePods = {
  on: (node) =>
    Promise.resolve({
      node,
      pod: { namespace: 'impound', name: 'impound-node', image: 'node:1' },
      run: async ({ name, args }, stdout, { signal }) => {
        const said: string[] = []
        const exitCode = await NODE_PROGRAMS[name]!({
          node,
          args,
          store: undefined as never,
          pod: {},
          network: undefined as never,
          freezer: new Freezer(),
          profile: '1.36',
          containers: containersOf(target.pod).map(({ name: container, containerID, running }) => {
            const found = seed.runtime.container(object, container)!
            const { inside } = found
            const id = containerID.replace(/^.*:\/\//, '')
            return {
              pod: object,
              name: container,
              id,
              running,
              log: (previous: boolean) => found.log(previous),
              ...(inside === undefined ? {} : { inside }),
            }
          }),
          now: new Date(),
          signal,
          out: async (bytes) => void stdout.write(Buffer.from(bytes as Uint8Array)),
          err: async (text) => void said.push(text),
        })
        return { exitCode, stdoutBytes: 0, stderr: said.join(''), complete: true }
      },
    }),
}

function context(sink: MemorySink) {
  return collectContext({
    sink,
    nodePods,
    node: LINUX_NODE,
    options: { allow: new Set(['node']) },
    registry: undefined as unknown as Registry,
  })
}

describe("the lab's node", () => {
  it('has the logs that the API has, of the run before too, and the rotated ones beside them', async () => {
    const sink = new MemorySink()
    const of = context(sink)
    const session = await nodePods.on(target.pod.spec?.nodeName ?? '', of.run.signal)
    const { directory, files } = await readNodeLogFiles(of, session, target, scripts.podLogs, sink)
    expect(directory).toBe(`${target.namespace}_${target.name}_${target.uid}`)
    expect(files.map(({ name, kept, covers }) => [name, kept, covers?.isCri, covers?.malformed])).toEqual([
      ['app/0.log', 'whole', true, 0],
      ['app/1.log', 'whole', true, 0],
      [expect.stringMatching(/^log-shipper\/0\.log\.20\d{6}-\d{6}$/), 'whole', true, 0],
      ['log-shipper/0.log', 'whole', true, 0],
      ['migrate/0.log', 'whole', true, 0],
    ])
    const inside = seed.runtime.container(object, 'app')?.inside
    expect(files.map(({ covers }) => covers?.lines).slice(0, 2)).toEqual([
      inside?.previousLog?.length,
      inside?.log.length,
    ])
  })

  it('has the emptyDirs and what lies in shared memory', async () => {
    const sink = new MemorySink()
    await createWritableMountsCollector(scripts, tmpdir()).collect(context(sink), target, sink)
    const document = sink.json('mounts.json') as MountsDocument
    expect(objections('mounts.v1', document)).toEqual([])
    expect(document.taken).toMatchObject([
      { container: 'app', point: '/cache', volume: 'cache', trust: 'node-kernel', complete: true },
      { container: 'app', point: '/dev', type: 'tmpfs', complete: true },
      { container: 'app', point: '/dev/shm', type: 'tmpfs', mode: 'content', complete: true },
    ])
    const lists = [...sink.files.keys()].filter((name) => name.endsWith('.jsonl'))
    const text = lists.map((name) => sink.text(name)).join('')
    expect(text).toContain('/.font-unix')
    expect(text).toContain('/sessions/0001')
  })
})
