import { access, open } from 'node:fs/promises'
import { join } from 'node:path'

/** Whether a path that is there is an archive of impound, packed or not; else it may hold an image. */
export async function isImpoundArchive(path: string, isDirectory: boolean): Promise<boolean> {
  if (isDirectory) {
    return access(join(path, 'bagit.txt')).then(
      () => true,
      () => false,
    )
  }
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b
  } finally {
    await file.close()
  }
}
