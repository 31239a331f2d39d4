import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import type { DiffEntry, FilesystemSummary } from '../../src/model/filesystem-documents.js'
import { apply, eventually, impound, kubectl, kubeJson, world } from './world.js'

const namespace = `e2e-fs-${randomBytes(3).toString('hex')}`
const home = mkdtempSync(join(tmpdir(), 'impound-e2e-fs-'))
const bags: string[] = []

function write(container: string, ...argv: readonly string[]): void {
  kubectl('exec', '-n', namespace, 'web', '-c', container, '--', ...argv)
}

/** Takes a snapshot by the node and unpacks it. */
async function snapshot(registry: string): Promise<string> {
  const { status, stdout, stderr } = await impound(
    [
      ...['snapshot', 'web', '-n', namespace, '--case', 'E2E-FS', '--allow', 'node'],
      ...['--node-image', world.nodeImage, '--registry', registry, '-o', home, '--json'],
    ],
    { home },
  )
  if (status !== 0 && status !== 3) throw new Error(stderr)
  const { archive } = JSON.parse(stdout) as RunResult
  const path = archive?.path ?? ''
  execFileSync('tar', ['-xzf', path, '-C', dirname(path)])
  const [target = ''] = readdirSync(join(dirname(path), basename(path, '.tar.gz'), 'data/targets'))
  return join(dirname(path), basename(path, '.tar.gz'), 'data/targets', target, 'filesystem')
}

function summaryIn(bag: string, container: string): FilesystemSummary {
  return JSON.parse(readFileSync(join(bag, container, 'summary.json'), 'utf8')) as FilesystemSummary
}

/** What no runtime did, as 'change path flags'. */
function told(bag: string, container: string): readonly string[] {
  return readFileSync(join(bag, container, 'diff.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as DiffEntry)
    .filter((entry) => entry.class !== 'runtime')
    .map(({ change, path, flags }) => [change, path, ...flags].join(' '))
}

const APP = ['deleted /app/old.txt', 'modified /app/config.yaml timestomp', 'added /tmp/.x setuid exec-new']
const BARE = [
  'added /\u001b[2J\n',
  'deleted /etc/deep',
  'deleted /etc/deep/er',
  'deleted /etc/deep/er/file',
  'deleted /etc/gone',
  'modified /etc/kept',
  'type-changed /etc/same',
  'opaque /opt',
  'added /opt/fresh',
]

beforeAll(async () => {
  apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: 'app', image: world.appImage, volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        { name: 'bare', image: world.bareImage },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  })
  await eventually('the pod to run', () => {
    const pod = kubeJson('get', 'pod', 'web', '-n', namespace) as {
      status: { containerStatuses?: readonly { ready: boolean }[] }
    }
    const statuses = pod.status.containerStatuses ?? []
    return statuses.length === 2 && statuses.every(({ ready }) => ready) ? true : undefined
  })
  const change = [
    'touch -r /app/config.yaml /data/stamp',
    'printf "listen: 6666\\n" >/app/config.yaml',
    'touch -r /data/stamp /app/config.yaml',
    'rm /app/old.txt',
    'echo x >/tmp/.x && chmod 4755 /tmp/.x',
  ]
  write('app', 'sh', '-c', change.join(' && '))
  write('bare', '/busybox', 'rm', '-r', '/etc/gone', '/etc/deep', '/etc/same', '/opt')
  write('bare', '/busybox', 'mkdir', '-p', '/etc/same', '/opt/fresh')
  write('bare', '/busybox', 'touch', '/\u001b[2J\n')
  write('bare', '/busybox', 'cp', '/proc/version', '/etc/kept')
  bags.push(await snapshot(world.registry))
  bags.push(await snapshot('never'))
})

afterAll(() => {
  kubectl('delete', 'namespace', namespace, '--wait=false')
  rmSync(home, { recursive: true, force: true })
})

describe('what was written in containers of a real cluster, read on their node', () => {
  it.each([
    [0, 'registry', true],
    [1, 'node-lower', false],
  ] as const)('stands in the diff exactly: snapshot %i, against %s', (at, source, verified) => {
    const bag = bags[at] ?? ''
    expect(told(bag, 'app').toSorted()).toEqual(APP.toSorted())
    expect(told(bag, 'bare').toSorted()).toEqual(BARE.toSorted())
    for (const container of ['app', 'bare'])
      expect(summaryIn(bag, container)).toMatchObject({
        method: 'node',
        trust: 'node-kernel',
        baseline: { source, verified },
        capture: { complete: true },
      })
  })
})
