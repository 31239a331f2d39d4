import type { FilesystemSummary } from '../model/filesystem-documents.js'
import type { CaptureReport } from './capture-report.js'
import type { DiffCaptureEnd } from './diff-capture.js'
import type { MountTable } from './mounts.js'

/** A way that reads the merged view from within the pod: with the container's own tools, or with those of a container of ours beside it. */
export interface InsideWay {
  readonly method: 'exec' | 'ephemeral'
  /** Of ours, where it is one. */
  readonly ephemeral?: NonNullable<FilesystemSummary['ephemeral']>
}

/** What reading a container from within the pod does to it. */
export function disturbanceInside({ ephemeral }: InsideWay): readonly string[] {
  const times =
    'access times of the files read may have changed; where the tar says times they are those from before'
  return ephemeral === undefined
    ? [
        "started the container's own sh, tar and, where it has them, find, tee, sha256sum, wc and dd; its processes could see them",
        times,
      ]
    : [
        `added the ephemeral container ${ephemeral.container} (${ephemeral.image}) to the pod: it stays in the pod's spec and status until the pod is deleted`,
        "its programs ran in the target's PID namespace, where the target's processes could see them",
        times,
      ]
}

/** What reading from within the pod can't see in this container, a line each. */
export function degradedInside(
  way: InsideWay,
  report: CaptureReport,
  mounts: MountTable,
  tree: DiffCaptureEnd,
  unjudged: number,
): readonly string[] {
  const lines = [...trustIn(way)]
  lines.push(
    `not seen: ${tree.unread === undefined ? 'sockets, ' : ''}files that are deleted and still open, and what lies in or under mounts`,
  )
  if (tree.unread !== undefined && tree.unread > 0)
    lines.push(
      `${tree.unread} files were not read, for they have the image's size, owner, mode and mtime and a ctime of before the container started: no ordinary means set a ctime back, but the system's clock (CAP_SYS_TIME) or the raw disk can; --paranoid reads them all`,
    )
  if ((tree.fetched ?? 0) > 0)
    lines.push(
      `${tree.fetched} files are older than the container and not as the image has them: a runtime made them, or somebody changed a layer or a clock`,
    )
  if (!report.hasXattrs) lines.push('extended attributes were not read: file capabilities are not seen')
  if (report.mounts === undefined)
    lines.push('the mount table could not be read: mounts other than /proc, /sys and /dev may be mixed in')
  for (const mount of mounts.unexplained().slice(0, 20)) {
    const name = Buffer.from(`/${mount}`, 'latin1').toString('utf8')
    lines.push(
      `a mount at ${name} that neither the pod's spec nor a runtime explains: its content was not read`,
    )
  }
  if (unjudged > 0)
    lines.push(
      `${unjudged} paths of the image were not seen, and are not called deleted: they may be mounted over or unreadable, or the stream ended early`,
    )
  if (tree.impossible > 0)
    lines.push(
      `${tree.impossible} members of the container's tar were passed over: no file can have such a name or type`,
    )
  if (tree.repeated > 0)
    lines.push(`${tree.repeated} members of the container's tar came a second time and were passed over`)
  if (tree.ended?.trailing.zero === false)
    lines.push("the container's tar has bytes after its end mark: they were not read")
  return lines
}

function trustIn({ ephemeral }: InsideWay): readonly string[] {
  if (ephemeral === undefined)
    return [
      "everything was read through the container's own programs: an attacker may have replaced them, and sees them run",
    ]
  const view =
    'the merged view, read by our tools through the kernel: what was written and removed again is not in it, nor what lies below a replaced file'
  if (ephemeral.user === 'root-ptrace') return [view]
  return [
    view,
    "our tools ran as the target's own user, since the cluster admitted no other: files that it may not read were not read, and processes of that user could have interfered",
  ]
}
