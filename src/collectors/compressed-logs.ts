import { CriLogReader } from '../formats/cri-log.js'
import { readGzip } from '../formats/gzip.js'
import type { CollectContext } from '../model/collector.js'
import { isCode, messageOf } from '../model/errors.js'
import type { LogFile } from '../model/log-documents.js'

/** As many as there are threads for, less one for what else goes on. */
const AT_ONCE = 3

/**
 * Reads from the archive what compressed log files cover. Apart from taking them, because inflating takes longer, and the kubelet removes files
 * meanwhile. Where one can't be inflated to its end, what had come by then still counts.
 */
export async function coverCompressed(
  context: CollectContext,
  files: readonly LogFile[],
): Promise<readonly LogFile[]> {
  const covered = [...files]
  const due = files.entries()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const [index, file] of due)
        if (file.compressed === true && file.path !== undefined)
          covered[index] = { ...file, ...(await cover(context, file.path)) }
    }),
  )
  return covered
}

async function cover(context: CollectContext, path: string): Promise<Pick<LogFile, 'covers' | 'unreadable'>> {
  const lines = new CriLogReader()
  try {
    for await (const chunk of readGzip(context.case.content(path))) {
      context.run.signal.throwIfAborted()
      lines.push(chunk)
    }
    return { covers: lines.end() }
  } catch (error) {
    if (isCode(error, 'cut', 'integrity', 'too-big'))
      return { covers: lines.end(), unreadable: messageOf(error) }
    throw error
  }
}
