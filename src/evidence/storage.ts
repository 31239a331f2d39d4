import type { FileHandle } from 'node:fs/promises'
import { open, stat } from 'node:fs/promises'

import { ImpoundError } from '../model/errors.js'

/** Faults of the local disk that the user can do something about; anything else of errno is passed on as it is. */
const FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is larger than this disk or limit allows',
  EROFS: 'the disk is read-only',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EIO: 'the disk reports an input/output error',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files on this machine',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'a folder of that name is in the way',
  ENAMETOOLONG: 'the name is too long for this disk',
}

/** A fault of the local disk as `storage`, naming the path; every other error as it came. */
export function storageError(error: unknown, path: string): unknown {
  const code = errnoOf(error)
  const fault = faultOf(error)
  if (fault === undefined) return error
  return new ImpoundError('storage', `can't write ${path}: ${fault}`, {
    cause: error,
    hints: [
      code === 'ENOSPC' || code === 'EDQUOT'
        ? 'free some space; what was collected is kept, finish it with: impound seal DIR'
        : 'choose another place: -o DIR',
    ],
  })
}

/** What a failed system call means for the user, 'permission denied'; undefined where they can't do anything about it. */
export function faultOf(error: unknown): string | undefined {
  const code = errnoOf(error)
  return code === undefined ? undefined : FAULTS[code]
}

/** The errno of a failed system call, 'ENOENT'. */
export function errnoOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}

/** Writes all bytes, however many calls that takes. `written` hears of each part that is on the file. */
export async function writeAll(
  handle: FileHandle,
  bytes: Uint8Array,
  written: (part: Uint8Array) => void = () => undefined,
): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, offset)
    written(bytes.subarray(offset, offset + bytesWritten))
    offset += bytesWritten
  }
}

/** Flushes a file or directory to the disk. File systems that can't do that for a directory are left alone. */
export async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } catch (error) {
    if (!['EINVAL', 'EISDIR', 'EBADF', 'ENOTSUP', 'EPERM'].includes(errnoOf(error) ?? '')) throw error
  } finally {
    await handle.close()
  }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
