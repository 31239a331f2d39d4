import { ImpoundError } from '../model/errors.js'
import type { TarHeader } from './tar-header.js'
import { hasBody } from './tar-header.js'
import { paxCount, paxTime } from './tar-number.js'

export interface PaxRecord {
  readonly key: string
  readonly value: Buffer
}

/**
 * The records of an extended header (POSIX.1-2001 pax): "LENGTH KEY=VALUE\n", the length counting itself. Values are
 * bytes and may hold anything. Throws `integrity` where a length is not that of its record.
 */
export function parsePax(body: Buffer): readonly PaxRecord[] {
  const records: PaxRecord[] = []
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at)
    const digits = space === -1 || space - at > 8 ? '' : body.toString('latin1', at, space)
    const end = /^[1-9][0-9]*$/.test(digits) ? at + Number(digits) : 0
    const equals = body.indexOf(0x3d, space + 1)
    if (
      end <= space + 2 ||
      end > body.length ||
      body[end - 1] !== 0x0a ||
      equals === -1 ||
      equals >= end - 1
    ) {
      throw new ImpoundError(
        'integrity',
        `tar: a PAX record lies about its length, ${at} bytes into its header`,
      )
    }
    records.push({ key: body.toString('utf8', space + 1, equals), value: body.subarray(equals + 1, end - 1) })
    at = end
  }
  return records
}

/** Throws `integrity` where a global header gives what belongs to one entry: readers differ in whether they obey. */
export function checkGlobals(records: readonly PaxRecord[]): void {
  const bad = records.find(({ key }) => key === 'size' || key.startsWith('GNU.sparse.'))
  if (bad !== undefined)
    throw new ImpoundError('integrity', `tar: a global PAX header gives ${bad.key} to every entry`)
}

/** Lays records over others: the last of a key counts, an empty value takes the key away. */
export function overlayPax(
  below: ReadonlyMap<string, Buffer>,
  records: readonly PaxRecord[],
): ReadonlyMap<string, Buffer> {
  if (records.length === 0) return below
  const merged = new Map(below)
  for (const { key, value } of records) {
    // An attribute may have an empty value: overlayfs marks so a file without content of its own
    if (value.length === 0 && !key.startsWith(SCHILY)) merged.delete(key)
    else merged.set(key, value)
  }
  return merged
}

const SCHILY = 'SCHILY.xattr.'

/** A header with the fields that PAX records replace. */
export function applyPax(header: TarHeader, pax: ReadonlyMap<string, Buffer>): TarHeader {
  // of most entries: a copy costs as much as all that was parsed
  if (pax.size === 0) return header
  const size = pax.get('size')
  const uid = pax.get('uid')
  const gid = pax.get('gid')
  const mtime = pax.get('mtime')
  return {
    ...header,
    path: pax.get('GNU.sparse.name') ?? pax.get('path') ?? header.path,
    linkPath: pax.get('linkpath') ?? header.linkPath,
    size: size !== undefined && hasBody(header.typeflag) ? paxCount(size, 'PAX size') : header.size,
    uid: uid === undefined ? header.uid : paxCount(uid, 'PAX uid'),
    gid: gid === undefined ? header.gid : paxCount(gid, 'PAX gid'),
    mtime: mtime === undefined ? header.mtime : paxTime(mtime, 'PAX mtime'),
    uname: pax.get('uname') ?? header.uname,
    gname: pax.get('gname') ?? header.gname,
    xattrs: extendedAttributes(pax),
    pax,
  }
}

const LIBARCHIVE = 'LIBARCHIVE.xattr.'

/** SCHILY.xattr carries raw bytes; LIBARCHIVE.xattr has a percent-encoded name and base64. */
function extendedAttributes(pax: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  const xattrs = new Map<string, Buffer>()
  for (const [key, value] of pax) {
    if (key.startsWith(LIBARCHIVE)) {
      const name = percentDecoded(key.slice(LIBARCHIVE.length))
      if (!xattrs.has(name)) xattrs.set(name, Buffer.from(value.toString('latin1'), 'base64'))
    }
    if (key.startsWith(SCHILY)) xattrs.set(key.slice(SCHILY.length), value)
  }
  return xattrs
}

function percentDecoded(name: string): string {
  return name.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
