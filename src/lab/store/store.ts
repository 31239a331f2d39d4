import type { JsonObject } from '../../model/json.js'
import { nameOf, namespaceOf, withMetadata, type ObjectRef } from './object.js'

export type ChangeKind = 'ADDED' | 'MODIFIED' | 'DELETED'

export interface Change {
  readonly kind: ChangeKind
  /** 'pods', 'networkpolicies.networking.k8s.io'. */
  readonly table: string
  readonly object: JsonObject
  /** What it was until now; undefined where it is new. */
  readonly before: JsonObject | undefined
  readonly resourceVersion: number
}

/** Snapshots that lists in pages may still come back to. Older ones are answered with 410. */
const SNAPSHOTS_KEPT = 100

/**
 * The lab's etcd: immutable objects in tables, one resourceVersion counter for all. Every write makes a new version and
 * tells the listeners, in order.
 */
export class Store {
  readonly #tables = new Map<string, Map<string, JsonObject>>()
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #snapshots = new Map<string, readonly JsonObject[]>()
  #version: number

  constructor(firstVersion: number) {
    this.#version = firstVersion
  }

  get version(): number {
    return this.#version
  }

  get(table: string, ref: ObjectRef): JsonObject | undefined {
    return this.#tables.get(table)?.get(keyOf(ref))
  }

  /** In etcd's order: by namespace and name. */
  list(table: string, namespace?: string): readonly JsonObject[] {
    const rows = [...(this.#tables.get(table) ?? [])]
    const wanted =
      namespace === undefined ? rows : rows.filter(([, object]) => namespaceOf(object) === namespace)
    return wanted.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  tables(): readonly string[] {
    return [...this.#tables.keys()]
  }

  /** Creates or replaces; returns the object as stored, with its new resourceVersion. */
  put(table: string, object: JsonObject): JsonObject {
    const rows = this.#tables.get(table) ?? new Map<string, JsonObject>()
    this.#tables.set(table, rows)
    const key = keyOf({ namespace: namespaceOf(object), name: nameOf(object) })
    const before = rows.get(key)
    const kind = before === undefined ? 'ADDED' : 'MODIFIED'
    this.#version += 1
    const stored = withMetadata(object, { resourceVersion: String(this.#version) })
    rows.set(key, stored)
    this.#tell({ kind, table, object: stored, before, resourceVersion: this.#version })
    return stored
  }

  /** An object as it was before the lab began: its resourceVersion stays, nobody is told. */
  seed(table: string, object: JsonObject): void {
    const rows = this.#tables.get(table) ?? new Map<string, JsonObject>()
    this.#tables.set(table, rows)
    rows.set(keyOf({ namespace: namespaceOf(object), name: nameOf(object) }), object)
  }

  delete(table: string, ref: ObjectRef): JsonObject | undefined {
    const rows = this.#tables.get(table)
    const object = rows?.get(keyOf(ref))
    if (object === undefined) return undefined
    rows?.delete(keyOf(ref))
    this.#version += 1
    const last = withMetadata(object, { resourceVersion: String(this.#version) })
    this.#tell({ kind: 'DELETED', table, object: last, before: object, resourceVersion: this.#version })
    return last
  }

  /** Keeps a table's rows as they are now for later pages of the list at this version. */
  keepSnapshot(table: string): void {
    this.#snapshots.set(`${table}@${this.#version}`, this.list(table))
    const oldest = this.#snapshots.keys().next().value
    if (this.#snapshots.size > SNAPSHOTS_KEPT && oldest !== undefined) this.#snapshots.delete(oldest)
  }

  /** Undefined where it is no longer kept: the continue token has expired. */
  snapshot(table: string, version: number): readonly JsonObject[] | undefined {
    return this.#snapshots.get(`${table}@${version}`)
  }

  /** As etcd's compaction does: every continue token given out so far has expired. */
  compact(): void {
    this.#snapshots.clear()
  }

  /** Returns the way to stop listening. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}

function keyOf(ref: ObjectRef): string {
  return `${ref.namespace ?? ''}/${ref.name}`
}
