import { podPath } from '../model/api-path.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import type { NodePodLeftover, NodePodResult } from '../model/node-pod-plan.js'
import type { KubeReader, RawResponse } from '../model/ports/kube-reader.js'
import type { KubeWriter } from '../model/ports/kube-writer.js'
import type { NodePods, NodeSession } from '../model/ports/node-pod.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Exec } from '../model/ports/streams.js'
import { admissionRefusal } from './admission.js'
import { namespaceManifest, nodePodManifest, type Belonging } from './manifest.js'
import { namespacePath, nodePodName } from './names.js'
import { checkNode } from './node-check.js'
import { untilRunning } from './readiness.js'
import { ACTION, remove, type Doomed, type Remover } from './removal.js'
import { openSession } from './session.js'

/** How long a new namespace may take to get its service account, without which it admits no pod. */
const NAMESPACE_SETTLES_MS = 15_000
const REMOVED_WITHIN_MS = 60_000
/** One that is stuck must not hold up what this run starts. */
const LEFTOVER_WITHIN_MS = 10_000
/** What a privileged pod of ours is worth to who wants to stop at once. */
const HURRIED_MS = 10_000

export interface NodePodSetting extends Belonging {
  readonly image: string
  readonly namespace: string
  /** Whether the namespace is to be made, and removed at the end. */
  readonly makeNamespace: boolean
  /** The text of templates/node/frame.sh. */
  readonly frame: string
  readonly leftovers: readonly NodePodLeftover[]
}

export interface NodePodMeans {
  readonly kube: KubeReader
  readonly writer: KubeWriter
  readonly exec: Exec
  readonly notice: (text: string) => void
}

interface Started {
  readonly doomed: Doomed
  readonly session: Promise<NodeSession>
  uid?: string
  /** Whether the create may have taken effect. */
  attempted: boolean
  readyAfterMs?: number
  error?: ImpoundError
  /** Under way before the run ends. */
  removal?: Promise<unknown> | undefined
}

/** The pods of one run: one a node, started when first asked for, removed by {@link close}. */
export class NodePodSet implements NodePods {
  readonly #setting: NodePodSetting
  readonly #means: NodePodMeans
  readonly #run: RunContext
  readonly #started = new Map<string, Started>()
  readonly #closing = new AbortController()
  #namespace: Promise<void> | undefined
  #namespaceDoomed: Doomed | undefined
  #cleaned: Promise<void> | undefined

  /** `run`'s signal ends the starting; what was started by then is still removed by close(). */
  constructor(setting: NodePodSetting, means: NodePodMeans, run: RunContext) {
    this.#setting = setting
    this.#means = means
    this.#run = { ...run, signal: AbortSignal.any([run.signal, this.#closing.signal]) }
  }

  on(node: string, signal: AbortSignal): Promise<NodeSession> {
    const started = this.#started.get(node) ?? this.#begin(node)
    return orAborted(started.session, signal)
  }

