import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach } from '@jest/globals'

import { createSpool, type Spool, type SpoolOptions } from '../../src/evidence/index.js'
import type { Source } from '../../src/model/evidence.js'
import type { Clock } from '../../src/model/ports/run-context.js'
import type { Scene } from '../../src/model/scene.js'

const made: string[] = []

afterEach(async () => {
  for (const directory of made.splice(0)) await rm(directory, { recursive: true, force: true })
})

/** A directory of the test's own, removed after it. */
export async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'impound-test-'))
  made.push(directory)
  return directory
}

/** A clock that moves one millisecond with each look: two runs that do the same see the same times. */
export function steadyClock(start = '2026-11-22T03:00:33.000Z'): Clock {
  let ms = Date.parse(start)
  return { now: () => new Date(ms++), monotonic: () => ms, sleep: () => Promise.resolve() }
}

export const SCENE: Scene = {
  schema: 'impound/scene/v1',
  case: 'INC-42',
  run: 'INC-42_20261122T030033Z_shop_web-6dd6-x2x_1f3a9c02',
  command: 'seize',
  who: { user: 'ana@corp', groups: ['responders'], osUser: 'ana', hostname: 'laptop' },
  where: { context: 'prod-eu', server: 'https://prod-eu.example', clusterUid: 'c1', version: 'v1.36.0' },
  tool: { name: 'impound', version: '0.1.0', argv: ['seize', 'web-6dd6-x2x'], node: 'v24.21.0', os: 'linux' },
  clock: {
    local: '2026-11-22T03:00:33.000Z',
    utcOffsetMinutes: 60,
    apiServerOffsetMs: { min: -400, max: 700, samples: 3 },
    ntp: 'synchronised',
  },
  missing: [],
}

export const TARGET = {
  namespace: 'shop',
  name: 'web-6dd6-x2x',
  uid: '1f3a9c02-aaaa-4bbb-8ccc-000000000001',
}

export const DIRECTORY = 'shop_web-6dd6-x2x_1f3a9c02-aaaa-4bbb-8ccc-000000000001'

const API: Source = { kind: 'api', mediaType: 'application/json', trust: 'api' }
export const STREAM: Source = { kind: 'stream', mediaType: 'text/plain', trust: 'target-controlled' }
export const DERIVED: Source = { kind: 'derived', mediaType: 'application/json', trust: 'api' }

export const README = 'How to verify this archive by hand.\n'

export async function newSpool(outputDirectory: string, options: Partial<SpoolOptions> = {}): Promise<Spool> {
  return createSpool({ outputDirectory, name: SCENE.run, clock: steadyClock(), scene: SCENE, ...options })
}

/** A small run: a body, a derived document, a log, one that failed, one that was skipped, a report. */
export async function collectSome(spool: Spool): Promise<void> {
  const target = { directory: DIRECTORY }
  const pod = spool.targetSink(target, 'pod')
  const body = await pod.open('api/0001.json', API, '')
  await body.write('{"kind":"Pod"}')
  await body.end()
  await pod.document('pod.json', { schema: 'impound/pod/v1' }, DERIVED, 'pod')
  const logs = spool.targetSink(target, 'logs')
  await logs.attempt('logs/app/current.log', STREAM, 'logs app', (writer) =>
    writer.write('2026-11-22T03:00:00Z ok\n'.repeat(5000)),
  )
  await logs.skip('logs istio-proxy previous', 'not-applicable', 'never restarted')
  await spool.journal.intent({
    id: 'w1',
    action: 'quarantine',
    step: 'label',
    method: 'PATCH',
    path: '/api/v1/namespaces/shop/pods/web-6dd6-x2x',
    body: [{ op: 'add', path: '/metadata/labels/x', value: 'y' }],
    prior: { labels: {} },
    auditId: 'a1',
    target: TARGET,
  })
  await spool.journal.result({ id: 'w1', status: 200, resourceVersion: '7' })
  await spool.putAutomatic('report.md', '# INC-42\n')
}
