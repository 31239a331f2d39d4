import { tmpdir } from 'node:os'

import { afterAll, beforeAll, expect, it } from '@jest/globals'

import { createFilesystemCollector } from '../../src/collectors/filesystem.js'
import { imageCollector } from '../../src/collectors/image.js'
import { readScripts } from '../../src/engine/system.js'
import { startLabRegistry } from '../../src/lab/registry/registry.js'
import { seedShop, SHOP_REGISTRY_HOST } from '../../src/lab/shop/shop.js'
import type { DiffEntry, FilesystemSummary } from '../../src/model/filesystem-documents.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { Exec } from '../../src/model/ports/streams.js'
import type { Target } from '../../src/model/target.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { collectContext, LINUX_NODE } from './collect-context.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const seed = seedShop({ now: new Date('2026-11-22T03:00:00Z') })
const object = seed.objects.find(({ metadata }) => (metadata as { uid?: string }).uid === seed.suspect.uid)!
const target: Target = { ...seed.suspect, pod: object }

/** The lab's container behind the port, without the API between. */
const exec: Exec = {
  exec: async ({ container }, argv, { stdout, stderr }, { signal }) => {
    const inside = seed.runtime.container(object, container)
    const result = await inside?.exec(argv, stdout, stderr, signal)
    if (result?.kind !== 'exited')
      throw new ImpoundError('target-refused', result?.message ?? 'no such container')
    return { exitCode: result.exitCode, stdoutBytes: 0, stderrBytes: 0 }
  },
}

const sink = new MemorySink()
let registry: Awaited<ReturnType<typeof startLabRegistry>>

beforeAll(async () => {
  registry = await startLabRegistry(seed.images)
  const context = collectContext({
    exec,
    sink,
    node: LINUX_NODE,
    registry: createRegistry({
      policy: parseRegistryPolicy([`${SHOP_REGISTRY_HOST}=${registry.url}`]),
      timeoutMs: 5000,
      notice: () => undefined,
    }),
  })
  await imageCollector.collect(context, target, sink)
  await createFilesystemCollector(await readScripts(), tmpdir()).collect(context, target, sink)
})
afterAll(() => registry.close())

it('gives each container of the suspect a row that says how far it came', () => {
  const rows = sink.rows.map(({ subject, status, reason }) => [subject, status, reason])
  expect(rows).toEqual([
    ['image migrate', 'collected', undefined],
    ['image app', 'collected', undefined],
    ['image log-shipper', 'collected', undefined],
    ['filesystem migrate', 'skipped', 'not-applicable'],
    ['filesystem app content', 'collected', undefined],
    ['filesystem app', 'collected', undefined],
    ['filesystem log-shipper', 'failed', 'target-refused'],
  ])
})

it('finds what the intruder left in the web container, and nothing that he did not touch', () => {
  const entries = sink.lines('filesystem/app/diff.jsonl') as DiffEntry[]
  expect(entries.flatMap((entry) => objections('diff-entry.v1', entry))).toEqual([])
  const users = entries.filter((entry) => entry.class === 'user')
  const of = (change: string): readonly string[] =>
    users.filter((entry) => entry.change === change).map(({ path, flags }) => [path, ...flags].join(' '))
  expect(of('added')).toEqual(
    expect.arrayContaining([
      '/tmp/.x/.wh.loot fake-whiteout',
      '/tmp/.x/kworker exec-new',
      '/etc/crontabs/app',
    ]),
  )
  expect(of('modified')).toEqual([
    '/app/config.yaml timestomp',
    '/app/current',
    '/usr/local/bin/healthcheck exec-new',
  ])
  expect(of('metadata-only')).toEqual(['/usr/bin/nsenter setuid'])
  expect(of('deleted')).toEqual(['/var/log/app/audit.log'])
  expect(users.filter(({ pathB64 }) => pathB64 !== undefined)).toHaveLength(1)
})

it('says what it compared with, and that all of it came', () => {
  const summary = sink.json('filesystem/app/summary.json') as FilesystemSummary
  expect(summary.baseline).toMatchObject({ source: 'registry', verified: true })
  expect(summary.capture.complete).toBe(true)
  expect(summary.degraded.filter((line) => /not called deleted|a mount at/.test(line))).toEqual([])
})
