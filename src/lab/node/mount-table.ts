import type { Inside } from '../shop/container/inside.js'
import { escapeMountPath } from '../shop/container/proc.js'

/** Minor device number of a container's first mount that is not its root. */
export const FIRST_DEVICE = 91

/** /proc/PID/mountinfo of a container's processes, as the node sees it. */
export function mountTable({ mounts }: Inside): readonly string[] {
  return [
    '900 800 0:90 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w',
    ...mounts.map(
      ({ path, filesystem, options, from }, at) =>
        `${901 + at} 900 0:${FIRST_DEVICE + at} ${from} ${escapeMountPath(`/${path}`)} ${options} - ${filesystem} ${filesystem} rw`,
    ),
  ]
}
