import type { ChangeClass, ChangedAspect, ChangeKind } from '../model/filesystem-documents.js'
import type { Instant, TreeFacts } from './facts.js'
import type { MountTable } from './mounts.js'
import { baseName } from './path-key.js'

/**
 * In what a path differs from the image. Content is decided by hash alone. The mtime of a file, link or device counts: a copy
 * up keeps it, so where only it differs somebody wrote the same bytes again or touched it. The mtime of a directory does not:
 * it moves with every name in it, which has a line of its own. Times compare to the precision that both sides have.
 */
export function differences(
  before: TreeFacts,
  after: TreeFacts,
  withXattrs: boolean,
): readonly ChangedAspect[] {
  if (before.type !== after.type) return ['type']
  if (before.implied) return []
  const changed: ChangedAspect[] = []
  if (before.type === 'file' && (before.size !== after.size || before.sha256 !== after.sha256))
    changed.push('content')
  if (before.type !== 'symlink' && before.mode !== after.mode) changed.push('mode')
  if (before.uid !== after.uid || before.gid !== after.gid) changed.push('owner')
  if (before.type !== 'directory' && !sameInstant(before.mtime, after.mtime)) changed.push('mtime')
  if (before.type !== 'file' && before.link !== after.link) changed.push('link')
  if (withXattrs && !sameXattrs(before.xattrs, after.xattrs)) changed.push('xattrs')
  if (before.device !== after.device) changed.push('device')
  return changed
}

export function changeKind(changed: readonly ChangedAspect[]): ChangeKind {
  if (changed.includes('type')) return 'type-changed'
  return changed.some((aspect) => aspect === 'content' || aspect === 'link' || aspect === 'device')
    ? 'modified'
    : 'metadata-only'
}

/** Image tars often have whole seconds only, busybox tar always. */
function sameInstant(a: Instant, b: Instant): boolean {
  return (
    a.seconds === b.seconds && (a.nanoseconds === b.nanoseconds || a.nanoseconds === 0 || b.nanoseconds === 0)
  )
}

/** The runtime labels every file anew. */
const OF_THE_RUNTIME = 'security.selinux'

function sameXattrs(a: TreeFacts['xattrs'], b: TreeFacts['xattrs']): boolean {
  const of = (xattrs: TreeFacts['xattrs']): readonly (readonly [string, string])[] =>
    [...(xattrs ?? [])].filter(([name]) => name !== OF_THE_RUNTIME)
  return of(a).length === of(b).length && of(a).every(([name, value]) => b?.get(name) === value)
}

const RUNTIME_FILES: ReadonlySet<string> = new Set(['etc/hosts', 'etc/hostname', 'etc/resolv.conf'])
const RUNTIME_STUBS: ReadonlySet<string> = new Set(['proc', 'sys', 'dev'])
const RUNTIME_MARKERS: ReadonlySet<string> = new Set(['.dockerenv', 'run/.containerenv'])

/** Whose doing a change is likely to be. What could carry something stays `user`: a marker file with content, say. */
export function changeClass(key: string, after: TreeFacts | undefined, mounts: MountTable): ChangeClass {
  if (mounts.covers(key)) return mounts.isVolume(key) ? 'volume' : 'runtime'
  if (RUNTIME_FILES.has(key) && after?.type === 'file') return 'runtime'
  if (after?.type === 'directory' && (mounts.isAbove(key) || RUNTIME_STUBS.has(key))) return 'runtime'
  if (RUNTIME_MARKERS.has(key) && after?.type === 'file' && after.size === 0) return 'runtime'
  if (key === 'etc/mtab' && after?.type === 'symlink' && after.link === '/proc/mounts') return 'runtime'
  return 'user'
}

/** Build tools write such times on purpose: nobody set them back. 1980-01-01T00:00:01Z is the latest that they use. */
const MADE_UP_UNTIL = 315_532_801
const CAPABILITY = 'security.capability'

/**
 * What deserves a second look: setuid (or setgid, newly set), caps (file capabilities, new or other), exec-new (an executable
 * that the image has not, or not so), fake-whiteout (a name that image tools read as a deletion), timestomp (other
 * content under the mtime that the image's file has: it was set back).
 */
export function changeFlags(
  key: string,
  changed: readonly ChangedAspect[],
  before: TreeFacts | undefined,
  after: TreeFacts | undefined,
): readonly string[] {
  if (after === undefined) return []
  const flags: string[] = []
  const isFile = after.type === 'file'
  const was = before?.type === 'file' ? before : undefined
  const isNew = was === undefined || changed.includes('content')
  const gained = isNew ? after.mode : after.mode & ~was.mode
  if (isFile && (gained & 0o6000) !== 0) flags.push('setuid')
  const capability = after.xattrs?.get(CAPABILITY)
  if (capability !== undefined && (isNew || was.xattrs?.get(CAPABILITY) !== capability)) flags.push('caps')
  if (isFile && (gained & 0o111) !== 0) flags.push('exec-new')
  if (baseName(key).startsWith('.wh.')) flags.push('fake-whiteout')
  if (
    was !== undefined &&
    changed.includes('content') &&
    !changed.includes('mtime') &&
    was.mtime.seconds > MADE_UP_UNTIL
  ) {
    flags.push('timestomp')
  }
  return flags
}
