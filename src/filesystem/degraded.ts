import type { CaptureReport } from './capture-report.js'
import type { MountTable } from './mounts.js'
import type { TreeEnd } from './read-tree.js'

/** What reading a container by exec does to it. */
export const EXEC_DISTURBANCE: readonly string[] = [
  "started the container's own sh, tar and, where it has them, tee, sha256sum, wc and dd",
  'access times of the files read may have changed; where the tar says times they are those from before',
]

/** What reading by exec can't see in this container, a line each. */
export function degradedByExec(
  report: CaptureReport,
  mounts: MountTable,
  tree: TreeEnd,
  unjudged: number,
): readonly string[] {
  const lines = [
    "everything was read through the container's own sh and tar: an attacker may have replaced them, and sees them run",
    'not seen: sockets, files that are deleted and still open, and what lies in or under mounts',
  ]
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
