import { isUtf8 } from 'node:buffer'

/**
 * A path as the key of an index: its raw bytes as a latin1 string, relative to the root, without './', doubled or
 * trailing slashes; the root is ''. Latin1 keeps every byte, so names that are no UTF-8 live, and comparing keys
 * compares bytes. Undefined for a path that no file can have: with '..' or NUL in it.
 */
export function pathKey(path: Buffer): string | undefined {
  const raw = path.toString('latin1')
  if (raw.includes('\0')) return undefined
  const parts = raw.split('/').filter((part) => part !== '' && part !== '.')
  return parts.includes('..') ? undefined : parts.join('/')
}

/** The key of the directory that a path lies in; undefined for the root. */
export function parentOf(key: string): string | undefined {
  if (key === '') return undefined
  const slash = key.lastIndexOf('/')
  return slash === -1 ? '' : key.slice(0, slash)
}

export function baseName(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

/** Every directory above a path, nearest first, the root last. */
export function* ancestorsOf(key: string): Generator<string, void, undefined> {
  for (let parent = parentOf(key); parent !== undefined; parent = parentOf(parent)) yield parent
}

/** A key as documents carry it: absolute, U+FFFD where the bytes are no UTF-8, and then the bytes in base64. */
export function documentedPath(key: string): { readonly path: string; readonly pathB64?: string } {
  const bytes = Buffer.from(`/${key}`, 'latin1')
  const path = bytes.toString('utf8')
  return isUtf8(bytes) ? { path } : { path, pathB64: bytes.toString('base64') }
}
