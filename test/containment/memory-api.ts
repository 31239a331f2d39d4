import { Buffer } from 'node:buffer'

import type { WriteIntent } from '../../src/model/acquisition.js'
import { urlPath, type AccessRule, type ApiPath } from '../../src/model/api-path.js'
import type { JournalEntry, WriteContext } from '../../src/model/containment.js'
import { ImpoundError, type ErrorCode } from '../../src/model/errors.js'
import type { Json, JsonObject } from '../../src/model/json.js'
import type { KubeReader, RawResponse, ServedResource } from '../../src/model/ports/kube-reader.js'
import type { NodePods } from '../../src/model/ports/node-pod.js'
import type { JsonPatch, KubeWriter, WriteOptions } from '../../src/model/ports/kube-writer.js'
import type { RunContext } from '../../src/model/ports/run-context.js'

/** A crash of this process: no error of the API. */
export class Crash extends Error {}

/** What befalls one write: before it takes effect, or after it did and before the answer. */
export type Fault =
  | { readonly kind: 'crash-before' }
  | { readonly kind: 'crash-after' }
  | { readonly kind: 'lost-before'; readonly code: ErrorCode }
  | { readonly kind: 'lost-after'; readonly code: ErrorCode }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly status: number }

export type Stored = Record<string, Json> & {
  apiVersion: string
  kind: string
  metadata: Record<string, Json> & { name: string; namespace?: string; uid: string; resourceVersion: string }
}

const SERVED: readonly (readonly [group: string, version: string, resource: string, kind: string])[] = [
  ['', 'v1', 'pods', 'Pod'],
  ['', 'v1', 'nodes', 'Node'],
  ['admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies', 'ValidatingAdmissionPolicy'],
  [
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
  ],
  ['rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding'],
  ['rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding'],
  ['', 'v1', 'services', 'Service'],
  ['', 'v1', 'endpoints', 'Endpoints'],
  ['discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'],
  ['networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy'],
  ['networking.k8s.io', 'v1', 'ingresses', 'Ingress'],
  ['apps', 'v1', 'replicasets', 'ReplicaSet'],
  ['apps', 'v1', 'deployments', 'Deployment'],
  ['apps', 'v1', 'statefulsets', 'StatefulSet'],
  ['apps', 'v1', 'daemonsets', 'DaemonSet'],
  ['batch', 'v1', 'jobs', 'Job'],
  ['policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget'],
]

/** A small Kubernetes API behind the ports: JSON Patch, versions, preconditions, faults by the number of a write. */
export class MemoryApi implements KubeReader, KubeWriter {
  readonly objects = new Map<string, Stored>()
  readonly journal: JournalEntry[] = []
  /** Every write that was no dry run, as 'PATCH pods/web'. */
  readonly writes: string[] = []
  readonly dryRuns: string[] = []
  readonly reads: string[] = []
  /** By the number of the write, from 1. */
  faults = new Map<number, Fault>()
  /** Read faults by resource, or by 'list' and resource for lists alone. */
  unreadable = new Map<string, ErrorCode>()
  denied: (rule: AccessRule) => boolean = () => false
  /** An admission plugin: the reason why it refuses a write. */
  admission: (method: string, body: Json) => string | undefined = () => undefined
  served: readonly ServedResource[] = SERVED.map(([group, version, resource, kind]) => ({
    group,
    version,
    resource,
    kind,
    namespaced: true,
    verbs: [],
    preferred: true,
  }))
  /** Runs after every change: the controllers of this cluster. */
  controllers: (api: MemoryApi) => void = () => undefined
  /** Runs before a write takes effect: somebody else at the same time. */
  meanwhile: (api: MemoryApi, write: number) => void = () => undefined
  now = Date.parse('2026-11-22T03:00:00.000Z')
  #version = 100
  #writes = 0

  nodePods: NodePods = { on: () => Promise.reject(new ImpoundError('refused', 'no pod on a node')) }

  readonly facts = {
    context: 'memory',
    namespace: 'shop',
    url: 'https://memory.example',
    impersonating: undefined,
    tlsChainSha256: () => [],
    clockSamples: () => [],
    requestCount: () => this.reads.length + this.writes.length,
  }

  readonly run: RunContext = {
    clock: {
      now: () => new Date(this.now),
      monotonic: () => this.now,
      sleep: async (ms, signal) => {
        signal.throwIfAborted()
        this.now += ms
      },
    },
    random: (bytes) => Buffer.alloc(bytes),
    signal: new AbortController().signal,
  }

