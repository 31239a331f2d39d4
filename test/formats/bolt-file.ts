/** A small writer of bbolt files, for tests: buckets of keys with values or buckets, each page as go.etcd.io/bbolt lays it out. */
export interface BoltTree {
  readonly [key: string]: Buffer | BoltTree
}

const PAGE = 4096

interface Element {
  readonly key: Buffer
  readonly value: Buffer
  readonly flags: number
}

/** `perLeaf`: elements of a leaf, past which a branch is made; `inline`: bucket of at most so many bytes lie in their parent. */
export function boltFile(tree: BoltTree, { perLeaf = 4, inline = 512 } = {}): Buffer {
  const pages: Buffer[] = [Buffer.alloc(PAGE), Buffer.alloc(PAGE)]
  const put = (page: Buffer): number => {
    const number = pages.reduce((sum, one) => sum + one.length / PAGE, 0)
    const room = Math.ceil(page.length / PAGE) * PAGE
    const whole = Buffer.concat([page, Buffer.alloc(room - page.length)])
    whole.writeBigUInt64LE(BigInt(number), 0)
    whole.writeUInt32LE(room / PAGE - 1, 12)
    pages.push(whole)
    return number
  }
  const bucket = (of: BoltTree): { readonly root: number; readonly inline?: Buffer } => {
    const elements = Object.entries(of)
      .map(([name, value]): Element => {
        const key = Buffer.from(name, 'latin1')
        if (Buffer.isBuffer(value)) return { key, value, flags: 0 }
        const inner = bucket(value)
        const header = Buffer.alloc(16)
        header.writeBigUInt64LE(BigInt(inner.root))
        return { key, value: Buffer.concat([header, inner.inline ?? Buffer.alloc(0)]), flags: 1 }
      })
      .sort((a, b) => Buffer.compare(a.key, b.key))
    const whole = leaf(elements)
    if (whole.length <= inline) return { root: 0, inline: whole }
    if (elements.length <= perLeaf) return { root: put(whole) }
    const children: { key: Buffer; page: number }[] = []
    for (let at = 0; at < elements.length; at += perLeaf) {
      const some = elements.slice(at, at + perLeaf)
      children.push({ key: some[0]!.key, page: put(leaf(some)) })
    }
    return { root: put(branch(children)) }
  }
  const top = bucket(tree)
  const root = top.inline === undefined ? top.root : put(top.inline)
  pages[0] = metaPage(root, 7n)
  pages[1] = metaPage(9999, 6n)
  return Buffer.concat(pages)
}

function leaf(elements: readonly Element[]): Buffer {
  const header = Buffer.alloc(16 + 16 * elements.length)
  header.writeUInt16LE(2, 8)
  header.writeUInt16LE(elements.length, 10)
  let at = header.length
  for (const [index, { key, value, flags }] of elements.entries()) {
    const own = 16 + 16 * index
    header.writeUInt32LE(flags, own)
    header.writeUInt32LE(at - own, own + 4)
    header.writeUInt32LE(key.length, own + 8)
    header.writeUInt32LE(value.length, own + 12)
    at += key.length + value.length
  }
  return Buffer.concat([header, ...elements.flatMap(({ key, value }) => [key, value])])
}

function branch(children: readonly { readonly key: Buffer; readonly page: number }[]): Buffer {
  const header = Buffer.alloc(16 + 16 * children.length)
  header.writeUInt16LE(1, 8)
  header.writeUInt16LE(children.length, 10)
  let at = header.length
  for (const [index, { key, page }] of children.entries()) {
    const own = 16 + 16 * index
    header.writeUInt32LE(at - own, own)
    header.writeUInt32LE(key.length, own + 4)
    header.writeBigUInt64LE(BigInt(page), own + 8)
    at += key.length
  }
  return Buffer.concat([header, ...children.map(({ key }) => key)])
}

function metaPage(root: number, transaction: bigint): Buffer {
  const page = Buffer.alloc(PAGE)
  page.writeUInt16LE(4, 8)
  page.writeUInt32LE(0xed0cdaed, 16)
  page.writeUInt32LE(2, 20)
  page.writeUInt32LE(PAGE, 24)
  page.writeBigUInt64LE(BigInt(root), 32)
  page.writeBigUInt64LE(transaction, 64)
  let hash = 0xcbf29ce484222325n
  for (const byte of page.subarray(16, 72)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  page.writeBigUInt64LE(hash, 72)
  return page
}
