import type { Writable } from 'node:stream'

import type { JsonObject } from '../../src/model/json.js'
import type { LabContainer, LabExecResult, LabRuntime, LabSeed } from '../../src/lab/types.js'

const LABELS = { app: 'web', 'pod-template-hash': '6dd6' }
const AT = '2026-11-01T10:00:00Z'

export const UID_ONE = '11111111-1111-4111-8111-111111111111'
const UID_TWO = '22222222-2222-4222-8222-222222222222'
const UID_SET = '33333333-3333-4333-8333-333333333333'

const CONTAINERS = [
  {
    name: 'app',
    image: 'registry.example/web:1',
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
  },
  { name: 'side', image: 'registry.example/side:1' },
]

const OWNER = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: 'web-6dd6',
  uid: UID_SET,
  controller: true,
  blockOwnerDeletion: true,
}

export function smallPod(name: string, uid: string, podIP: string): JsonObject {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace: 'shop',
      uid,
      creationTimestamp: AT,
      labels: LABELS,
      ownerReferences: [OWNER],
    },
    spec: { nodeName: 'node-a', containers: CONTAINERS },
    status: {
      phase: 'Running',
      podIP,
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: AT }],
      containerStatuses: CONTAINERS.map(({ name: container, image }) => ({
        name: container,
        image,
        imageID: `${image}@sha256:${'0'.repeat(64)}`,
        ready: true,
        restartCount: 0,
        state: { running: { startedAt: AT } },
        lastState: {},
      })),
    },
  }
}

const SMALL_OBJECTS: readonly JsonObject[] = [
  { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'shop' }, status: { phase: 'Active' } },
  {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name: 'node-a' },
    spec: { podCIDR: '10.1.2.0/24' },
    status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] },
  },
  smallPod('web-6dd6-one', UID_ONE, '10.1.2.2'),
  smallPod('web-6dd6-two', UID_TWO, '10.1.2.3'),
  {
    kind: 'ReplicaSet',
    apiVersion: 'apps/v1',
    metadata: { name: 'web-6dd6', namespace: 'shop', uid: UID_SET, generation: 1, labels: LABELS },
    spec: {
      replicas: 2,
      selector: { matchLabels: LABELS },
      template: { metadata: { labels: { ...LABELS, tier: 'front' } }, spec: { containers: CONTAINERS } },
    },
  },
  {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  },
  {
    kind: 'Event',
    apiVersion: 'v1',
    metadata: { name: 'web-6dd6-one.1', namespace: 'shop' },
    involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web-6dd6-one', uid: UID_ONE, apiVersion: 'v1' },
    reason: 'BackOff',
    message: 'Back-off restarting failed container',
    source: { component: 'kubelet', host: 'node-a' },
    firstTimestamp: AT,
    lastTimestamp: AT,
    count: 3,
    type: 'Warning',
    eventTime: null,
    reportingComponent: 'kubelet',
    reportingInstance: 'node-a',
  },
]

/** Programs of the small lab's containers: each writes what it is told to, and exits. */
const PROGRAMS: Readonly<
  Record<string, (argv: readonly string[], stdout: Writable, stderr: Writable) => Promise<number>>
> = {
  echo: async (argv, stdout) => {
    await written(stdout, Buffer.from(`${argv.slice(1).join(' ')}\n`))
    return 0
  },
  fail: async (argv, _stdout, stderr) => {
    await written(stderr, Buffer.from('it broke\n'))
    return Number(argv[1])
  },
  flood: async (argv, stdout) => {
    const chunk = Buffer.alloc(64 * 1024, 0x61)
    for (let left = Number(argv[1]); left > 0; left -= chunk.length) await written(stdout, chunk)
    return 0
  },
}

/** Bytes that `flood` wrote in the last exec of any small lab. */
export const flooded = { bytes: 0 }

function written(sink: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) =>
    sink.write(bytes, (error) => {
      flooded.bytes += bytes.length
      if (error) reject(error)
      else resolve()
    }),
  )
}

const container: LabContainer = {
  exec: async (argv, stdout, stderr): Promise<LabExecResult> => {
    flooded.bytes = 0
    const program = PROGRAMS[argv[0] ?? '']
    if (program !== undefined) return { kind: 'exited', exitCode: await program(argv, stdout, stderr) }
    return {
      kind: 'unstartable',
      message: `error executing command in container: failed to exec in container: failed to start exec "ab": OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(argv[0])}: executable file not found in $PATH: unknown`,
    }
  },
  log: (previous) =>
    previous
      ? undefined
      : [
          { time: '2026-11-01T10:00:01.000000001Z', text: 'hello' },
          { time: '2026-11-01T10:00:02.500000000Z', text: 'wörld' },
          { time: '2026-11-01T10:00:03.000000000Z', text: 'bye' },
        ],
}

const runtime: LabRuntime = {
  container: (pod, name) =>
    CONTAINERS.some((known) => known.name === name) && pod.kind === 'Pod' ? container : undefined,
}

export function smallSeed(): LabSeed {
  return {
    objects: SMALL_OBJECTS,
    runtime,
    images: [],
    suspect: { namespace: 'shop', name: 'web-6dd6-one', uid: UID_ONE },
  }
}
