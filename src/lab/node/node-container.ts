import { createHash } from 'node:crypto'
import type { Writable } from 'node:stream'

import { asString, at, type JsonObject } from '../../model/json.js'
import { stateOf } from '../kubelet/pod-container.js'
import { writeAll } from '../shop/container/writing.js'
import { objectsIn } from '../store/object.js'
import type { Store } from '../store/store.js'
import type { LabContainer, LabExecResult, LabRuntime } from '../types.js'
import type { ContainerOnNode } from './program.js'
import { NODE_PROGRAMS } from './programs.js'

/** A runtime whose privileged pods in the host's PID namespace can look at their node. */
export function withNodePods(runtime: LabRuntime, store: Store, now: () => Date): LabRuntime {
  return {
    container: (pod, name) =>
      isNodePod(pod)
        ? nodeContainer(asString(at(pod, 'spec', 'nodeName')) ?? '', runtime, store, now)
        : runtime.container(pod, name),
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

function nodeContainer(node: string, runtime: LabRuntime, store: Store, now: () => Date): LabContainer {
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
        args,
        store,
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

function containersOn(node: string, runtime: LabRuntime, store: Store): readonly ContainerOnNode[] {
  return store
    .list('pods')
    .filter((pod) => at(pod, 'spec', 'nodeName') === node && !isNodePod(pod))
    .flatMap((pod) =>
      ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses']
        .flatMap((list) => objectsIn(at(pod, 'status', list)))
        .map((status) => {
          const name = asString(status.name) ?? ''
          const running = stateOf(pod, name).state === 'running'
          const container = runtime.container(pod, name)
          const inside = container?.inside
          return {
            pod,
            name,
            id: (asString(status.containerID) ?? '').replace(/^.*:\/\//, ''),
            running,
            ...(container === undefined ? {} : { log: (previous: boolean) => container.log(previous) }),
            ...(inside === undefined ? {} : { inside }),
          }
        }),
    )
}