  #begin(node: string): Started {
    const { namespace, run } = this.#setting
    const doomed: Doomed = { kind: 'pod', namespace, name: nodePodName(run, node), run }
    const ready = Promise.withResolvers<NodeSession>()
    const started: Started = { doomed, session: ready.promise, attempted: false }
    this.#started.set(node, started)
    this.#start(node, started).then(ready.resolve, (error: unknown) => {
      started.error =
        error instanceof ImpoundError ? error : new ImpoundError('bug', messageOf(error), { cause: error })
      this.#means.notice(`no pod on ${node}: ${started.error.message}`)
      // one that does not come up may take its kubelet a while to let go: the run need not wait for that at its end
      started.removal = this.#closing.signal.aborted ? undefined : this.#removeNow(started)
      ready.reject(started.error)
    })
    // nobody may be waiting for it
    ready.promise.catch(() => undefined)
    return started
  }

  async #start(node: string, started: Started): Promise<NodeSession> {
    const { kube, exec } = this.#means
    const { clock, signal } = this.#run
    const { image, frame } = this.#setting
    const { namespace, name } = started.doomed
    const began = clock.monotonic()
    this.#cleaned ??= this.#removeLeftovers()
    await checkNode(kube, node, signal)
    await this.#cleaned
    await (this.#namespace ??= this.#makeNamespace())
    const uid = await this.#create(node, started)
    started.uid = uid
    await untilRunning(kube, { namespace, name, uid, node }, this.#run)
    started.readyAfterMs = Math.round(clock.monotonic() - began)
    this.#means.notice(
      `pod ${namespace}/${name} runs on ${node} after ${(started.readyAfterMs / 1000).toFixed(1)} s`,
    )
    return openSession({
      node,
      pod: { namespace, name, image },
      exec,
      frame,
      random: (bytes) => this.#run.random(bytes),
    })
  }

  /** Only asks for it: that it is gone is seen by close(). */
  async #removeNow({ doomed, uid, attempted }: Started): Promise<void> {
    if (!attempted || uid === undefined) return
    const { namespace, name } = doomed
    const options = { signal: AbortSignal.timeout(REMOVED_WITHIN_MS), action: ACTION, step: 'delete', uid }
    // what fails here is tried again at the end, and said there
    await this.#means.writer.delete(podPath(namespace, name), options).catch(() => undefined)
  }

  async #makeNamespace(): Promise<void> {
    const { namespace, makeNamespace, run } = this.#setting
    if (!makeNamespace) return
    this.#namespaceDoomed = { kind: 'namespace', namespace, name: namespace, run }
    try {
      const made = await this.#means.writer.create(
        namespacePath(),
        namespaceManifest(namespace, this.#setting),
        {
          signal: this.#run.signal,
          action: ACTION,
          step: 'create-namespace',
        },
      )
      this.#namespaceDoomed = { ...this.#namespaceDoomed, uid: uidOf(made) }
    } catch (error) {
      if (wasRefused(error)) this.#namespaceDoomed = undefined
      throw admissionRefusal(error, `no namespace ${namespace} for a node pod`)
    }
  }

  async #create(node: string, started: Started): Promise<string> {
    const { clock, signal } = this.#run
    const { writer } = this.#means
    const { namespace, name } = started.doomed
    const manifest = nodePodManifest({ ...this.#setting, name, node })
    const options = { signal, action: ACTION, step: 'create' }
    const what = `no pod of ours on ${node}`
    try {
      if (this.#setting.makeNamespace) {
        const until = clock.monotonic() + NAMESPACE_SETTLES_MS
        while (
          !(await this.#isAdmitted(
            () => writer.create(podPath(namespace), manifest, { ...options, dryRun: true }),
            until,
          ))
        ) {
          await clock.sleep(100, signal)
        }
      }
      started.attempted = true
      return uidOf(await writer.create(podPath(namespace), manifest, options))
    } catch (error) {
      if (wasRefused(error)) started.attempted = false
      throw admissionRefusal(error, what)
    }
  }

  /** False while the namespace is too new: its service account comes a moment later, and pods are refused until then. */
  async #isAdmitted(dryRun: () => Promise<unknown>, until: number): Promise<boolean> {
    try {
      await dryRun()
      return true
    } catch (error) {
      if (!(error instanceof ImpoundError) || error.code === 'aborted') throw error
      const isNew = /service ?account .*not found/i.test(error.message)
      if (isNew && this.#run.clock.monotonic() < until) return false
      // the answer to the real request says why
      return true
    }
  }

  async #removeLeftovers(): Promise<void> {
    const { kube, writer, notice } = this.#means
    const { clock, signal } = this.#run
    for (const left of this.#setting.leftovers) {
      const words = `${left.kind} ${left.kind === 'pod' ? `${left.namespace}/` : ''}${left.name} of the run ${left.run}`
      try {
        const patience = AbortSignal.timeout(LEFTOVER_WITHIN_MS)
        await remove(left, { kube, writer, clock, signal: AbortSignal.any([signal, patience]) })
        notice(`removed what a killed run left: ${words}`)
      } catch (error) {
        if (signal.aborted || isCode(error, 'storage')) throw error
        notice(`did not see the end of what a killed run left, ${words}: ${messageOf(error)}`)
      }
    }
  }

  /**
   * Removes every pod and the namespace, and waits until the pods are seen to be gone. Never throws but for local storage: what
   * can't be confirmed is said in the results. `hurry` leaves a few seconds for it.
   */
  async close(hurry: AbortSignal): Promise<readonly NodePodResult[]> {
    this.#closing.abort(new ImpoundError('aborted', 'the run ended before it was ready'))
    await Promise.allSettled([...this.#started.values()].map(({ session }) => session))
    const patience = withPatience(hurry)
    const by: Remover = {
      kube: this.#means.kube,
      writer: this.#means.writer,
      clock: this.#run.clock,
      signal: patience.signal,
    }
    try {
      const results = await Promise.all(
        [...this.#started].map(([node, started]) => this.#end(node, started, by)),
      )
      if (this.#namespaceDoomed !== undefined) await this.#tryRemove(this.#namespaceDoomed, by)
      return results
    } finally {
      patience.stop()
    }
  }

  async #end(node: string, started: Started, by: Remover): Promise<NodePodResult> {
    const { doomed, uid, attempted, readyAfterMs, error } = started
    await started.removal
    const removed = !attempted
      ? 'never-there'
      : await this.#tryRemove({ ...doomed, ...(uid === undefined ? {} : { uid }) }, by)
    const { namespace, name } = doomed
    return {
      node,
      namespace,
      name,
      image: this.#setting.image,
      ...(readyAfterMs === undefined ? {} : { readyAfterMs }),
      ...(error === undefined
        ? {}
        : { error: { code: error.code, message: error.message, hints: error.hints } }),
      removed,
      ...(removed === 'not-known' ? { remove: `kubectl delete pod ${name} -n ${namespace}` } : {}),
    }
  }

  async #tryRemove(doomed: Doomed, by: Remover): Promise<NodePodResult['removed']> {
    try {
      return await remove(doomed, by)
    } catch (error) {
      if (isCode(error, 'storage')) throw error
      this.#means.notice(`${doomed.kind} ${doomed.name} may still be there: ${messageOf(error)}`)
      return 'not-known'
    }
  }
}

/** A signal that ends the waiting after a minute, or ten seconds after `hurry`. */
function withPatience(hurry: AbortSignal): { readonly signal: AbortSignal; stop(): void } {
  const over = new AbortController()
  const end = (): void => over.abort(new ImpoundError('timeout', 'its end was not seen in time'))
  const timers = [setTimeout(end, REMOVED_WITHIN_MS)]
  const soon = (): void => void timers.push(setTimeout(end, HURRIED_MS))
  if (hurry.aborted) soon()
  else hurry.addEventListener('abort', soon, { once: true })
  return {
    signal: over.signal,
    stop: () => {
      hurry.removeEventListener('abort', soon)
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

/** Whether the server said no: nothing is then there of it. */
function wasRefused(error: unknown): boolean {
  const status = error instanceof ImpoundError ? error.httpStatus : undefined
  return (status !== undefined && status >= 400 && status < 500) || isCode(error, 'configuration')
}

function uidOf({ body }: RawResponse): string {
  const uid = asString(at(JSON.parse(body.toString('utf8')), 'metadata', 'uid'))
  if (uid === undefined) throw new ImpoundError('server', 'the server made an object without a UID')
  return uid
}

/** The value, or what the signal says if it comes first. */
function orAborted<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      const reason: unknown = signal.reason
      reject(
        reason instanceof ImpoundError
          ? reason
          : new ImpoundError('aborted', 'interrupted while a node pod was started', { cause: reason }),
      )
    }
    if (signal.aborted) {
      onAbort()
      return
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const settle = (): void => signal.removeEventListener('abort', onAbort)
    value.then(resolve, reject).finally(settle)
  })
}
