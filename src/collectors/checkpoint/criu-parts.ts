import type { CriuCore, CriuStats, CriuTask } from '../../formats/criu/tasks.js'
import { readCore, readDumpStats, readExeFile, readFilesId, readPstree } from '../../formats/criu/tasks.js'
import {
  type CriuFiles,
  readDescriptors,
  readFiles,
  readInetSockets,
  readRegularFiles,
} from '../../formats/criu/files.js'

const IMAGE = /^checkpoint\/(pstree|files|reg-files|inetsk|(core|ids|mm|fdinfo)-(\d{1,10}))\.img$/
const STATS = /^(?:checkpoint\/)?stats-dump$/

/** Whether a member of the archive is an image that is read, and so is kept until all have come. */
export function isReadImage(path: string): boolean {
  return IMAGE.test(path) || STATS.test(path)
}

/** What the images of one checkpoint say. */
export interface CriuParts {
  readonly tasks: readonly CriuTask[]
  /** By PID. */
  readonly cores: ReadonlyMap<number, CriuCore>
  readonly filesIds: ReadonlyMap<number, number>
  readonly exeFiles: ReadonlyMap<number, number>
  /** By the number of the fdinfo image. */
  readonly descriptors: ReadonlyMap<number, ReturnType<typeof readDescriptors>>
  readonly files: CriuFiles
  readonly stats: CriuStats | undefined
}

/** Reads the images, each by itself: one that can't be read is told to `odd` and leaves out what it alone has. */
export function readCriuParts(
  images: ReadonlyMap<string, Buffer>,
  odd: (part: string, error: unknown) => void,
): CriuParts {
  const tryTo = <Value>(part: string, read: () => Value): Value | undefined => {
    try {
      return read()
    } catch (error) {
      odd(part, error)
      return undefined
    }
  }
  const numbered = <Value>(kind: string, read: (image: Buffer) => Value | undefined): Map<number, Value> => {
    const found = new Map<number, Value>()
    for (const [path, image] of images) {
      const [, , is, number] = IMAGE.exec(path) ?? []
      const value = is === kind ? tryTo(path, () => read(image)) : undefined
      if (value !== undefined) found.set(Number(number), value)
    }
    return found
  }
  const one = <Value>(name: string, read: (image: Buffer) => Value): Value | undefined => {
    const path = `checkpoint/${name}.img`
    const image = images.get(path)
    return image === undefined ? undefined : tryTo(path, () => read(image))
  }
  const cores = numbered('core', readCore)
  const bigEndian = [...cores.values()].some((core) => core.bigEndian)
  const ids = numbered('ids', readFilesId)
  for (const [pid, { filesId }] of cores) if (filesId !== undefined) ids.set(pid, filesId)
  const files = one('files', (image) => readFiles(image, bigEndian))
  const [statsPath = '', stats] = [...images].find(([path]) => STATS.test(path)) ?? []
  return {
    tasks: one('pstree', readPstree) ?? [],
    cores,
    filesIds: ids,
    exeFiles: numbered('mm', readExeFile),
    descriptors: numbered('fdinfo', readDescriptors),
    files: {
      regular: [...(files?.regular ?? []), ...(one('reg-files', readRegularFiles) ?? [])],
      sockets: [
        ...(files?.sockets ?? []),
        ...(one('inetsk', (image) => readInetSockets(image, bigEndian)) ?? []),
      ],
      others: files?.others ?? 0,
    },
    stats: stats === undefined ? undefined : tryTo(statsPath, () => readDumpStats(stats)),
  }
}
