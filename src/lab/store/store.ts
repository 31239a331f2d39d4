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

/** Changes that lists and watches may still go back over. What is older is compacted by itself. */
const HISTORY_KEPT = 10_000

type Rows = Map<string, JsonObject>

/**
 * The lab's etcd: immutable objects in tables, one resourceVersion counter for all, and the history since the last
 * compaction. Every write makes a new version and tells the listeners, in order.
 */
export class Store {
  readonly #tables = new Map<string, Rows>()
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #history: Change[] = []
  #version: number
  #compacted: number

  constructor(firstVersion: number) {
    this.#version = firstVersion
    this.#compacted = firstVersion
  }

  get version(): number {
    return this.#version
  }

  /** The oldest version that can still be seen. */
  get oldest(): number {
    return this.#compacted
  }

  get(table: string, ref: ObjectRef): JsonObject | undefined {
    return this.#tables.get(table)?.get(keyOf(ref))
  }

  /** In etcd's order: by namespace and name. */
  list(table: string, namespace?: string): readonly JsonObject[] {
    return inOrder(this.#tables.get(table) ?? new Map<string, JsonObject>(), namespace)
  }

  /** A table as it was at a version; undefined where history no longer goes so far back. */
  listAt(table: string, version: number): readonly JsonObject[] | undefined {
    if (version < this.#compacted) return undefined
    const rows: Rows = new Map(this.#tables.get(table))
    for (const change of this.#history.toReversed()) {
      if (change.resourceVersion <= version) break
      if (change.table !== table) continue
      const key = keyOf({ namespace: namespaceOf(change.object), name: nameOf(change.object) })
      if (change.before === undefined) rows.delete(key)
      else rows.set(key, change.before)
    }
    return inOrder(rows)
  }

  /** The changes to a table after a version, oldest first; undefined where history no longer goes so far back. */
  since(table: string, version: number): readonly Change[] | undefined {
    if (version < this.#compacted) return undefined
    return this.#history.filter((change) => change.table === table && change.resourceVersion > version)
  }

  tables(): readonly string[] {
    return [...this.#tables.keys()]
  }

  /** Creates or replaces; returns the object as stored, with its new resourceVersion. */
  put(table: string, object: JsonObject): JsonObject {
    const rows = this.#rows(table)
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
    this.#rows(table).set(keyOf({ namespace: namespaceOf(object), name: nameOf(object) }), object)
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

  /** As etcd's compaction does: older versions, and continue tokens given out so far, are no longer served. */
  compact(): void {
    this.#history.length = 0
    // as after a write: what was read until now is the past
    this.#version += 1
    this.#compacted = this.#version
  }

  /** Returns the way to stop listening. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #rows(table: string): Rows {
    const rows = this.#tables.get(table) ?? new Map<string, JsonObject>()
    this.#tables.set(table, rows)
    return rows
  }

  #tell(change: Change): void {
    this.#history.push(change)
    if (this.#history.length > HISTORY_KEPT) {
      this.#compacted = this.#history.shift()?.resourceVersion ?? this.#compacted
    }
    for (const listener of this.#listeners) listener(change)
  }
}

function inOrder(rows: Rows, namespace?: string): readonly JsonObject[] {
  const all = [...rows]
  const wanted = namespace === undefined ? all : all.filter(([, object]) => namespaceOf(object) === namespace)
  return wanted.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
}

function keyOf(ref: ObjectRef): string {
  return `${ref.namespace ?? ''}/${ref.name}`
}