  get context(): WriteContext {
    return { run: this.run, kube: this, writer: this, nodePods: this.nodePods }
  }

  /** Puts an object as it is; a version is given to it. */
  put(resource: string, object: JsonObject): void {
    const stored = structuredClone(object) as unknown as Stored
    this.#version += 1
    stored.metadata.resourceVersion = String(this.#version)
    this.objects.set(key(resource, stored.metadata.namespace ?? '', stored.metadata.name), stored)
  }

  find(resource: string, name: string, namespace = 'shop'): Stored | undefined {
    return this.objects.get(key(resource, namespace, name))
  }

  /** Changes an object as another client would. */
  edit(resource: string, name: string, change: (object: Stored) => void, namespace = 'shop'): void {
    const object = structuredClone(this.objects.get(key(resource, namespace, name))!)
    change(object)
    this.put(resource, object)
  }

  remove(resource: string, name: string): void {
    this.objects.delete(key(resource, 'shop', name))
  }

  async get(path: ApiPath | string): Promise<RawResponse> {
    const { resource, namespace = '', name = '' } = path as ApiPath
    this.#readable(resource)
    const object = this.objects.get(key(resource, namespace, name))
    if (object === undefined)
      throw new ImpoundError('not-found', `${resource} "${name}" not found`, { httpStatus: 404 })
    return this.#response('GET', path as ApiPath, object)
  }

  async *list(path: ApiPath | string): AsyncIterable<RawResponse> {
    const { resource, namespace } = path as ApiPath
    this.#readable(resource, `list ${resource}`)
    const below = namespace === undefined ? `${resource}/` : `${resource}/${namespace}/`
    const items = [...this.objects].filter(([each]) => each.startsWith(below)).map(([, object]) => object)
    // two pages, so that nobody takes the first for all
    const half = Math.ceil(items.length / 2)
    yield this.#response('GET', path as ApiPath, { items: items.slice(0, half) })
    yield this.#response('GET', path as ApiPath, { items: items.slice(half) })
  }

  async discover() {
    return { resources: this.served, failedGroups: [] }
  }

  async canI(rule: AccessRule) {
    return { rule, allowed: !this.denied(rule), why: '' }
  }

  async whoAmI() {
    return { user: 'ana@corp', groups: [] }
  }

  create(path: ApiPath, body: Json, options: WriteOptions): Promise<RawResponse> {
    return this.#write('POST', path, body, options, () => {
      const { name } = (body as unknown as Stored).metadata
      const at = key(path.resource, path.namespace ?? '', name)
      if (this.objects.has(at)) throw conflict(409, `${path.resource} "${name}" already exists`)
      this.#version += 1
      return {
        at,
        object: {
          ...(body as object),
          metadata: { ...(body as unknown as Stored).metadata, uid: `uid-${this.#version}` },
        } as Stored,
      }
    })
  }

  patch(path: ApiPath, patch: JsonPatch, options: WriteOptions): Promise<RawResponse> {
    return this.#write('PATCH', path, patch, options, () => {
      const at = key(path.resource, path.namespace ?? '', path.name ?? '')
      const current = this.objects.get(at)
      if (current === undefined) throw new ImpoundError('not-found', 'not found', { httpStatus: 404 })
      const object = structuredClone(current)
      for (const operation of patch) applyOperation(object, operation)
      // as stored objects are: a map without entries is none
      for (const map of ['labels', 'annotations']) {
        if (Object.keys((object.metadata[map] ?? {}) as object).length === 0)
          Reflect.deleteProperty(object.metadata, map)
      }
      return { at, object }
    })
  }

  delete(path: ApiPath, options: WriteOptions & { readonly uid?: string }): Promise<RawResponse> {
    return this.#write('DELETE', path, null, options, () => {
      const at = key(path.resource, path.namespace ?? '', path.name ?? '')
      const current = this.objects.get(at)
      if (current === undefined) throw new ImpoundError('not-found', 'not found', { httpStatus: 404 })
      if (options.uid !== undefined && options.uid !== current.metadata.uid)
        throw conflict(409, 'precondition failed: UID')
      return { at, object: undefined }
    })
  }

  async #write(
    method: WriteIntent['method'],
    path: ApiPath,
    body: Json,
    options: WriteOptions,
    change: () => { readonly at: string; readonly object: Stored | undefined },
  ): Promise<RawResponse> {
    const name = `${method} ${path.resource}${path.name === undefined ? '' : `/${path.name}`}`
    if (options.dryRun === true) {
      this.dryRuns.push(name)
      this.#admit(method, body)
      return this.#response(method, path, change().object ?? {})
    }
    this.#writes += 1
    const number = this.#writes
    const fault = this.faults.get(number)
    const id = `write-${number}`
    const intent: WriteIntent = {
      id,
      action: options.action,
      step: options.step,
      method,
      path: urlPath(path),
      body,
      auditId: id,
      ...(options.prior === undefined ? {} : { prior: options.prior }),
      ...(options.target === undefined ? {} : { target: options.target }),
    }
    const line = this.journal.push({ intent }) - 1
    this.writes.push(name)
    if (fault?.kind === 'crash-before') throw new Crash()
    if (fault?.kind === 'lost-before') {
      this.journal[line] = { intent, outcome: { id, error: 'lost' } }
      throw new ImpoundError(fault.code, 'the connection broke')
    }
    this.meanwhile(this, number)
    try {
      if (fault?.kind === 'refused') {
        throw new ImpoundError(fault.code, 'refused by the script', { httpStatus: fault.status })
      }
      this.#admit(method, body)
      const { at, object } = change()
      if (object === undefined) this.objects.delete(at)
      else {
        this.#version += 1
        object.metadata.resourceVersion = String(this.#version)
        this.objects.set(at, object)
      }
      this.controllers(this)
      if (fault?.kind === 'crash-after') throw new Crash()
      if (fault?.kind === 'lost-after') {
        this.journal[line] = { intent, outcome: { id, error: 'lost' } }
        throw new ImpoundError(fault.code, 'the connection broke')
      }
      const { uid = '', resourceVersion = '' } = object?.metadata ?? {}
      this.journal[line] = {
        intent,
        outcome: { id, status: method === 'POST' ? 201 : 200, uid, resourceVersion },
      }
      return this.#response(method, path, object ?? {})
    } catch (error) {
      if (error instanceof ImpoundError && error.httpStatus !== undefined) {
        this.journal[line] = { intent, outcome: { id, status: error.httpStatus, error: error.message } }
      }
      throw error
    }
  }

  #admit(method: string, body: Json): void {
    const why = this.admission(method, body)
    if (why !== undefined) throw new ImpoundError('forbidden', why, { httpStatus: 403 })
  }

  #readable(resource: string, list?: string): void {
    this.reads.push(resource)
    const code = this.unreadable.get(resource) ?? this.unreadable.get(list ?? '')
    if (code !== undefined) throw new ImpoundError(code, `${resource} is ${code}`)
  }

  #response(method: string, path: ApiPath, body: object): RawResponse {
    return {
      method,
      path: urlPath(path),
      auditId: '',
      status: 200,
      headers: {},
      body: Buffer.from(JSON.stringify(body)),
      startedAt: '',
      endedAt: '',
    }
  }
}

