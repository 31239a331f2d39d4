import type { TreeFacts } from '../facts.js'

/** Seconds. Clocks step, and archives are unpacked soon after they are made. */
const BY_FAR = 3600

/**
 * What the times of a file say that was written in this container: ctime is the kernel's and can't be set by ordinary means, mtime
 * can. An mtime from before the container was there was set back or brought along, by tar or cp -p; one that lies after
 * ctime no write can leave.
 */
export function timeFlags(
  { mtime, ctime }: Pick<TreeFacts, 'mtime' | 'ctime'>,
  startedAt: number | undefined,
): readonly ('timestomp' | 'backdated')[] {
  if (ctime === undefined) return []
  if (mtime.seconds - ctime.seconds > BY_FAR) return ['timestomp']
  const isOld = startedAt === undefined || mtime.seconds < startedAt
  return isOld && ctime.seconds - mtime.seconds > BY_FAR ? ['backdated'] : []
}
