import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import type { LedgerRow } from '../../src/model/evidence.js'
import type { LogsDocument } from '../../src/model/log-documents.js'
import { asString, at } from '../../src/model/json.js'
import type { NodeTriageDocument } from '../../src/model/node-triage-document.js'
import type { MountsDocument } from '../../src/model/mounts-document.js'
import { apply, eventually, impound, kubectl, kubeJson, world } from './world.js'

const namespace = `e2e-${randomBytes(3).toString('hex')}`
const home = mkdtempSync(join(tmpdir(), 'impound-e2e-'))
/** Lines of 100 bytes: past the 10 MiB at which a kubelet rotates. */
const LINES = 150_000
/** The kernel waits for whoever opened /dev/fuse to answer, and nobody does: only where this machine's node can. */
const HANGING = existsSync('/dev/fuse')
const HANG =
  'exec 3<>/dev/fuse; mkdir -p /work/hang; mount -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none /work/hang'

beforeAll(async () => {
  apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const mounts = [{ name: 'work', mountPath: '/work' }]
  apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'suspect', namespace },
    spec: {
      terminationGracePeriodSeconds: 1,
      volumes: [{ name: 'work', emptyDir: {} }],
      containers: [
        {
          name: 'talker',
          image: world.appImage,
          volumeMounts: mounts,
          command: ['sh', '-c'],
          args: [
            `cd /work; echo '#!/bin/sh' >tool; chmod 755 tool; mkfifo pipe; dd if=/dev/zero of=big bs=1 count=1 seek=21474836480 2>/dev/null; ` +
              `yes ${'x'.repeat(59)} | head -n ${LINES}; sleep 25; echo after; sleep 7200`,
          ],
        },
        {
          name: 'hanging',
          image: world.appImage,
          volumeMounts: mounts,
          securityContext: { privileged: true },
          command: ['sh', '-c', `${HANGING ? HANG : ':'}; sleep 7200`],
        },
      ],
    },
  })
  await eventually('a rotated log', () => {
    const pod = kubeJson('get', 'pod', 'suspect', '-n', namespace)
    if (at(pod, 'status', 'phase') !== 'Running') return undefined
    return kubectl('logs', 'suspect', '-n', namespace, '-c', 'talker') === 'after\n' ? true : undefined
  })
})

afterAll(() => {
  kubectl('delete', 'namespace', namespace, '--wait=false')
  rmSync(home, { recursive: true, force: true })
})

async function snapshot(
  name: string,
  ...how: readonly string[]
): Promise<{ result: RunResult; bag: string }> {
  const ran = await impound(
    [
      ...['snapshot', 'suspect', '-n', namespace, '--case', `${namespace}-${name}`, '--registry', 'never'],
      ...['--skip', 'filesystem,processes,sockets', '--output', join(home, name), '--json', ...how],
    ],
    { home },
  )
  const result = JSON.parse(ran.stdout) as RunResult
  const archive = asString(at(result, 'archive', 'path')) ?? ''
  execFileSync('tar', ['xzf', archive, '-C', dirname(archive)])
  const targets = join(dirname(archive), basename(archive).replace(/\.tar\.gz$/, ''), 'data/targets')
  return { result, bag: join(targets, readdirSync(targets)[0]!) }
}

let nodeBag: string