function key(resource: string, namespace: string, name: string): string {
  return `${resource}/${namespace}/${name}`
}

function conflict(status: number, message: string): ImpoundError {
  return new ImpoundError('conflict', message, { httpStatus: status })
}

/** RFC 6902, as far as it is used here, as the API server answers it: what fails is 422. */
function applyOperation(object: Stored, operation: JsonPatch[number]): void {
  const parts = operation.path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = parts.pop()!
  let parent: Record<string, Json> = object
  for (const part of parts) {
    const next = parent[part]
    if (typeof next !== 'object' || next === null) throw conflict(422, `no such path ${operation.path}`)
    parent = next as Record<string, Json>
  }
  if (Array.isArray(parent)) {
    applyToList(parent as Json[], last, operation)
    return
  }
  const present = Object.hasOwn(parent, last)
  switch (operation.op) {
    case 'test':
      if (!present || JSON.stringify(parent[last]) !== JSON.stringify(operation.value)) {
        throw conflict(422, `testing ${operation.path} failed`)
      }
      return
    case 'remove':
      if (!present) throw conflict(422, `nothing to remove at ${operation.path}`)
      Reflect.deleteProperty(parent, last)
      return
    case 'replace':
      if (!present) throw conflict(422, `nothing to replace at ${operation.path}`)
      parent[last] = operation.value
      return
    case 'add':
      parent[last] = operation.value
  }
}

function applyToList(list: Json[], last: string, operation: JsonPatch[number]): void {
  const index = last === '-' ? list.length : Number(last)
  if (operation.op === 'add' && index <= list.length) list.splice(index, 0, operation.value)
  else if (operation.op === 'remove' && index < list.length) list.splice(index, 1)
  else throw conflict(422, `can't ${operation.op} at ${operation.path}`)
}
