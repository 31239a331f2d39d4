import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Writable } from 'node:stream'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { RunPlan } from '../../src/engine/plan.js'
import type { RunResult } from '../../src/engine/result.js'
import { asString, at } from '../../src/model/json.js'
import type { NodeSession } from '../../src/model/ports/node-pod.js'
import { readNodeFacts } from '../../src/node-pod/index.js'
import { FACTS, LabPods } from '../node-pod/lab-pods.js'
import { apply, eventually, impound, kubectl, kubeJson, world, type Ran } from './world.js'
import { COMPILED_CODE } from '../compiled-code.js'

const namespace = `e2e-${randomBytes(3).toString('hex')}`
const home = mkdtempSync(join(tmpdir(), 'impound-e2e-'))
const GONE = /^(?:checked|ended)$/
const NEVER = new AbortController().signal
const LIMITS = { signal: NEVER, stallTimeoutMs: 60_000, maxBytes: 2 ** 30 }

let node: string

beforeAll(async () => {
  apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'suspect', namespace },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'app', image: world.appImage }],
    },
  })
  node = await eventually('the suspect to run', () => {
    const pod = kubeJson('get', 'pod', 'suspect', '-n', namespace)
    return at(pod, 'status', 'phase') === 'Running' ? asString(at(pod, 'spec', 'nodeName')) : undefined
  })
})

afterAll(() => {
  kubectl('delete', 'namespace', namespace, '--wait=false')
  rmSync(home, { recursive: true, force: true })
})

/** Made for the pods of these cases, and not on their way out. */
function left(of: string): readonly string[] {
  const { items } = kubeJson('get', 'namespaces,pods', '-A', '-l', `impound.dev/case=${of}`) as {
    items: readonly { metadata: { name: string; deletionTimestamp?: string } }[]
  }
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name)
}

const caseName = (test: string): string => `${namespace}-${test}`

describe('a pod on a real node', () => {
  let pods: LabPods
  let session: NodeSession
  const run = `20261127T000000Z-${randomBytes(4).toString('hex')}`

  beforeAll(async () => {
    pods = await LabPods.open(world.kubeconfig, run)
  })

  afterAll(() => pods.close())

  it('comes up, says what its node is, and its image lacks nothing', async () => {
    const set = pods.set({ image: world.nodeImage })
    try {
      session = await set.on(node, NEVER)
      const facts = await readNodeFacts(session, FACTS, NEVER)
      expect(facts).toMatchObject({ node, seesHostProcesses: true, missingTools: [] })
      expect(facts.kernel).toMatch(/^\d+\./)

      const hash = createHash('sha256')
      let bytes = 0
      const sink = new Writable({
        write(chunk: Buffer, _encoding, done) {
          hash.update(chunk)
          bytes += chunk.length
          done()
        },
      })
      const text = 'head -c 104857600 /dev/zero | tr "\\000" x; printf end; echo said >&2; exit 3'
      const ended = await session.run({ name: 'payload', text, args: [] }, sink, LIMITS)
      expect(ended).toEqual({ exitCode: 3, stdoutBytes: 104857603, stderr: 'said\n', complete: true })
      expect(bytes).toBe(104857603)
      expect(hash.digest('hex')).toBe(
        createHash('sha256').update(Buffer.alloc(104857600, 'x')).update('end').digest('hex'),
      )

      const lines: Buffer[] = []
      const keep = new Writable({
        write(chunk: Buffer, _encoding, done) {
          lines.push(chunk)
          done()
        },
      })
      const seen = await session.run(
        {
          name: 'look',
          text: 'tr "\\000" " " </proc/self/cmdline | head -c 20; ps -e -o args= | grep "[i]mpound-look" | wc -l; touch /host/x',
          args: [],
        },
        keep,
        LIMITS,
      )
      expect(seen).toMatchObject({ complete: true, exitCode: 1 })
      expect(seen.stderr).toMatch(/Read-only file system/)
      expect(Number(/(\d+)\n$/.exec(Buffer.concat(lines).toString())?.[1])).toBeGreaterThan(0)
    } finally {
      const results = await set.close(NEVER)
      expect(results).toMatchObject([{ node, removed: expect.stringMatching(GONE) }])
    }
    expect(pods.outcomes.filter(({ status = 0 }) => status >= 300)).toEqual([])
  })

  it('says that its image can’t be had, and does not leave the pod behind', async () => {
    const set = pods.set({ namespace, image: 'lab.local/no-such-image:1' })
    await expect(set.on(node, NEVER)).rejects.toMatchObject({
      code: 'target-refused',
      message: expect.stringMatching(/ImagePullBackOff|ErrImagePull/),
      hints: [expect.stringMatching(/--node-image/)],
    })
    expect(await set.close(NEVER)).toMatchObject([{ removed: expect.stringMatching(GONE) }])
  })

  it('says that its image has no program to start', async () => {
    const set = pods.set({ namespace: 'default', image: world.distrolessImage })
    await expect(set.on(node, NEVER)).rejects.toMatchObject({
      code: 'target-refused',
      message: expect.stringMatching(/sleep/),
    })
    expect(await set.close(NEVER)).toMatchObject([{ removed: expect.stringMatching(GONE) }])
  })
})

