import { createHash } from 'node:crypto'

import { documentedPath } from '../../filesystem/path-key.js'
import { readTar, type TarHeader } from '../../formats/tar.js'
import { ImpoundError } from '../../model/errors.js'
import type { CheckpointFile } from '../../model/checkpoint-document.js'
import type { ArtefactWriter } from '../../model/ports/sink.js'
import { memberKey } from './member-key.js'

const MOST_LINES = 1_000_000
const MOST_BYTES = 2 ** 42

/** Writes a line for each member of rootfs-diff.tar, in its order, as it comes; counts them. Throws what readTar throws. */
export async function listRootfs(
  tar: AsyncIterable<Buffer>,
  writer: ArtefactWriter,
  count: { entries: number },
): Promise<void> {
  for await (const { header, content } of readTar(tar, { totalBytes: MOST_BYTES })) {
    if (count.entries === MOST_LINES)
      throw new ImpoundError('too-big', `it has more than ${MOST_LINES} entries`)
    const hash = createHash('sha256')
    for await (const piece of content) hash.update(piece)
    const isFile = header.type === 'file'
    await writer.write(`${JSON.stringify(lineOf(header, isFile ? hash.digest('hex') : undefined))}\n`)
    count.entries += 1
  }
}

function lineOf(header: TarHeader, sha256: string | undefined): CheckpointFile {
  const { path, type, mode, uid, gid, size, mtime, linkPath, sparse } = header
  const key = memberKey(path)
  const name = key.slice(key.lastIndexOf('/') + 1)
  const changed = new Date(mtime.seconds * 1000)
  return {
    ...documentedPath(key),
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    size: sparse?.realSize ?? size,
    ...(Number.isNaN(changed.getTime()) ? {} : { mtime: changed.toISOString() }),
    ...(linkPath === undefined ? {} : { link: linkPath.toString('utf8') }),
    // of a file with holes it would be the hash of what is between them
    ...(sha256 === undefined || sparse !== undefined ? {} : { sha256 }),
    ...(name.startsWith('.wh.') ? { whiteout: true } : {}),
  }
}
