import { buffer } from 'node:stream/consumers'

import { pack, type Header } from 'tar-stream'

import { readTar, type TarHeader } from '../../src/formats/tar.js'

export interface Member extends Partial<Omit<Header, 'name' | 'size'>> {
  readonly name: string
  readonly content?: Buffer | string
}

/** 2026-11-01T00:00:00Z: what every member gets that says nothing else. */
const MTIME = new Date('2026-11-01T00:00:00Z')

/** A tar of members in the order given, with its end mark. */
export async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const tar = pack()
  for (const { content, ...header } of members) {
    const type = header.type ?? (header.name.endsWith('/') ? 'directory' : 'file')
    const mode = header.mode ?? (type === 'directory' ? 0o755 : 0o644)
    if (type === 'file') tar.entry({ mtime: MTIME, ...header, type, mode }, Buffer.from(content ?? ''))
    else tar.entry({ mtime: MTIME, ...header, type, mode })
  }
  tar.finalize()
  return buffer(tar)
}

/** Bytes as a stream in chunks of a size that fits nothing. */
export async function* chunked(bytes: Buffer, size = 1009): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** What is in a tar, by our own reader. */
export async function unpacked(tar: Buffer): Promise<readonly { header: TarHeader; content: Buffer }[]> {
  const members: { header: TarHeader; content: Buffer }[] = []
  for await (const { header, content } of readTar(chunked(tar))) {
    const pieces: Buffer[] = []
    for await (const piece of content) pieces.push(Buffer.from(piece))
    members.push({ header, content: Buffer.concat(pieces) })
  }
  return members
}
