import { checkpointArchive } from './checkpoint/archive.js'
import type { NodeProgram } from './program.js'
import { upperLayer } from './upper-layer.js'

const BLOCK = 4_096
const RESIDENT = 12 << 20
const DISK = 100_000_000_000

/** templates/node/checkpoint.sh on a node of the lab: its kubelets of 1.36 can make checkpoints, those of 1.20 have no folder for them. */
export const checkpoint: NodeProgram = async ({ args, containers, profile, freezer, now, out, err }) => {
  const [action, ...rest] = args
  if (action === 'remove') {
    await out(rest.map((name) => `${name} removed\n`).join(''))
    return 0
  }
  const container = containers.find(({ id, running }) => id === rest[0] && running)
  const inside = container?.inside
  if (container === undefined || inside?.written === undefined) {
    await err(`impound-checkpoint: no process of the container ${rest[0] ?? ''} on this node\n`)
    return 3
  }
  const canDo = profile !== '1.20'
  if (action === 'look') {
    const sizes = upperLayer(inside.root, inside.written).flatMap(({ node }) =>
      node.kind === 'file' ? [node.content.length] : [],
    )
    const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
    const lines = [
      ...(canDo ? ['directory /var/lib/kubelet/checkpoints'] : []),
      'program chroot /host /usr/local/bin/crictl',
      'socket unix:///run/containerd/containerd.sock',
      `memory ${inside.processes.length * RESIDENT}`,
      `apparent ${sum(sizes)}`,
      `allocated ${sum(sizes.map((size) => Math.ceil(size / BLOCK) * BLOCK))}`,
      `layer-free ${0.4 * DISK}`,
      ...(canDo ? [`size ${DISK}`, `free ${0.4 * DISK}`] : []),
      'end yes',
    ]
    await out(lines.map((line) => `fact ${line}\n`).join(''))
    return 0
  }
  const tar = canDo ? checkpointArchive(container, now) : undefined
  if (tar === undefined) {
    await err('impound-checkpoint: the node has no /var/lib/kubelet/checkpoints\n')
    return 4
  }
  if (freezer.isFrozen(container.id)) {
    await err('impound-checkpoint: the runtime made none (status 1)\n')
    return 5
  }
  const sent = Math.min(tar.length, Number(rest[1]))
  await out(`impound-checkpoint v1\nsize ${tar.length} ${sent}\n`)
  await out(tar.subarray(0, sent))
  await out('end removed\n')
  return 0
}
