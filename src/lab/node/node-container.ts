import { createHash } from 'node:crypto'
import type { Writable } from 'node:stream'

import { asString, at, type JsonObject } from '../../model/json.js'
import { stateOf } from '../kubelet/pod-container.js'
import { writeAll } from '../shop/container/writing.js'
import { objectsIn } from '../store/object.js'
import type { LabNetwork } from '../network/network.js'
import type { Store } from '../store/store.js'
import type { LabVersion } from '../api/resources.js'
import type { LabContainer, LabExecResult, LabRuntime } from '../types.js'
import type { Freezer } from './freezer.js'
import type { ContainerOnNode } from './program.js'
import { NODE_PROGRAMS } from './programs.js'

const STATUSES = ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses']

/** What pods on nodes look at and change. */
export interface NodeWorld {
  readonly runtime: LabRuntime
  readonly store: Store
  readonly network: LabNetwork
  readonly freezer: Freezer
  readonly profile: LabVersion
  readonly now: () => Date
}

/** A runtime whose privileged pods in the host's PID namespace can look at their node, and stop what runs on it. */
export function withNodePods(world: NodeWorld): LabRuntime {
  return {
    container: (pod, name) => {
      if (isNodePod(pod)) return nodeContainer(pod, world)
      const container = world.runtime.container(pod, name)
      return container === undefined
        ? undefined
        : freezable(container, containerIdOf(pod, name), world.freezer)
    },
  }
}

/** What is started in a frozen container stands still from its first instruction on. */
function freezable(container: LabContainer, id: string, freezer: Freezer): LabContainer {
  return {
    log: (previous) => container.log(previous),
    async exec(argv, stdout, stderr, signal) {
      await freezer.thawed(id, signal)
      return container.exec(argv, stdout, stderr, signal)
    },
    ...(container.inside === undefined ? {} : { inside: container.inside }),
  }
}

function isNodePod(pod: JsonObject): boolean {
  return (
    at(pod, 'spec', 'hostPID') === true &&
    objectsIn(at(pod, 'spec', 'containers')).some(
      (container) => at(container, 'securityContext', 'privileged') === true,
    )
  )
}

function nodeContainer(pod: JsonObject, world: NodeWorld): LabContainer {
  const { runtime, store, network, freezer, profile, now } = world
  const node = asString(at(pod, 'spec', 'nodeName')) ?? ''
  return {
    log: (previous) => (previous ? undefined : []),
    async exec(argv, stdout, stderr, signal): Promise<LabExecResult> {
      const [shell, flag, text = '', title = '', ...args] = argv
      const program = NODE_PROGRAMS[title.replace(/^impound-/, '')]
      const nonce = /^impound_nonce=([0-9a-f]+)\n/.exec(text)?.[1]
      if (shell !== 'sh' || flag !== '-c' || program === undefined || nonce === undefined) {
        await writeAll(stderr, [`${title}: the nodes of this lab know no such script\n`], signal)
        return { kind: 'exited', exitCode: 127 }
      }
      const payload = new Counted(stdout, signal)
      const exitCode = await program({
        node,
        pod,
        args,
        store,
        network,
        freezer,
        profile,
        containers: containersOn(node, runtime, store),
        now: now(),
        signal,
        out: (bytes) => payload.write(bytes),
        err: (words) => writeAll(stderr, [words], signal),
      })
      await writeAll(stderr, [payload.trailer(nonce, exitCode)], signal)
      return { kind: 'exited', exitCode }
    },
  }
}

/** What templates/node/frame.sh does around a script. */
class Counted {
  readonly #sink: Writable
  readonly #signal: AbortSignal
  readonly #hash = createHash('sha256')
  #bytes = 0

  constructor(sink: Writable, signal: AbortSignal) {
    this.#sink = sink
    this.#signal = signal
  }

  async write(bytes: string | Uint8Array): Promise<void> {
    const chunk = Buffer.from(bytes)
    this.#hash.update(chunk)
    this.#bytes += chunk.length
    await writeAll(this.#sink, [chunk], this.#signal)
  }

  trailer(nonce: string, exitCode: number): string {
    return `\nimpound-frame v1 ${nonce} bytes=${this.#bytes} sha256=${this.#hash.digest('hex')} exit=${exitCode}\n`
  }
}

/** As the runtime has it; '' where it never ran. */
function containerIdOf(pod: JsonObject, name: string): string {
  const status = STATUSES.flatMap((list) => objectsIn(at(pod, 'status', list))).find(
    (one) => one.name === name,
  )
  return (asString(status?.containerID) ?? '').replace(/^.*:\/\//, '')
}

function containersOn(node: string, runtime: LabRuntime, store: Store): readonly ContainerOnNode[] {
  return store
    .list('pods')
    .filter((pod) => at(pod, 'spec', 'nodeName') === node && !isNodePod(pod))
    .flatMap((pod) =>
      STATUSES.flatMap((list) => objectsIn(at(pod, 'status', list))).map((status) => {
        const name = asString(status.name) ?? ''
        const running = stateOf(pod, name).state === 'running'
        const container = runtime.container(pod, name)
        const inside = container?.inside
        return {
          pod,
          name,
          id: containerIdOf(pod, name),
          running,
          ...(container === undefined ? {} : { log: (previous: boolean) => container.log(previous) }),
          ...(inside === undefined ? {} : { inside }),
        }
      }),
    )
}
