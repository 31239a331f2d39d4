import { Writable } from 'node:stream'

import { podPath } from '../model/api-path.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { asArray, at } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import type { EphemeralContainer, EphemeralContainers } from '../model/ports/ephemeral.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { JsonPatch, KubeWriter, WriteOptions } from '../model/ports/kube-writer.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Exec } from '../model/ports/streams.js'
import type { Target } from '../model/target.js'
import { type Candidate, candidates, END, ephemeralName, LIFETIME_S } from './manifest.js'
import { podNow, untilItRuns } from './readiness.js'

/** What the journal calls these writes. */
export const ACTION = 'ephemeral'
const ENDED_WITHIN_MS = 10_000

export interface EphemeralMeans {
  readonly kube: KubeReader
  readonly writer: KubeWriter
  readonly exec: Exec
  readonly notice: (text: string) => void
}

/** The ephemeral containers of one run in one pod: added when first asked for, their programs ended by {@link close}. */
export class EphemeralSet implements EphemeralContainers {
  readonly #target: Target
  readonly #image: string
  /** '20261122T030033Z-1f3a9c02' */
  readonly #runName: string
  readonly #means: EphemeralMeans
  readonly #run: RunContext
  readonly #added = new Map<string, Promise<EphemeralContainer>>()

  constructor(target: Target, image: string, runName: string, means: EphemeralMeans, run: RunContext) {
    this.#target = target
    this.#image = image
    this.#runName = runName
    this.#means = means
    this.#run = run
  }

  beside(container: string, signal: AbortSignal): Promise<EphemeralContainer> {
    const known = this.#added.get(container)
    if (known !== undefined) return known
    const adding = this.#add(container, this.#added.size, signal)
    this.#added.set(container, adding)
    return adding
  }

  async #add(container: string, index: number, signal: AbortSignal): Promise<EphemeralContainer> {
    const { kube, notice } = this.#means
    const run = { ...this.#run, signal }
    const name = ephemeralName(this.#runName, index)
    const pod = await podNow(kube, this.#target, signal)
    const admitted = await this.#admitted(pod, candidates(pod, container, name, this.#image), signal)
    await this.#patch(pod, admitted, { signal })
    const where = { namespace: this.#target.namespace, pod: this.#target.name, container: name }
    await untilItRuns(kube, this.#target, name, run)
    notice(
      `ephemeral container ${name} runs beside ${container}; it stays in the spec of ${this.#target.name}`,
    )
    return { where, image: this.#image, user: admitted.user }
  }

  /** The first one that the server would take. */
  async #admitted(pod: Pod, all: readonly Candidate[], signal: AbortSignal): Promise<Candidate> {
    let refusal: unknown
    for (const candidate of all) {
      try {
        await this.#patch(pod, candidate, { signal, dryRun: true })
        return candidate
      } catch (error) {
        if (isCode(error, 'not-found')) throw notServed(error)
        if (!isCode(error, 'forbidden', 'invalid', 'target-refused')) throw error
        refusal ??= error
      }
    }
    throw new ImpoundError('target-refused', `no ephemeral container is admitted: ${messageOf(refusal)}`, {
      cause: refusal,
      hints: [
        'it takes the right to patch pods/ephemeralcontainers, and a Pod Security level that admits it',
      ],
    })
  }

  /**
   * As a JSON Patch, whose tests make sure that it is still this pod: a strategic merge, which kubectl debug sends, has none. Where the pod has no
   * list yet, one is added; the server forbids to take any away by that.
   */
  async #patch(
    pod: Pod,
    { container }: Candidate,
    options: Pick<WriteOptions, 'signal' | 'dryRun'>,
  ): Promise<void> {
    const { namespace, name, uid } = this.#target
    const hasList = asArray(at(pod, 'spec', 'ephemeralContainers')).length > 0
    const patch: JsonPatch = [
      { op: 'test', path: '/metadata/uid', value: uid },
      hasList
        ? { op: 'add', path: '/spec/ephemeralContainers/-', value: container }
        : { op: 'add', path: '/spec/ephemeralContainers', value: [container] },
    ]
    await this.#means.writer.patch(podPath(namespace, name, 'ephemeralcontainers'), patch, {
      ...options,
      action: ACTION,
      step: 'add',
      target: { namespace, name, uid },
    })
  }

  /** Ends their programs. Never throws: what could not be ended ends by itself, and is said. */
  async close(): Promise<void> {
    for (const adding of this.#added.values()) {
      const one = await adding.catch(() => undefined)
      if (one === undefined) continue
      const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })
      const options = {
        signal: AbortSignal.timeout(ENDED_WITHIN_MS),
        stallTimeoutMs: ENDED_WITHIN_MS,
        maxBytes: 1 << 16,
      }
      try {
        await this.#means.exec.exec(
          one.where,
          ['sh', '-c', `echo end >${END}`],
          { stdout: nowhere(), stderr: nowhere() },
          options,
        )
      } catch {
        this.#means.notice(
          `ephemeral container ${one.where.container} was not ended: it ends by itself after ${LIFETIME_S / 3600} h`,
        )
      }
    }
  }
}

function notServed(cause: unknown): ImpoundError {
  return new ImpoundError('unsupported', `this cluster has no ephemeral containers: ${messageOf(cause)}`, {
    cause,
    hints: ['Kubernetes has them since 1.23'],
  })
}
