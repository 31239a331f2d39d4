import type { CollectContext, CollectOptions } from '../../src/model/collector.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { Pod } from '../../src/model/kubernetes.js'
import type { EphemeralContainers } from '../../src/model/ports/ephemeral.js'
import type { Journal } from '../../src/model/ports/kube-writer.js'
import type { NodePods } from '../../src/model/ports/node-pod.js'
import type { Registry } from '../../src/model/ports/registry.js'
import type { Exec } from '../../src/model/ports/streams.js'
import type { Target } from '../../src/model/target.js'
import type { MemorySink } from './memory-sink.js'

export interface ContextParts {
  readonly exec?: Exec
  readonly nodePods?: NodePods
  readonly ephemerals?: EphemeralContainers
  readonly registry: Registry
  readonly sink: MemorySink
  readonly options?: Partial<CollectOptions>
  readonly journal?: Journal
  readonly signal?: AbortSignal
  /** The node object; the API forbids it where there is none. */
  readonly node?: object
}

export function collectContext(parts: ContextParts): CollectContext {
  const unused = (): never => {
    throw new Error('not part of this test')
  }
  return {
    run: {
      clock: { now: () => new Date(0), monotonic: () => 0, sleep: unused },
      random: (bytes) => Buffer.alloc(bytes),
      signal: parts.signal ?? new AbortController().signal,
    },
    phase: 'slow',
    options: {
      allow: new Set(['exec']),
      skip: new Set(),
      stallTimeoutMs: 5000,
      maxLogBytes: 1 << 20,
      maxContentBytes: 64 << 20,
      usePullSecrets: false,
      ...parts.options,
    },
    now: { get: unused, list: unused, discover: unused },
    api: {
      get: () =>
        parts.node === undefined
          ? Promise.reject(new ImpoundError('forbidden', 'nodes are forbidden'))
          : Promise.resolve({
              artefact: 'api/0001.json',
              response: {
                method: 'GET',
                path: '/api/v1/nodes/n',
                auditId: '',
                status: 200,
                headers: {},
                startedAt: '',
                endedAt: '',
              },
              json: parts.node as never,
            }),
      list: unused,
      discover: unused,
    },
    logs: { log: unused },
    exec: parts.exec ?? { exec: unused },
    nodePods: parts.nodePods ?? { on: unused },
    ephemerals: parts.ephemerals ?? { beside: unused },
    registry: parts.registry,
    journal: parts.journal ?? { intent: unused, result: unused },
    case: {
      document: (name) => Promise.resolve(parts.sink.files.has(name) ? parts.sink.json(name) : undefined),
      content: (path) => parts.sink.content(path),
    },
    progress: () => undefined,
  }
}

export interface ContainerFacts {
  readonly name: string
  readonly image: string
  readonly imageID: string
  readonly running?: boolean
  readonly volumeMounts?: readonly { name: string; mountPath: string }[]
}

export function targetOf(...containers: readonly ContainerFacts[]): Target {
  const pod = {
    metadata: { namespace: 'shop', name: 'web', uid: '1f3a9c02' },
    spec: {
      nodeName: 'n',
      containers: containers.map(({ name, image, volumeMounts }) => ({
        name,
        image,
        volumeMounts: volumeMounts ?? [],
      })),
    },
    status: {
      containerStatuses: containers.map(({ name, imageID, running }) => ({
        name,
        imageID,
        containerID: 'containerd://1',
        state:
          running === false
            ? { terminated: { exitCode: 0 } }
            : { running: { startedAt: '2026-11-20T00:00:00Z' } },
      })),
    },
  } satisfies Pod
  return { namespace: 'shop', name: 'web', uid: '1f3a9c02', pod }
}

export const LINUX_NODE = { status: { nodeInfo: { operatingSystem: 'linux', architecture: 'amd64' } } }
