import type { Mount } from '../shop/container/inside.js'
import { byteOrder, type Tree } from '../shop/files/tree.js'
import { sendList, sendTar } from './inode-list.js'
import { FIRST_DEVICE, mountTable } from './mount-table.js'
import type { ContainerOnNode, NodeProgram } from './program.js'
import type { UpperNode } from './upper-layer.js'

const FIRST_PID = 31_001
const APART = 1_000

/** templates/node/writable-mounts.sh on a node of the lab. All content is sent, whatever the budget: there is little of it here. */
export const writableMounts: NodeProgram = async ({ args, containers, out, err }) => {
  const running = containers.filter((one) => one.running).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const [action, first = '', device = '-', mode] = args
  if (action === 'mounts') {
    const index = running.findIndex(({ id, inside }) => id === first && inside !== undefined)
    const { inside } = running[index] ?? {}
    if (inside === undefined) {
      await err(`impound-writable-mounts: no process of the container ${first} on this node\n`)
      return 3
    }
    const start = inside.processes[0]?.starttime ?? 0
    await out(`process ${FIRST_PID + index * APART} ${start}\n`)
    await out(
      mountTable(inside)
        .map((line) => `${line}\n`)
        .join(''),
    )
    return 0
  }
  const found = first.startsWith('kubelet:')
    ? onHost(`/var/lib/kubelet/pods/${first.slice('kubelet:'.length)}`, running)
    : inContainer(first, running)
  if (found === undefined) {
    await err(`impound-writable-mounts: there is no directory ${first}\n`)
    return 3
  }
  if (device !== '-' && device !== String(found.device)) {
    await err('impound-writable-mounts: another filesystem is there than was mounted\n')
    return 5
  }
  const nodes = nodesOf(found.mount.tree)
  await out('impound-mounts v1\nlist\n')
  await sendList(out, nodes)
  if (mode === 'content') {
    await out('content\n')
    await sendTar(
      out,
      nodes.filter(({ node }) => node.kind === 'file' || node.kind === 'symlink').toSorted(mostTelling),
      found.mount.tree,
    )
  }
  await out('end\n')
  return 0
}

interface FoundMount {
  readonly mount: Mount
  readonly device: number
}

function mountsOf({ inside }: ContainerOnNode): readonly FoundMount[] {
  return (inside?.mounts ?? []).map((mount, index) => ({ mount, device: FIRST_DEVICE + index }))
}

function onHost(path: string, running: readonly ContainerOnNode[]): FoundMount | undefined {
  // where several containers mount it, the lab has its content once
  return running
    .flatMap(mountsOf)
    .filter(({ mount }) => mount.from === path)
    .toSorted((a, b) => b.mount.tree.size - a.mount.tree.size)[0]
}

function inContainer(where: string, running: readonly ContainerOnNode[]): FoundMount | undefined {
  const [, pid, , path] = /^(\d+):(\d+):\/(.*)$/s.exec(where) ?? []
  const container = running[(Number(pid) - FIRST_PID) / APART]
  return container === undefined ? undefined : mountsOf(container).find(({ mount }) => mount.path === path)
}

function nodesOf(tree: Tree): readonly UpperNode[] {
  return [...tree]
    .map(([path, node]) => ({ path, node, changedAt: node.mtime }))
    .sort((a, b) => byteOrder(a.path, b.path))
}

/** Executables, then what changed last. */
function mostTelling(a: UpperNode, b: UpperNode): number {
  return (
    Number((b.node.mode & 0o111) !== 0) - Number((a.node.mode & 0o111) !== 0) || b.changedAt - a.changedAt
  )
}
