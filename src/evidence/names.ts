import { compactTime } from '../model/case-name.js'
import { ImpoundError } from '../model/errors.js'
import { safeSegment } from '../model/safe-segment.js'
import { uid8, type Target } from '../model/target.js'

type Named = Pick<Target, 'namespace' | 'name' | 'uid'>

/** The target's directory below data/targets/: namespace, pod (cut at 40) and the whole UID. */
export function targetDirectory(target: Named): string {
  return `${safeSegment(target.namespace)}_${shortPod(target)}_${safeSegment(target.uid)}`
}

/** What one run seals: `<case>_<UTC>_<namespace>_<pod, cut at 40>_<uid8>`, or `<case>_<UTC>_<n>-pods`. */
export function archiveName(caseName: string, time: Date, targets: readonly Named[]): string {
  const run = `${caseName}_${compactTime(time)}`
  const [only] = targets
  if (only === undefined || targets.length > 1) return `${run}_${targets.length}-pods`
  return `${run}_${safeSegment(only.namespace)}_${shortPod(only)}_${safeSegment(uid8(only))}`
}

/** Longer than a segment that a collector may choose: these hold a namespace, a pod and a UID. */
const OUR_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/

export function isOwnName(name: string): boolean {
  return OUR_NAME.test(name)
}

/** A directory's or archive's name as the functions above make it; throws `bug` for anything else. */
export function checkedOwnName(name: string): string {
  if (isOwnName(name)) return name
  throw new ImpoundError('bug', `"${name}" is no name for an archive or a target's directory`)
}

/** Two pods may share it; the UID behind it keeps them apart. */
function shortPod(target: Named): string {
  return safeSegment(target.name.slice(0, 40))
}
