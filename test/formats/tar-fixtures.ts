import { readTar, type TarEnd, type TarHeader, type TarLimits } from '../../src/formats/tar.js'
import { inChunks } from './streams.js'

export interface Member {
  readonly name: string | Buffer
  readonly content?: Buffer
  readonly typeflag?: string
  /** Raw bytes of header fields, by name: what no proper writer would write. */
  readonly fields?: Readonly<Partial<Record<keyof typeof FIELDS, string | Buffer>>>
  readonly badChecksum?: boolean
}

const FIELDS = {
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  link: [157, 100],
  magic: [257, 8],
  uname: [265, 32],
  gname: [297, 32],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
  sparse: [386, 96],
  extended: [482, 1],
  realSize: [483, 12],
} as const

/** A header block by hand: proper where nothing else is said. */
export function headerBlock({
  name,
  content,
  typeflag = '0',
  fields = {},
  badChecksum = false,
}: Member): Buffer {
  const block = Buffer.alloc(512)
  const defaults = {
    mode: '0000644\0',
    uid: '0000000\0',
    gid: '0000000\0',
    size: `${(content?.length ?? 0).toString(8).padStart(11, '0')}\0`,
    mtime: '00000000000\0',
    magic: 'ustar\x0000',
  }
  Buffer.from(name).copy(block, 0, 0, 100)
  for (const [key, value] of Object.entries({ ...defaults, ...fields })) {
    const [offset, length] = FIELDS[key as keyof typeof FIELDS]
    block.fill(0, offset, offset + length)
    Buffer.from(value as string, 'latin1').copy(block, offset, 0, length)
  }
  block.write(typeflag, 156, 'latin1')
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, badChecksum ? 1 : 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

export function member(given: Member): Buffer {
  return Buffer.concat([headerBlock(given), padded(given.content ?? Buffer.alloc(0))])
}

export function paxMember(records: Readonly<Record<string, string | Buffer>>, typeflag = 'x'): Buffer {
  return rawPax(
    Object.entries(records).map(([key, value]) => paxRecord(key, Buffer.from(value as string))),
    typeflag,
  )
}

export function rawPax(records: readonly Buffer[], typeflag = 'x'): Buffer {
  return member({ name: 'PaxHeader', typeflag, content: Buffer.concat(records) })
}

export function paxRecord(key: string, value: Buffer | string): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from('\n')])
  let length = body.length + 1
  while (String(length).length + body.length !== length) length = String(length).length + body.length
  return Buffer.concat([Buffer.from(String(length)), body])
}

export const END = Buffer.alloc(1024)

export function tarOf(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([...parts, END])
}

export interface ReadMember {
  readonly header: TarHeader
  readonly content: Buffer
}

/** Every member whole, and how the tar ended. */
export async function readAll(
  source: AsyncIterable<Uint8Array> | Buffer,
  limits: Partial<TarLimits> = {},
): Promise<{ readonly members: readonly ReadMember[]; readonly end: TarEnd }> {
  const members: ReadMember[] = []
  const entries = readTar(Buffer.isBuffer(source) ? inChunks(source, 64 << 10) : source, limits)
  for (;;) {
    const next = await entries.next()
    if (next.done === true) return { members, end: next.value }
    const chunks: Buffer[] = []
    for await (const chunk of next.value.content) chunks.push(chunk)
    members.push({ header: next.value.header, content: Buffer.concat(chunks) })
  }
}
