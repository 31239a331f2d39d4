/** A block by hand (RFC 8878, 3.1.1.2): proper where nothing else is said. */
export type Block =
  | { readonly type: 'raw'; readonly content: Uint8Array; readonly size?: number }
  | { readonly type: 'rle'; readonly byte: number; readonly times: number }
  | { readonly type: 'compressed'; readonly content: Uint8Array; readonly size?: number }
  | { readonly type: 'reserved' }

export interface Frame {
  readonly blocks: readonly Block[]
  /** Bytes; 2^10 to 2^41 (powers of two). Absent: a single segment, whose content size is its window. */
  readonly window?: number
  /** In the header; what it says need not be so. */
  readonly contentBytes?: number | bigint
  readonly dictionary?: number
  readonly reservedBit?: boolean
  /** The four bytes after the last block. */
  readonly checksum?: Buffer
  readonly isOpen?: boolean
}

const TYPES = ['raw', 'rle', 'compressed', 'reserved'] as const

export function zstdFrame(frame: Frame): Buffer {
  const blocks = frame.blocks.map((block, index) =>
    blockBytes(block, index === frame.blocks.length - 1 && frame.isOpen !== true),
  )
  return Buffer.concat([frameHeader(frame), ...blocks, frame.checksum ?? Buffer.alloc(0)])
}

export function frameHeader(frame: Omit<Frame, 'blocks'>): Buffer {
  const { window, contentBytes, dictionary } = frame
  const flags =
    (contentBytes === undefined ? 0 : 0xc0) |
    (window === undefined ? 0x20 : 0) |
    (frame.reservedBit === true ? 0x08 : 0) |
    (frame.checksum === undefined ? 0 : 0x04) |
    (dictionary === undefined ? 0 : 0x03)
  const size = Buffer.alloc(contentBytes === undefined ? (window === undefined ? 1 : 0) : 8)
  if (contentBytes !== undefined) size.writeBigUInt64LE(BigInt(contentBytes))
  const dictionaryId = Buffer.alloc(dictionary === undefined ? 0 : 4)
  if (dictionary !== undefined) dictionaryId.writeUInt32LE(dictionary)
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, flags]),
    Buffer.from(window === undefined ? [] : [(Math.log2(window) - 10) << 3]),
    dictionaryId,
    size,
  ])
}

export function blockBytes(block: Block, isLast: boolean): Buffer {
  const [size, body] = blockBody(block)
  const header = Buffer.alloc(3)
  header.writeUIntLE((size << 3) | (TYPES.indexOf(block.type) << 1) | (isLast ? 1 : 0), 0, 3)
  return Buffer.concat([header, body])
}

function blockBody(block: Block): readonly [size: number, body: Uint8Array] {
  switch (block.type) {
    case 'raw':
    case 'compressed':
      return [block.size ?? block.content.length, block.content]
    case 'rle':
      return [block.times, Uint8Array.of(block.byte)]
    case 'reserved':
      return [0, new Uint8Array()]
  }
}

/** A frame that decoders pass over; `nibble` is one of its sixteen magic numbers. */
export function skippableFrame(content: Uint8Array, nibble = 0, declared = content.length): Buffer {
  const header = Buffer.from([0x50 | nibble, 0x2a, 0x4d, 0x18, 0, 0, 0, 0])
  header.writeUInt32LE(declared, 4)
  return Buffer.concat([header, content])
}

/** As many bytes of one value as wanted, 128 KiB for every four stored. */
export function zstdBomb(blocks: number): Buffer {
  return zstdFrame({
    window: 1 << 20,
    blocks: Array.from({ length: blocks }, () => ({ type: 'rle', byte: 0, times: 128 << 10 })),
  })
}
