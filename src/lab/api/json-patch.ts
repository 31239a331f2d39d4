import { isDeepStrictEqual } from 'node:util'

import { asObject, asString, type Json } from '../../model/json.js'
import { omit } from '../store/object.js'

/** A patch that can't be applied; the API server doesn't say why. */
export class PatchFailed extends Error {
  override readonly name = 'PatchFailed'
}

/**
 * Applies an RFC 6902 JSON Patch to a copy of a document. As in the API server's library, a `test` against null holds
 * where the member is absent, and `add` needs its parent.
 * Source: github.com/evanphx/json-patch.
 */
export function applyJsonPatch(document: Json, operations: readonly Json[]): Json {
  return operations.reduce(applyOperation, document)
}

function applyOperation(document: Json, operation: Json): Json {
  const fields = asObject(operation) ?? {}
  const path = pointer(fields.path)
  switch (asString(fields.op) ?? '') {
    case 'test': {
      const found = lookUp(document, path)
      if (isDeepStrictEqual(found, fields.value)) return document
      if (found === undefined && (fields.value ?? null) === null) return document
      throw new PatchFailed('testing value failed')
    }
    case 'add':
      return edit(document, path, { kind: 'add', value: fields.value ?? null })
    case 'replace':
      mustExist(document, path)
      return edit(document, path, { kind: 'replace', value: fields.value ?? null })
    case 'remove':
      mustExist(document, path)
      return edit(document, path, { kind: 'remove' })
    case 'move': {
      const from = pointer(fields.from)
      const value = mustExist(document, from)
      return edit(edit(document, from, { kind: 'remove' }), path, { kind: 'add', value })
    }
    case 'copy':
      return edit(document, path, { kind: 'add', value: mustExist(document, pointer(fields.from)) })
    default:
      throw new PatchFailed('unexpected kind')
  }
}

/** RFC 6901. */
function pointer(text: unknown): readonly string[] {
  const path = asString(text)
  if (path === undefined || (path !== '' && !path.startsWith('/'))) throw new PatchFailed('no path')
  return path
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function lookUp(document: Json, path: readonly string[]): Json | undefined {
  let current: Json | undefined = document
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined
    current = Array.isArray(current)
      ? (current as readonly Json[])[Number(key)]
      : (current as Readonly<Record<string, Json>>)[key]
  }
  return current
}

function mustExist(document: Json, path: readonly string[]): Json {
  const found = lookUp(document, path)
  if (found === undefined) throw new PatchFailed('missing path')
  return found
}

type Edit = { readonly kind: 'add' | 'replace'; readonly value: Json } | { readonly kind: 'remove' }

function edit(document: Json, path: readonly string[], change: Edit): Json {
  const [key, ...rest] = path
  if (key === undefined) return change.kind === 'remove' ? null : change.value
  if (Array.isArray(document)) return editArray(document as readonly Json[], key, rest, change)
  const object = asObject(document)
  if (object === undefined) throw new PatchFailed('missing parent')
  if (rest.length > 0) {
    const child = Object.hasOwn(object, key) ? object[key] : undefined
    if (child === undefined) throw new PatchFailed('missing parent')
    return { ...object, [key]: edit(child, rest, change) }
  }
  return change.kind === 'remove' ? omit(object, key) : { ...object, [key]: change.value }
}

function editArray(array: readonly Json[], key: string, rest: readonly string[], change: Edit): Json {
  const index = key === '-' ? array.length : Number(key)
  const end = change.kind === 'add' && rest.length === 0 ? array.length : array.length - 1
  if (!/^(?:-|0|[1-9]\d*)$/.test(key) || index > end) throw new PatchFailed('no such index')
  if (rest.length > 0) return array.with(index, edit(array[index] ?? null, rest, change))
  switch (change.kind) {
    case 'add':
      return array.toSpliced(index, 0, change.value)
    case 'replace':
      return array.with(index, change.value)
    case 'remove':
      return array.toSpliced(index, 1)
  }
}