describe('--allow node on a pod that wrote much', () => {
  let bag: string
  const read = (name: string): unknown => JSON.parse(readFileSync(join(bag, name), 'utf8')) as unknown

  beforeAll(async () => {
    ;({ bag } = await snapshot(
      'node',
      '--allow',
      'node',
      '--node-triage',
      '--checkpoint',
      '--node-image',
      world.nodeImage,
    ))
    nodeBag = bag
  })

  it('has no checkpoint where its kubelet can make none, and says so, having changed nothing', () => {
    const rows = (read('../../ledger.json') as { rows: readonly LedgerRow[] }).rows
    const checkpoints = rows.filter(({ collector }) => collector === 'checkpoint')
    expect(checkpoints.map(({ subject, status, reason }) => [subject, status, reason])).toEqual([
      ['checkpoint hanging', 'skipped', 'unsupported'],
      ['checkpoint talker', 'skipped', 'unsupported'],
    ])
    expect(checkpoints[0]?.detail).toContain('older than 1.25')
    expect(readFileSync(join(bag, '../../../acquisition.jsonl'), 'utf8')).not.toContain(
      '"action":"checkpoint"',
    )
  })

  it('has all of its log, of which the API gives the end alone', () => {
    const logs = read('logs.json') as LogsDocument
    expect(logs.logs.find(({ container }) => container === 'talker')).toMatchObject({ lines: 1 })
    const files = logs.files.filter(({ container }) => container === 'talker')
    expect(files.length).toBeGreaterThan(1)
    expect(files.every(({ kept }) => kept === 'whole')).toBe(true)
    const lines = files.reduce((sum, { covers }) => sum + (covers?.lines ?? 0), 0)
    expect(lines).toBe(LINES + 1)
    expect(logs.gaps).toEqual([])
  })

  it('has what lies in the emptyDir, holes and pipes as what they are, and does not wait for who never answers', () => {
    const { taken, left } = read('mounts.json') as MountsDocument
    expect(taken.find(({ volume }) => volume === 'work')).toMatchObject({
      point: '/work',
      complete: true,
      bytes: expect.any(Number),
      notable: expect.arrayContaining([expect.objectContaining({ path: '/tool', mode: '0755' })]),
    })
    const work = taken.find(({ volume }) => volume === 'work')!
    expect(work.bytes).toBeGreaterThan(20 * 2 ** 30)
    expect(work.allocated).toBeLessThan(1 << 20)
    const listing = readdirSync(join(bag, 'mounts'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => readFileSync(join(bag, 'mounts', name), 'utf8'))
      .join('')
    expect(listing).toMatch(/"path":"\/pipe"[^\n]*"type":"fifo"/)
    if (HANGING) {
      expect(left).toContainEqual(
        expect.objectContaining({ container: 'hanging', point: '/work/hang', reason: 'unsupported' }),
      )
    }
  })
})

describe('--node-triage', () => {
  it('names the containers that run on the node, this pod’s among them', () => {
    const pod = kubeJson('get', 'pod', 'suspect', '-n', namespace)
    const id = asString(at(pod, 'status', 'containerStatuses', '0', 'containerID'))?.replace(/^.*:\/\//, '')
    const document = JSON.parse(readFileSync(join(nodeBag, 'node-triage.json'), 'utf8')) as NodeTriageDocument
    expect(document.containers.find((one) => one.id === id)).toMatchObject({
      inApi: true,
      podName: 'suspect',
      podNamespace: namespace,
    })
    expect(document.containers.find((one) => one.id === id)?.processes).toBeGreaterThan(0)
    expect(
      document.files.every(
        ({ kept, link, why }) => kept === 'whole' || link !== undefined || why !== undefined,
      ),
    ).toBe(true)
    expect(document.files.length + document.absent.length).toBeGreaterThan(0)
  })
})

describe('--allow exec on the same pod', () => {
  it('has processes, sockets and the emptyDir as the container tells them, and says how far that goes', async () => {
    const ran = await impound(
      [
        ...['snapshot', 'suspect', '-n', namespace, '--case', `${namespace}-exec`, '--registry', 'never'],
        ...['--skip', 'filesystem,logs', '--output', join(home, 'exec'), '--json', '--allow', 'exec'],
      ],
      { home },
    )
    const result = JSON.parse(ran.stdout) as RunResult
    const archive = asString(at(result, 'archive', 'path')) ?? ''
    execFileSync('tar', ['xzf', archive, '-C', dirname(archive)])
    const targets = join(dirname(archive), basename(archive).replace(/\.tar\.gz$/, ''), 'data/targets')
    const of = (name: string): unknown =>
      JSON.parse(readFileSync(join(targets, readdirSync(targets)[0]!, name), 'utf8')) as unknown
    for (const name of ['processes.json', 'sockets.json']) {
      expect(at(of(name), 'captures', '0')).toMatchObject({
        method: 'exec',
        trust: 'target-controlled',
        complete: true,
        disturbance: [expect.stringContaining('started sh')],
        degraded: expect.arrayContaining([expect.stringContaining('can leave out or make up')]),
      })
    }
    const { taken } = of('mounts.json') as MountsDocument
    expect(taken.find(({ volume }) => volume === 'work')).toMatchObject({
      trust: 'target-controlled',
      readAt: 'container talker',
    })
  })
})