describe('--allow node on a real cluster', () => {
  const snapshot = (test: string, ...more: readonly string[]): readonly string[] => [
    ...['snapshot', 'suspect', '-n', namespace, '--case', caseName(test), '--registry', 'never'],
    ...[
      '--skip',
      'filesystem,logs,processes,sockets',
      '--allow',
      'node',
      '--node-image',
      world.nodeImage,
      ...more,
    ],
  ]

  function start(argv: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ran> } {
    const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../bin/impound.js'), ...argv], {
      cwd: home,
      env: {
        PATH: process.env['PATH'],
        ...COMPILED_CODE,
        HOME: home,
        XDG_STATE_HOME: join(home, 'state'),
        KUBECONFIG: world.kubeconfig,
      },
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    return {
      child,
      ended: new Promise((done) =>
        child.on('close', (status) => done({ status: status ?? -1, stdout, stderr })),
      ),
    }
  }

  it('removes its pod at Ctrl-C', async () => {
    const { child, ended } = start(snapshot('int', '--json'))
    await eventually('the pod', () => (left(caseName('int')).length === 2 ? true : undefined))
    child.kill('SIGINT')
    const ran = await ended
    expect(ran.status).toBe(130)
    expect((JSON.parse(ran.stdout) as RunResult).nodePods).toMatchObject([
      { removed: expect.stringMatching(GONE) },
    ])
    expect(left(caseName('int'))).toEqual([])
  })

  it('leaves at kill -9 what the plan of the next run names, and what that run removes', async () => {
    const { child, ended } = start(snapshot('kill', '--json'))
    await eventually('the pod', () => (left(caseName('kill')).length === 2 ? true : undefined))
    child.kill('SIGKILL')
    await ended
    const planned = await impound([...snapshot('next', '--dry-run', '--json')], { home })
    const { nodePods } = JSON.parse(planned.stdout) as RunPlan
    const ours = nodePods?.leftovers.filter(({ case: of }) => of === caseName('kill'))
    expect(ours?.map(({ kind }) => kind)).toEqual(['pod', 'namespace'])
    const ran = await impound([...snapshot('next', '--json')], { home })
    expect((JSON.parse(ran.stdout) as RunResult).nodePods).toMatchObject([
      { removed: expect.stringMatching(GONE) },
    ])
    expect(left(caseName('kill'))).toEqual([])
    expect(left(caseName('next'))).toEqual([])
  })

  it('names the right that is missing, and goes on without', async () => {
    const metadata = { name: 'reader', namespace }
    apply(
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata,
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'responder' }],
      },
    )
    const ran = await impound([...snapshot('rights', '--json')], { home, kubeconfig: world.noRights })
    const { nodePods, evidence } = JSON.parse(ran.stdout) as RunResult
    expect(nodePods).toMatchObject([
      { removed: 'never-there', error: { code: 'forbidden', message: expect.stringMatching(/namespaces/) } },
    ])
    expect(evidence.counts.collected).toBeGreaterThan(0)
    expect(left(caseName('rights'))).toEqual([])
  })
})
