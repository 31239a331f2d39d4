import { isDeepStrictEqual } from 'node:util'

import { asArray, asObject, asString, type Json, type JsonObject } from '../../model/json.js'
import { goText } from './go-text.js'
import { listType } from './list-types.js'
import { ApiStatus, invalid } from './status.js'

/**
 * Applies a strategic merge patch: maps merge, lists merge by their key where they have one, and directives say what can't be
 * said by merging ($patch, $retainKeys, $deleteFromPrimitiveList, $setElementOrder).
 * Source: k8s.io/apimachinery, pkg/util/strategicpatch; compared with a 1.20 server.
 */
export function applyStrategicPatch(kind: string, original: JsonObject, patch: JsonObject): JsonObject {
  const merge = new StrategicMerge(kind, patch)
  return merge.maps(original, patch, [])
}

const DIRECTIVE = '$patch'
const RETAIN = '$retainKeys'
const ORDER = '$setElementOrder/'
const REMOVE = '$deleteFromPrimitiveList/'

class StrategicMerge {
  readonly #kind: string
  readonly #whole: JsonObject

  constructor(kind: string, whole: JsonObject) {
    this.#kind = kind
    this.#whole = whole
  }

  maps(original: JsonObject, patch: JsonObject, path: readonly string[]): JsonObject {
    const directive = patch[DIRECTIVE]
    if (directive === 'replace') return without(patch, [DIRECTIVE])
    if (directive === 'delete') return {}
    if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive, patch)

    const retained = patch[RETAIN] === undefined ? undefined : asArray(patch[RETAIN])
    const kept = Object.entries(original).filter(([key]) => retained?.includes(key) ?? true)
    const merged = new Map<string, Json>(kept)
    for (const [key, value] of Object.entries(patch)) {
      if (key === DIRECTIVE || key === RETAIN || key.startsWith(ORDER)) continue
      if (key.startsWith(REMOVE)) {
        const [field, gone] = [key.slice(REMOVE.length), asArray(value)]
        const left = asArray(merged.get(field)).filter((item) => !gone.includes(item))
        if (merged.has(field)) merged.set(field, left)
      } else {
        this.#member(merged, key, value, asArray(patch[`${ORDER}${key}`]), [...path, key])
      }
    }
    for (const key of Object.keys(patch).filter((name) => name.startsWith(ORDER))) {
      const field = key.slice(ORDER.length)
      if (patch[field] !== undefined || !merged.has(field)) continue
      merged.set(field, this.#lists(asArray(merged.get(field)), [], asArray(patch[key]), [...path, field]))
    }
    return Object.fromEntries(merged)
  }

  #member(
    merged: Map<string, Json>,
    key: string,
    value: Json,
    order: readonly Json[],
    path: readonly string[],
  ): void {
    const before = merged.get(key)
    const [changes, list] = [asObject(value), Array.isArray(value) ? asArray(value) : undefined]
    const merges = listType(this.#kind, path) !== undefined
    if (value === null) merged.delete(key)
    else if (merges && list === undefined) throw this.#mistyped('slice', value)
    else if (changes !== undefined && asObject(before) !== undefined) {
      merged.set(key, this.maps(asObject(before) ?? {}, changes, path))
    } else if (list !== undefined && merges) {
      merged.set(key, this.#lists(asArray(before), list, order, path))
    } else if (changes === undefined && asObject(before) !== undefined) {
      throw this.#mistyped(path.length === 1 ? 'struct' : 'map', value)
    } else merged.set(key, withoutNulls(value))
  }

  #lists(
    original: readonly Json[],
    patch: readonly Json[],
    order: readonly Json[],
    path: readonly string[],
  ): readonly Json[] {
    const type = listType(this.#kind, path)
    if (type === undefined) return patch
    if (type.kind === 'set') {
      const all = [...original, ...patch.filter((item) => !original.includes(item))]
      return arranged(all, original, order.length > 0 ? order : patch, (item) => item)
    }
    const { key } = type
    const items = patch.map((item) => asObject(item) ?? {})
    if (items.some((item) => item[DIRECTIVE] === 'replace')) {
      return items.filter((item) => item[DIRECTIVE] !== 'replace')
    }
    let all = original
    for (const item of items) {
      const name = item[key]
      if (name === undefined) {
        throw new ApiStatus(
          500,
          undefined,
          `map: ${goText(item)} does not contain declared merge key: ${key}`,
        )
      }
      const index = all.findIndex((candidate) => asObject(candidate)?.[key] === name)
      if (item[DIRECTIVE] === 'delete') all = all.filter((_candidate, position) => position !== index)
      else if (index < 0) all = [...all, withoutNulls(this.maps({}, item, path))]
      else all = all.with(index, this.maps(asObject(all[index]) ?? {}, item, path))
    }
    return arranged(all, original, order.length > 0 ? order : items, (item) => asObject(item)?.[key])
  }

  #mistyped(expected: string, value: Json): ApiStatus {
    const found = Array.isArray(value)
      ? 'slice'
      : typeof value === 'object'
        ? 'map'
        : typeof value === 'number'
          ? 'int64'
          : typeof value
    const colon = expected === 'struct' ? ':' : ''
    return invalidPatch(goText(this.#whole), `cannot restore ${expected} from${colon} ${found}`)
  }
}

/** What the server says of a patch that it can't decode. */
export function invalidPatch(shown: string, why: string): ApiStatus {
  return invalid({ group: '', kind: '' }, '', [
    {
      reason: 'FieldValueInvalid',
      field: 'patch',
      message: `Invalid value: ${JSON.stringify(shown)}: ${why}`,
    },
  ])
}

/**
 * Items that the patch names in its order, the others in theirs; where both are known of old, the old order decides.
 */
function arranged(
  all: readonly Json[],
  original: readonly Json[],
  order: readonly Json[],
  identity: (item: Json) => Json | undefined,
): readonly Json[] {
  const place = (among: readonly Json[], item: Json | undefined): number =>
    item === undefined
      ? -1
      : among.findIndex((candidate) => isDeepStrictEqual(identity(candidate), identity(item)))
  const named = all
    .filter((item) => place(order, item) >= 0)
    .toSorted((a, b) => place(order, a) - place(order, b))
  const others = all.filter((item) => place(order, item) < 0)
  const result: Json[] = []
  let [left, right] = [0, 0]
  while (left < named.length || right < others.length) {
    const [a, b] = [named[left], others[right]]
    const [was, other] = [place(original, a), place(original, b)]
    const othersFirst = a === undefined || (b !== undefined && was >= 0 && other >= 0 && other < was)
    if (othersFirst) right += 1
    else left += 1
    const next = othersFirst ? b : a
    if (next !== undefined) result.push(next)
  }
  return result
}

function unknownDirective(directive: Json, patch: JsonObject): ApiStatus {
  const text = asString(directive) ?? goText(directive)
  return new ApiStatus(500, undefined, `unknown patch type: ${text} in map: ${goText(patch)}`)
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}

/** What a patch brings new has no nulls: there was nothing to remove. */
function withoutNulls(value: Json): Json {
  const object = asObject(value)
  if (object === undefined) return value
  const entries = Object.entries(object).filter(([, member]) => member !== null)
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutNulls(member)]))
}
