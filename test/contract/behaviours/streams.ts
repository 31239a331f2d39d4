import { expect } from '@jest/globals'

import type { ExecOutcome } from '../../../src/model/ports/streams.js'
import { exec as rawExec } from '../../lab/client.js'
import { Collecting } from '../../kube/sinks.js'
import type { Behaviour } from '../behaviour.js'
import { limits, type Scene } from '../scene.js'

interface Ran {
  readonly outcome: ExecOutcome
  readonly stdout: string
  readonly stderr: string
}

async function run(scene: Scene, argv: readonly string[], container = 'app', pod?: string): Promise<Ran> {
  const [stdout, stderr] = [new Collecting(), new Collecting()]
  const where = { namespace: scene.namespace, pod: pod ?? (await scene.podName()), container }
  const outcome = await scene.admin.exec.exec(where, argv, { stdout, stderr }, limits)
  return { outcome, stdout: stdout.text, stderr: stderr.text }
}

function execPath(scene: Scene, pod: string, query: string): string {
  return `${scene.path('pods', pod)}/exec?${query}`
}

const SCRIPT = ['sh', '-c', 'echo out; echo err >&2; exit 7']
const ECHO = 'command=echo&command=hi&container=app&stdout=true&stderr=true'
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d) /

async function log(
  scene: Scene,
  more: { container?: string; previous?: boolean; pod?: string } = {},
): Promise<string> {
  const sink = new Collecting()
  const { container = 'app', previous = false } = more
  const pod = more.pod ?? (await scene.podName())
  const outcome = await scene.admin.logs.log(
    { namespace: scene.namespace, pod, container, previous },
    sink,
    limits,
  )
  expect(outcome.bytes).toBe(Buffer.byteLength(sink.text))
  return sink.text
}

export const execs: readonly Behaviour[] = [
  {
    name: 'keeps stdout and stderr of an exec apart, and tells its exit status',
    seen: 'real 1.20',
    check: async (scene) => {
      expect(await run(scene, SCRIPT)).toEqual({
        outcome: { exitCode: 7, stdoutBytes: 4, stderrBytes: 4 },
        stdout: 'out\n',
        stderr: 'err\n',
      })
      expect(await run(scene, ['echo', 'a b', 'c'])).toMatchObject({
        outcome: { exitCode: 0 },
        stdout: 'a b c\n',
      })
    },
  },
  {
    name: 'sends every byte of an exec before its status',
    seen: 'real 1.20',
    check: async (scene) => {
      const { outcome } = await run(scene, ['sh', '-c', 'head -c 3000000 /dev/zero'])
      expect(outcome).toEqual({ exitCode: 0, stdoutBytes: 3_000_000, stderrBytes: 0 })
    },
  },
  {
    name: 'says of a program that is not there what the runtime says, and no exit status',
    seen: 'real 1.20',
    check: async (scene) => {
      for (const container of ['app', 'bare'])
        await expect(run(scene, ['no-such-program'], container)).rejects.toMatchObject({
          code: 'target-refused',
          message: 'There is no "no-such-program" in the container (executable file not found in $PATH).',
          cause: expect.anything(),
        })
      await expect(run(scene, ['/no/such/program'], 'bare')).rejects.toMatchObject({
        code: 'target-refused',
        message: 'There is no "/no/such/program" in the container (no such file or directory).',
      })
    },
  },
  {
    name: 'refuses an exec in a container or a pod that is not there',
    seen: 'real 1.20',
    check: async (scene) => {
      await expect(run(scene, ['id'], 'none')).rejects.toMatchObject({ code: 'not-found', httpStatus: 400 })
      await expect(run(scene, ['id'], 'app', 'none')).rejects.toMatchObject({
        code: 'not-found',
        httpStatus: 404,
      })
    },
  },
  {
    name: 'refuses an exec to who has no right to it, with the words of a 403',
    seen: 'real 1.20',
    check: async (scene) => {
      const sinks = { stdout: new Collecting(), stderr: new Collecting() }
      const where = { namespace: scene.namespace, pod: await scene.podName(), container: 'app' }
      await expect(scene.nobody.exec.exec(where, ['id'], sinks, limits)).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringContaining('User "responder" cannot get resource "pods/exec"'),
      })
    },
  },
  {
    name: 'begins an exec with an empty frame, ends it with the status and a proper close',
    seen: 'real 1.20',
    check: async (scene) => {
      const trace = await rawExec(scene.wire, execPath(scene, await scene.podName(), ECHO), [
        'v4.channel.k8s.io',
      ])
      expect(trace).toMatchObject({ protocol: 'v4.channel.k8s.io', stdout: 'hi\n', closeCode: 1000 })
      expect(trace).toMatchObject({ status: { metadata: {}, status: 'Success' } })
      const channels = 'channels' in trace ? trace.channels : []
      expect([channels[0], channels.at(-1)]).toEqual([1, 3])
    },
  },
  {
    name: 'speaks v4 of the exec protocol, and refuses who knows v5 alone',
    seen: 'real 1.20',
    on: '1.20',
    check: async (scene) => {
      const path = execPath(scene, await scene.podName(), ECHO)
      expect(await rawExec(scene.wire, path)).toMatchObject({ protocol: 'v4.channel.k8s.io' })
      expect(await rawExec(scene.wire, path, ['v5.channel.k8s.io'])).toEqual({ refused: 403, text: '' })
    },
  },
  {
    name: 'speaks v5 of the exec protocol to who knows it',
    seen: 'lab only',
    on: '1.36',
    check: async (scene) => {
      const path = execPath(scene, await scene.podName(), ECHO)
      expect(await rawExec(scene.wire, path)).toMatchObject({ protocol: 'v5.channel.k8s.io', stdout: 'hi\n' })
    },
  },
]

