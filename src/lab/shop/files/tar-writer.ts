import type { Attributes, TreeNode } from './tree.js'

/**
 * How names and link targets past 100 bytes are said: 'pax' in an extended header (POSIX.1-2001), 'gnu' in a
 * ././@LongLink member, as GNU tar and busybox write by default. Names are bytes; tar-stream's packer takes only text.
 */
export type TarDialect = 'pax' | 'gnu'

export interface TarMember {
  /** As it stands in the archive, a character for each byte; a directory's ends with '/'. */
  readonly name: string
  readonly node: TreeNode | Whiteout
}

/** A character device 0:0: how an overlay's upper directory remembers a deletion. */
export type Whiteout = Attributes & { readonly kind: 'whiteout' }

const BLOCK = 512
const TYPE_FLAG = { file: '0', hardlink: '1', symlink: '2', whiteout: '3', directory: '5' } as const

/** The archive's bytes, member after member, closed by two zero blocks. Owners are numbers only. */
export function* tarArchive(
  members: Iterable<TarMember>,
  dialect: TarDialect,
): Generator<Buffer, void, void> {
  for (const { name, node } of members) {
    const link = node.kind === 'symlink' || node.kind === 'hardlink' ? node.target : ''
    yield* dialect === 'pax' ? paxHeader(name, link, node) : gnuLongNames(name, link, node)
    const content = node.kind === 'file' ? node.content : Buffer.alloc(0)
    yield header(name, link, TYPE_FLAG[node.kind], content.length, node, dialect)
    if (content.length > 0) yield padded(content)
  }
  yield Buffer.alloc(2 * BLOCK)
}

function* paxHeader(name: string, link: string, node: Attributes): Generator<Buffer, void, void> {
  const records = [
    ...(name.length > 100 ? [paxRecord('path', name)] : []),
    ...(link.length > 100 ? [paxRecord('linkpath', link)] : []),
  ]
  if (records.length === 0) return
  const body = Buffer.from(records.join(''), 'latin1')
  yield header(`PaxHeaders/${name}`.slice(0, 99), '', 'x', body.length, { ...node, mode: 0o644 }, 'pax')
  yield padded(body)
}

/** "<length> <key>=<value>\n", the length counting itself. */
function paxRecord(key: string, value: string): string {
  const rest = key.length + value.length + 3
  let length = rest + String(rest).length
  if (length !== rest + String(length).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

function* gnuLongNames(name: string, link: string, node: Attributes): Generator<Buffer, void, void> {
  for (const [flag, value] of [
    ['K', link],
    ['L', name],
  ] as const) {
    if (value.length <= 100) continue
    const body = Buffer.from(`${value}\0`, 'latin1')
    yield header(
      '././@LongLink',
      '',
      flag,
      body.length,
      { ...node, mode: 0, uid: 0, gid: 0, mtime: 0 },
      'gnu',
    )
    yield padded(body)
  }
}

function header(
  name: string,
  link: string,
  flag: string,
  size: number,
  node: Pick<TreeNode, 'mode' | 'uid' | 'gid' | 'mtime'>,
  dialect: TarDialect,
): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(name.slice(0, 100), 0, 'latin1')
  block.write(octal(node.mode, 7), 100, 'latin1')
  block.write(octal(node.uid, 7), 108, 'latin1')
  block.write(octal(node.gid, 7), 116, 'latin1')
  block.write(octal(size, 11), 124, 'latin1')
  block.write(octal(node.mtime, 11), 136, 'latin1')
  block.write('        ', 148, 'latin1')
  block.write(flag, 156, 'latin1')
  block.write(link.slice(0, 100), 157, 'latin1')
  block.write(dialect === 'gnu' ? 'ustar  \0' : 'ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return block
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

function padded(content: Buffer): Buffer {
  const rest = content.length % BLOCK
  return rest === 0 ? content : Buffer.concat([content, Buffer.alloc(BLOCK - rest)])
}
