import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import type { DiffEntry } from '../../src/model/filesystem-documents.js'
import { asString, at } from '../../src/model/json.js'
import { apply, eventually, impound, kubectl, kubeJson, world } from './world.js'

const namespace = `e2e-${randomBytes(3).toString('hex')}`
const home = mkdtempSync(join(tmpdir(), 'impound-e2e-'))
const WRITES =
  'echo evil >/app/dropped; chmod 755 /app/dropped; rm /app/old.txt; echo "listen: 6666" >/app/config.yaml; sleep 3; exit 7'

beforeAll(() => apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }))

afterAll(() => {
  kubectl('delete', 'namespace', namespace, '--wait=false')
  rmSync(home, { recursive: true, force: true })
})

describe('a pod that ended and was deleted by force', () => {
  it('has on its node what its container wrote, until the kubelet has it removed', async () => {
    apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'goner', namespace },
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'app', image: world.appImage, command: ['sh', '-c', WRITES] }],
      },
    })
    const [uid, node] = await eventually('the pod to end', () => {
      const pod = kubeJson('get', 'pod', 'goner', '-n', namespace)
      return at(pod, 'status', 'phase') === 'Failed'
        ? [asString(at(pod, 'metadata', 'uid')) ?? '', asString(at(pod, 'spec', 'nodeName')) ?? '']
        : undefined
    })
    kubectl('delete', 'pod', 'goner', '-n', namespace, '--grace-period=0', '--force')
    const ran = await impound(
      [
        ...['snapshot', '--uid', uid, '--node', node, '--case', namespace, '--allow', 'node'],
        ...['--node-image', world.nodeImage, '--registry', 'never', '--output', join(home, 'gone'), '--json'],
      ],
      { home },
    )
    const archive = asString(at(JSON.parse(ran.stdout) as RunResult, 'archive', 'path')) ?? ''
    execFileSync('tar', ['xzf', archive, '-C', dirname(archive)])
    const targets = join(dirname(archive), basename(archive).replace(/\.tar\.gz$/, ''), 'data/targets')
    const lines = readFileSync(join(targets, readdirSync(targets)[0]!, 'filesystem/app/diff.jsonl'), 'utf8')
    const entries = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as DiffEntry)
      .filter(({ path }) => path.startsWith('/app/'))
    expect(entries.map(({ path, change }) => [path, change])).toEqual([
      ['/app/config.yaml', 'modified'],
      ['/app/dropped', 'added'],
      ['/app/old.txt', 'deleted'],
    ])
  })
})
