import type { Writable } from 'node:stream'

import { asArray, asString, at, type JsonObject } from '../../src/model/json.js'
import type { LabVersion } from '../../src/lab/api/resources.js'
import { startLab } from '../../src/lab/lab.js'
import type { LabContainer, LabExecResult, LabSeed } from '../../src/lab/types.js'
import { restartsOf } from './scene.js'
import type { ContractWorld } from './world.js'

const IMAGES = { app: 'lab.local/e2e/app:1', distroless: 'lab.local/e2e/distroless:1' }

/** The lab, playing a version, with containers that do what those of the end-to-end images do. */
export async function labWorld(version: LabVersion): Promise<ContractWorld> {
  const lab = await startLab({ seed, version })
  return {
    version,
    kubeconfig: lab.kubeconfig,
    noRights: await lab.kubeconfigFor('responder', []),
    images: IMAGES,
    restart: async (namespace, name) => {
      const pod = lab.objects.get('pods', namespace, name)!
      lab.objects.put({ ...pod, status: restarted(pod) })
    },
    expireTokens: () => lab.compact(),
    close: () => lab.close(),
  }
}

function seed(): LabSeed {
  return {
    objects: [
      { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'default' }, status: { phase: 'Active' } },
      {
        kind: 'Node',
        apiVersion: 'v1',
        metadata: { name: 'node-a' },
        spec: { podCIDR: '10.1.2.0/24' },
        status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] },
      },
      // the kubelet knows an image by its digest once a pod has run it
      warmPod('warm-app', IMAGES.app, '1'),
      warmPod('warm-bare', IMAGES.distroless, '2'),
    ],
    runtime: { container: (pod, name) => containerOf(pod, name) },
    images: [],
    suspect: { namespace: 'default', name: 'warm-app', uid: '11111111-1111-4111-8111-111111111111' },
  }
}

function warmPod(name: string, image: string, digit: string): JsonObject {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default', uid: `${digit.repeat(8)}-1111-4111-8111-111111111111` },
    spec: { nodeName: 'node-a', containers: [{ name: 'app', image }] },
    status: {
      phase: 'Running',
      podIP: `10.1.2.20${digit}`,
      containerStatuses: [
        {
          name: 'app',
          image,
          imageID: `${image.replace(/:1$/, '')}@sha256:${digit.repeat(64)}`,
          ready: true,
          restartCount: 0,
          state: { running: { startedAt: '2026-11-01T10:00:00Z' } },
        },
      ],
    },
  }
}

function containerOf(pod: JsonObject, name: string): LabContainer | undefined {
  const container = asArray(at(pod, 'spec', 'containers')).find((one) => at(one, 'name') === name)
  if (container === undefined) return undefined
  const serves = asString(at(container, 'image')) === IMAGES.app
  return {
    exec: async (argv, stdout, stderr) => {
      const result = serves ? await program(argv, stdout, stderr) : undefined
      return result ?? missing(argv[0] ?? '')
    },
    log: (previous) => {
      if (!serves) return previous ? undefined : []
      if (previous && restartsOf(pod) < 1) return undefined
      const texts = previous ? ['started', 'tick', 'ended by a signal'] : ['started', 'tick']
      return texts.map((text, index) => ({ time: `2026-11-01T10:00:0${index}.123456789Z`, text }))
    },
  }
}

/** What `sh`, `echo` and `head` of busybox do with the arguments that the behaviours use. */
async function program(
  argv: readonly string[],
  stdout: Writable,
  stderr: Writable,
): Promise<LabExecResult | undefined> {
  const [name, ...rest] = argv
  if (name === 'echo') return exit(0, stdout, Buffer.from(`${rest.join(' ')}\n`))
  if (name !== 'sh') return undefined
  const zeroes = /^head -c (\d+) \/dev\/zero$/.exec(rest[1] ?? '')?.[1]
  if (zeroes !== undefined) return exit(0, stdout, Buffer.alloc(Number(zeroes)))
  if (rest[1] !== 'echo out; echo err >&2; exit 7')
    throw new Error(`no such script in this lab: ${String(rest[1])}`)
  await exit(7, stdout, Buffer.from('out\n'))
  return exit(7, stderr, Buffer.from('err\n'))
}

function exit(exitCode: number, sink: Writable, bytes: Buffer): Promise<LabExecResult> {
  return new Promise((resolve, reject) =>
    sink.write(bytes, (error) => {
      if (error) reject(error)
      else resolve({ kind: 'exited', exitCode })
    }),
  )
}

function missing(name: string): LabExecResult {
  const why = name.startsWith('/')
    ? `stat ${name}: no such file or directory`
    : 'executable file not found in $PATH'
  return {
    kind: 'unstartable',
    message: `unable to start container process: exec: ${JSON.stringify(name)}: ${why}`,
  }
}

function restarted(pod: JsonObject): JsonObject {
  const status = pod['status'] as JsonObject
  const ended = {
    exitCode: 3,
    reason: 'Error',
    startedAt: '2026-11-01T10:00:00Z',
    finishedAt: '2026-11-01T10:00:03Z',
  }
  return {
    ...status,
    containerStatuses: asArray(status['containerStatuses']).map((one) =>
      at(one, 'name') === 'app'
        ? { ...(one as JsonObject), restartCount: 1, lastState: { terminated: ended } }
        : one,
    ),
  }
}
