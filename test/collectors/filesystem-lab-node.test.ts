import { tmpdir } from 'node:os'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { createFilesystemCollector } from '../../src/collectors/filesystem.js'
import { readScripts } from '../../src/engine/system.js'
import { Freezer } from '../../src/lab/node/freezer.js'
import { upperdir } from '../../src/lab/node/upperdir.js'
import { startLabRegistry } from '../../src/lab/registry/registry.js'
import { seedShop, SHOP_REGISTRY_HOST } from '../../src/lab/shop/shop.js'
import type { DiffEntry, FilesystemSummary } from '../../src/model/filesystem-documents.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { NodePods } from '../../src/model/ports/node-pod.js'
import type { Exec } from '../../src/model/ports/streams.js'
import { containersOf, type Target } from '../../src/model/target.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { collectContext, LINUX_NODE } from './collect-context.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const seed = seedShop({ now: new Date('2026-11-22T03:00:00Z') })
const object = seed.objects.find(({ metadata }) => (metadata as { uid?: string }).uid === seed.suspect.uid)!
const target: Target = { ...seed.suspect, pod: object }

/** The lab's node behind the port, without the API between. */
const nodePods: NodePods = {
  on: (node) =>
    Promise.resolve({
      node,
      pod: { namespace: 'impound', name: 'impound-node', image: 'node:1' },
      run: async ({ args }, stdout, { signal }) => {
        const said: string[] = []
        const exitCode = await upperdir({
          node,
          args,
          store: undefined as never,
          pod: {},
          network: undefined as never,
          freezer: new Freezer(),
          profile: '1.36',
          containers: containersOf(target.pod).map(({ name, containerID, running }) => {
            const inside = seed.runtime.container(object, name)?.inside
            const id = containerID.replace(/^.*:\/\//, '')
            return { pod: object, name, id, running, ...(inside === undefined ? {} : { inside }) }
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

const exec: Exec = {
  exec: async ({ container }, argv, { stdout, stderr }, { signal }) => {
    const result = await seed.runtime.container(object, container)?.exec(argv, stdout, stderr, signal)
    if (result?.kind !== 'exited') throw new ImpoundError('target-refused', 'no such container')
    return { exitCode: result.exitCode, stdoutBytes: 0, stderrBytes: 0 }
  },
}

let registry: Awaited<ReturnType<typeof startLabRegistry>>
const sinks = { registry: new MemorySink(), lower: new MemorySink(), exec: new MemorySink() }

async function collect(sink: MemorySink, allow: 'node' | 'exec', mayAsk: boolean): Promise<void> {
  const context = collectContext({
    sink,
    nodePods,
    exec,
    node: LINUX_NODE,
    options: { allow: new Set([allow]) },
    registry: createRegistry({
      policy: parseRegistryPolicy(mayAsk ? [`${SHOP_REGISTRY_HOST}=${registry.url}`] : []),
      timeoutMs: 5000,
      notice: () => undefined,
    }),
  })
  await createFilesystemCollector(await readScripts(), tmpdir()).collect(context, target, sink)
}

beforeAll(async () => {
  registry = await startLabRegistry(seed.images)
  await collect(sinks.registry, 'node', true)
  await collect(sinks.lower, 'node', false)
  await collect(sinks.exec, 'exec', true)
})
afterAll(() => registry.close())

function told(sink: MemorySink): readonly string[] {
  const entries = sink.lines('filesystem/app/diff.jsonl') as DiffEntry[]
  expect(entries.flatMap((entry) => objections('diff-entry.v1', entry))).toEqual([])
  return entries
    .filter(({ class: ofClass }) => ofClass === 'user')
    .map(({ change, path, changed, content }) => [change, path, ...changed, content].join(' '))
}

describe('the suspect of the lab, read on its node', () => {
  it('tells what its own tar told, whatever it is compared with', () => {
    expect(told(sinks.registry)).toContain('deleted /var/log/app/audit.log ')
    expect(told(sinks.registry)).toEqual(told(sinks.exec))
    expect(told(sinks.lower)).toEqual(told(sinks.exec))
  })

  it('knows when a file was written whose time was set back', () => {
    const entries = sinks.registry.lines('filesystem/app/diff.jsonl') as DiffEntry[]
    const config = entries.find(({ path }) => path === '/app/config.yaml')
    expect(config?.flags).toContain('timestomp')
    expect(Date.parse(config?.after?.ctime ?? '')).toBeGreaterThan(Date.parse(config?.after?.mtime ?? ''))
  })

  it('has the container without a shell too, in which nothing changed', () => {
    const summary = sinks.registry.json('filesystem/log-shipper/summary.json') as FilesystemSummary
    expect(summary).toMatchObject({ method: 'node', capture: { complete: true } })
    expect(Object.values(summary.counts)).toEqual([0, 0, 0, 0, 0, 0])
    expect(sinks.exec.files.has('filesystem/log-shipper/summary.json')).toBe(false)
  })

  it('is compared with the layers of the node where no registry may be asked', () => {
    const summary = sinks.lower.json('filesystem/app/summary.json') as FilesystemSummary
    expect(summary.baseline).toMatchObject({ source: 'node-lower', verified: false })
    expect(objections('filesystem-summary.v1', summary)).toEqual([])
  })
})
