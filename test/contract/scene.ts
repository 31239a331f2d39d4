import { randomBytes } from 'node:crypto'

import { connect, type KubeConnection } from '../../src/kube/connect.js'
import { asArray, asNumber, asString, at, type JsonObject } from '../../src/model/json.js'
import type { RunContext } from '../../src/model/ports/run-context.js'
import type { KubeWriter, WriteOptions } from '../../src/model/ports/kube-writer.js'
import type { StreamOptions } from '../../src/model/ports/streams.js'
import { type Access, call, type Reply } from '../lab/client.js'
import { wireAccess } from './access.js'
import type { ContractWorld } from './world.js'

const CONFIG_MAPS = 7
const LABELS = { app: 'web', tier: 'front' }

export const never = new AbortController().signal
export const limits: StreamOptions = { signal: never, stallTimeoutMs: 30_000, maxBytes: 64 << 20 }

/** A namespace of one run: a ReplicaSet `web` of two pods (containers `app` and `bare`), its Service, and some ConfigMaps. */
export class Scene {
  readonly namespace = `t-contract-${randomBytes(3).toString('hex')}`
  readonly world: ContractWorld
  /** Raw HTTPS, as the administrator. */
  readonly wire: Access
  /** Raw HTTPS, as the user without rights. */
  readonly stranger: Access
  readonly admin: KubeConnection
  readonly nobody: KubeConnection
  readonly writer: KubeWriter

  private constructor(
    world: ContractWorld,
    [wire, stranger]: readonly [Access, Access],
    [admin, nobody]: readonly [KubeConnection, KubeConnection],
  ) {
    this.world = world
    this.wire = wire
    this.stranger = stranger
    this.admin = admin
    this.nobody = nobody
    this.writer = admin.writer({ intent: async () => undefined, result: async () => undefined })
  }

  static async open(world: ContractWorld): Promise<Scene> {
    const scene = new Scene(
      world,
      [await wireAccess(world.kubeconfig), await wireAccess(world.noRights)],
      [await connectionOf(world.kubeconfig), await connectionOf(world.noRights)],
    )
    await scene.#build()
    return scene
  }

  /** Also as somebody else. */
  connect(as: string): Promise<KubeConnection> {
    return connectionOf(this.world.kubeconfig, as)
  }

  path(resource: string, name = ''): string {
    const root = resource.includes('/') ? `/apis/${resource.replace(/\/[^/]*$/, '')}` : '/api/v1'
    const kind = resource.split('/').at(-1) ?? ''
    return `${root}/namespaces/${this.namespace}/${kind}${name === '' ? '' : `/${name}`}`
  }

  get(path: string): Promise<Reply> {
    return call(this.wire, path)
  }

  send(method: string, path: string, body: unknown, type = 'application/json'): Promise<Reply> {
    return call(this.wire, path, { method, body, headers: { 'Content-Type': type } })
  }

  /** Creates an object that must be taken, and gives it as stored. */
  async create(resource: string, object: object): Promise<JsonObject> {
    const reply = await this.send('POST', this.path(resource), object)
    if (reply.status !== 201) throw new Error(`${resource}: ${reply.status} ${reply.text}`)
    return reply.json
  }

  /** A ConfigMap of the caller's own. */
  configMap(name: string): Promise<JsonObject> {
    return this.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })
  }

  /** Waits until exactly `count` pods belong to `web` and are ready; sorted by name. */
  pods(count = 2): Promise<readonly JsonObject[]> {
    return this.eventually(`${count} ready pods`, async () => {
      const { json } = await this.get(`${this.path('pods')}?labelSelector=app%3Dweb`)
      const items = asArray(at(json, 'items')) as readonly JsonObject[]
      return items.length === count && items.every(isReady) ? items : undefined
    })
  }

  async podName(): Promise<string> {
    return nameOf((await this.pods())[0])
  }

  /**
   * Asks again and again until the answer is not undefined; fails with what was waited for. A kubelet that misses the end of a
   * container removes the pod with its garbage, once a minute: patience is more than two of those rounds.
   */
  async eventually<Value>(what: string, ask: () => Promise<Value | undefined>): Promise<Value> {
    const end = Date.now() + 150_000
    for (;;) {
      const answer = await ask()
      if (answer !== undefined) return answer
      if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
      await new Promise((next) => setTimeout(next, 100))
    }
  }

  write(more: Partial<WriteOptions> = {}): WriteOptions {
    return { signal: never, action: 'contract', step: 'test', ...more }
  }

  async close(): Promise<void> {
    await this.send('DELETE', `/api/v1/namespaces/${this.namespace}`, { propagationPolicy: 'Background' })
    await Promise.all([this.admin.close(), this.nobody.close()])
  }

  async #build(): Promise<void> {
    const space = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.namespace } }
    const made = await this.send('POST', '/api/v1/namespaces', space)
    if (made.status !== 201) throw new Error(`the namespace: ${made.status} ${made.text}`)
    const { app, distroless } = this.world.images
    const containers = [
      { name: 'app', image: app },
      { name: 'bare', image: distroless },
    ]
    await this.create('apps/v1/replicasets', {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: LABELS },
          spec: { terminationGracePeriodSeconds: 1, containers },
        },
      },
    })
    await this.create('services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    })
    const numbers = Array.from({ length: CONFIG_MAPS }, (_, index) => index)
    await Promise.all(numbers.map((index) => this.configMap(`page-${index}`)))
    await this.pods()
  }
}

export function nameOf(object: unknown): string {
  return asString(at(object, 'metadata', 'name')) ?? ''
}

export function uidOf(object: unknown): string {
  return asString(at(object, 'metadata', 'uid')) ?? ''
}

function isReady(pod: JsonObject): boolean {
  const statuses = asArray(at(pod, 'status', 'containerStatuses'))
  return (
    at(pod, 'metadata', 'deletionTimestamp') === undefined &&
    statuses.length === 2 &&
    statuses.every((status) => at(status, 'ready') === true)
  )
}

/** How often the container `app` was started again. */
export function restartsOf(pod: unknown): number {
  const app = asArray(at(pod, 'status', 'containerStatuses')).find((status) => at(status, 'name') === 'app')
  return at(app, 'ready') === true ? (asNumber(at(app, 'restartCount')) ?? 0) : -1
}

const clock: RunContext['clock'] = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

function connectionOf(kubeconfig: string, as?: string): Promise<KubeConnection> {
  return connect({
    kubeconfig,
    requestTimeoutMs: 30_000,
    clock,
    random: (bytes) => randomBytes(bytes),
    notice: () => undefined,
    ...(as === undefined ? {} : { as }),
  })
}
