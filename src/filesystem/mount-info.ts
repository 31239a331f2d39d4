import { documentedPath } from './path-key.js'
import { unescapeMount } from './mounts.js'

/** One line of /proc/PID/mountinfo: proc_pid_mountinfo(5). */
export interface MountInfo {
  /** Absolute. */
  readonly point: string
  /** What of its filesystem is mounted: '/' for all. */
  readonly root: string
  /** As stat's %d has it. */
  readonly device: string
  readonly type: string
  readonly readOnly: boolean
}

const LINE = /^\d+ \d+ (\d+):(\d+) (\S+) (\S+) (\S+)(?: \S+)*? - (\S+) /

/** Those lines that are mountinfo's. */
export function parseMountInfo(lines: readonly string[]): readonly MountInfo[] {
  return lines.flatMap((line) => {
    const [, major = '', minor = '', root = '', escaped = '', options = '', type = ''] = LINE.exec(line) ?? []
    const key = type === '' ? undefined : unescapeMount(escaped)
    if (key === undefined) return []
    return [
      {
        point: documentedPath(key).path,
        root,
        device: String(deviceNumber(Number(major), Number(minor))),
        type,
        readOnly: options.split(',').includes('ro'),
      },
    ]
  })
}

/** makedev(3) of glibc, for the numbers that Linux gives: 12 and 20 bits. */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + ((major & 0xfff) << 8) + (minor & 0xfff00) * 0x1000
}

/** Filesystems that somebody else answers for: who asks one that does not answer waits, some beyond any kill. */
const REMOTE =
  /^(?:fuse|fuseblk|fuse\..+|autofs|9p|virtiofs|nfs|nfs4|cifs|smb3|smbfs|ceph|glusterfs|lustre|beegfs|afs|ocfs2|gfs2)$/

export function mayHang(type: string): boolean {
  return REMOTE.test(type)
}
