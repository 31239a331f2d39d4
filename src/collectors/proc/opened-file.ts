import { linkTarget } from '../../formats/proc/link-target.js'
import type { OpenedFile } from '../../model/process-documents.js'
import type { RecordedLink } from './process-record.js'
import { keptText } from './retention.js'

const FILE_TYPE = 0o170000
const REGULAR = 0o100000

/**
 * What a link leads to, in a document's words. ' (deleted)' at its end is the kernel's mark if the file has no names left. With
 * names it may be its name, or a file of an image's layer that was deleted above it: then `deleted` is not said.
 */
export function openedFile(link: RecordedLink, mounted: ReadonlySet<string> | undefined): OpenedFile {
  const { identity } = link
  const target = linkTarget(link.target)
  const isUnnamed = identity?.links === 0
  // A file that bears the name of a memfd lies on something that is mounted
  const isMemfd =
    target.kind === 'memfd' &&
    identity?.links !== 1 &&
    !(identity !== undefined && mounted?.has(identity.device) === true)
  const isMarked = target.kind === 'memfd' || (target.kind === 'path' && target.marked)
  const path = isMemfd
    ? keptText(`memfd:${target.name}`)
    : keptText(isMarked && isUnnamed ? link.target.slice(0, -' (deleted)'.length) : link.target)
  const deleted = isMarked ? (identity === undefined || !isUnnamed ? undefined : true) : false
  return {
    path: path.text,
    ...(path.b64 === undefined ? {} : { pathB64: path.b64 }),
    kind: isMemfd ? 'memfd' : target.kind === 'path' || target.kind === 'memfd' ? 'file' : 'other',
    ...(deleted === undefined ? {} : { deleted }),
    ...(identity === undefined
      ? {}
      : {
          device: identity.device,
          inode: identity.inode,
          links: identity.links,
          size: identity.size,
          mode: identity.mode.toString(8).padStart(6, '0'),
        }),
  }
}

/** Whether bytes of it can be read without waiting for anybody. */
export function isRegular({ identity }: RecordedLink): boolean {
  return identity !== undefined && (identity.mode & FILE_TYPE) === REGULAR
}