export const logs: readonly Behaviour[] = [
  {
    name: 'gives a log with a time before each line, in chunks',
    seen: 'real 1.20',
    check: async (scene) => {
      const pod = await scene.podName()
      const lines = (await log(scene, { pod })).split('\n')
      expect(lines[0]).toMatch(/ started$/)
      expect(lines.slice(0, -1).every((line) => RFC3339.test(line))).toBe(true)
      const { headers } = await scene.get(`${scene.path('pods', pod)}/log?container=app`)
      expect(headers['content-type']).toMatch(/^text\/plain/)
      expect(headers['transfer-encoding']).toBe('chunked')
    },
  },
  {
    name: 'gives the log of a container that never wrote as an empty body with an end',
    seen: 'real 1.20',
    check: async (scene) => {
      expect(await log(scene, { container: 'bare' })).toBe('')
    },
  },
  {
    name: 'refuses the log of a run that was not with 400, and names the container',
    seen: 'real 1.20',
    check: async (scene) => {
      const pod = await scene.podName()
      await expect(log(scene, { pod, container: 'bare', previous: true })).rejects.toMatchObject({
        code: 'not-found',
        httpStatus: 400,
        message: `previous terminated container "bare" in pod "${pod}" not found.`,
      })
    },
  },
  {
    name: 'refuses a log without a container where there are two, and of one that is not there',
    seen: 'real 1.20',
    check: async (scene) => {
      const pod = await scene.podName()
      const reply = await scene.get(`${scene.path('pods', pod)}/log`)
      expect(reply.json).toMatchObject({
        code: 400,
        message: `a container name must be specified for pod ${pod}, choose one of: [app bare]`,
      })
      await expect(log(scene, { container: 'none' })).rejects.toMatchObject({
        code: 'not-found',
        message: `container none is not valid for pod ${pod}.`,
      })
      await expect(log(scene, { pod: 'none' })).rejects.toMatchObject({ code: 'not-found', httpStatus: 404 })
    },
  },
  {
    name: 'keeps the log of the run before a restart',
    seen: 'real 1.20',
    check: async (scene) => {
      const pod = await scene.podName()
      await scene.world.restart(scene.namespace, pod)
      const before = await log(scene, { pod, previous: true })
      expect(before.trimEnd()).toMatch(/ ended by a signal$/)
      expect(before).toMatch(/ started\n/)
      expect(await log(scene, { pod })).toMatch(/ started\n/)
    },
  },
]
