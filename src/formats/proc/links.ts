/** A link below /proc/PID and what the kernel says that it leads to. */
export interface ProcLink {
  readonly pid: number
  /** 'exe', 'ns/net', 'fd/7' */
  readonly name: string
  /** Bytes as latin1; undefined where it can't be read. */
  readonly target: string | undefined
}

/** What a link leads to: which file, and what stat says of it. */
export interface LinkIdentity {
  readonly pid: number
  readonly name: string
  /** 'major:minor' in decimal. */
  readonly device: string
  readonly inode: number
  /** Names that the file has: 0 is deleted, or never had one. */
  readonly links: number
  /** st_mode: type and permissions. */
  readonly mode: number
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
}

const PLACE = '/proc/([1-9][0-9]{0,9})/([a-z]{1,8}(?:/[0-9a-z_]{1,20})?)'
const GNU = new RegExp(`^"${PLACE}"(?: -> "(.*)")?$`, 's')
const BUSYBOX = new RegExp(`^'${PLACE}' -> '(.*)'$`, 's')
const BUSYBOX_START = new RegExp(`^'${PLACE}' -> '`)
const IDENTITY = new RegExp(
  `^${PLACE} ([0-9]{1,20}) ([0-9]{1,20}) ([0-9]{1,10}) ([0-9a-f]{1,8}) ([0-9]{1,20}) (-?[0-9]{1,20})$`,
)

/**
 * Lines of `stat -c %N`: of GNU, quoted as in C, or of busybox, which quotes nothing. Where a target of the latter has a newline
 * in it, the next line that begins like one of its own is taken for one: that can be forged by such a target.
 */
export function* parseLinks(lines: Buffer): Generator<ProcLink, void, undefined> {
  let joined = ''
  const texts = lines.toString('latin1').split('\n')
  for (const [index, line] of texts.entries()) {
    if (line.startsWith('"')) {
      const match = GNU.exec(line)
      if (match !== null) yield linkFrom(match, match[3] === undefined ? undefined : unquoted(match[3]))
      continue
    }
    joined = joined === '' ? line : `${joined}\n${line}`
    const next = texts[index + 1]
    if (!BUSYBOX_START.test(joined)) joined = ''
    else if (next === undefined || next === '' || BUSYBOX_START.test(next) || joined.length > 65_536) {
      const match = BUSYBOX.exec(joined)
      if (match !== null) yield linkFrom(match, match[3])
      joined = ''
    }
  }
}

/** Lines of `stat -L -c '%n %d %i %h %f %s %Y'`. */
export function* parseIdentities(lines: Buffer): Generator<LinkIdentity, void, undefined> {
  for (const line of lines.toString('latin1').split('\n')) {
    const match = IDENTITY.exec(line)
    if (match === null) continue
    const [, pid, name = '', device = '0', inode, links, mode = '', size, mtime] = match
    yield {
      pid: Number(pid),
      name,
      device: deviceNumbers(BigInt(device)),
      inode: Number(inode),
      links: Number(links),
      mode: Number.parseInt(mode, 16),
      size: Number(size),
      mtime: Number(mtime),
    }
  }
}

/** glibc's and musl's layout of dev_t: 12 bits of minor around 12 of major, the rest above. */
function deviceNumbers(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n)
  return `${major}:${minor}`
}

function linkFrom(match: RegExpExecArray, target: string | undefined): ProcLink {
  return { pid: Number(match[1]), name: match[2] ?? '', target }
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** The inverse of GNU's quoting style "c". */
function unquoted(text: string): string {
  return text.replaceAll(/\\([0-7]{1,3}|.)/gs, (_all, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8) & 0xff) : (ESCAPES[code] ?? code),
  )
}
