import type { FileType } from '../model/filesystem-documents.js'
import { asNumber, asObject, asString, asStringMap, at } from '../model/json.js'
import type { Instant, TreeFacts } from './facts.js'

const TYPES: ReadonlySet<string> = new Set<FileType>([
  ...(['file', 'directory', 'symlink', 'hardlink'] as const),
  ...(['char', 'block', 'fifo', 'socket'] as const),
])

/** Facts out of a document, as fileFacts() writes them; undefined where they are none. */
export function factsFrom(value: unknown): TreeFacts | undefined {
  const [type, mode, mtime] = [at(value, 'type'), at(value, 'mode'), at(value, 'mtime')].map(asString)
  const [uid, gid, size] = [at(value, 'uid'), at(value, 'gid'), at(value, 'size')].map(asNumber)
  const when = instantFrom(mtime)
  if (!isFileType(type) || mode === undefined || !/^[0-7]{4}$/.test(mode) || when === undefined)
    return undefined
  if (uid === undefined || gid === undefined || size === undefined) return undefined
  const [link, device, sha256] = [at(value, 'link'), at(value, 'device'), at(value, 'sha256')].map(asString)
  const xattrs = asObject(at(value, 'xattrs'))
  return {
    type,
    mode: Number.parseInt(mode, 8),
    ...{ uid, gid, size, mtime: when, atime: undefined, ctime: undefined },
    link: link === undefined ? undefined : Buffer.from(link, 'utf8').toString('latin1'),
    device,
    sha256: sha256 === undefined ? undefined : Buffer.from(sha256, 'hex').toString('latin1'),
    layer: undefined,
    implied: false,
    xattrs:
      xattrs === undefined
        ? undefined
        : new Map(
            Object.entries(asStringMap(xattrs)).map(
              ([name, packed]) => [name, Buffer.from(packed, 'base64').toString('latin1')] as const,
            ),
          ),
  }
}

/** The key of a documented path; undefined where it is none. */
export function keyFrom(value: unknown): string | undefined {
  const [path, packed] = [asString(at(value, 'path')), asString(at(value, 'pathB64'))]
  const bytes = packed === undefined ? Buffer.from(path ?? '', 'utf8') : Buffer.from(packed, 'base64')
  return bytes[0] === 0x2f ? bytes.toString('latin1', 1) : undefined
}

function isFileType(text: string | undefined): text is FileType {
  return text !== undefined && TYPES.has(text)
}

/** What documentedTime() wrote. */
function instantFrom(text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined
  if (/^@-?\d{1,16}$/.test(text)) return { seconds: Number(text.slice(1)), nanoseconds: 0 }
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{9}))?Z$/.exec(text)
  const milliseconds = Date.parse(`${match?.[1] ?? ''}Z`)
  return Number.isNaN(milliseconds)
    ? undefined
    : { seconds: milliseconds / 1000, nanoseconds: Number(match?.[2] ?? 0) }
}
