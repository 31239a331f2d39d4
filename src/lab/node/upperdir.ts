import type { Inside } from '../shop/container/inside.js'
import { sendList, sendTar } from './inode-list.js'
import { mountTable } from './mount-table.js'
import type { NodeProgram } from './program.js'
import { hiddenBelow, upperLayer } from './upper-layer.js'

/**
 * templates/node/upperdir.sh on a node of the lab: the same parts in the same order. All content is sent, whatever the budget: there
 * is little of it here.
 */
export const upperdir: NodeProgram = async ({ args, containers, out, err }) => {
  const [id, , lower] = args
  const container = containers.find((one) => one.id === id && one.running)
  const { inside } = container ?? {}
  if (inside?.written === undefined) {
    await err(`impound-upperdir: no process of the container ${id ?? ''} on this node\n`)
    return 3
  }
  const { image } = inside.written
  const upper = upperLayer(inside.root, inside.written)
  await out(
    facts(inside)
      .map((line) => `${line}\n`)
      .join(''),
  )
  await out('list\n')
  await sendList(out, upper)
  if (lower === 'lower') {
    await out('lower\n')
    await out('list\n')
    await sendList(out, hiddenBelow(upper, image))
    const touched = upper.flatMap(({ path }) => {
      const node = image.get(path)
      return node === undefined ? [] : [{ path, node, changedAt: node.mtime }]
    })
    await sendTar(out, touched, image)
  }
  await out('upper\n')
  await sendTar(out, upper, inside.root)
  await out('list\n')
  await sendList(out, upper)
  await out('end find=0 stat=0 tar=0 alive=yes\n')
  return 0
}

function facts(inside: Inside): readonly string[] {
  const first = inside.processes[0]
  return [
    'impound-upperdir v1',
    `fact pid ${31_000 + (first?.pid ?? 1)}`,
    `fact starttime ${first?.starttime ?? 0}`,
    'fact upper /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/41/fs',
    'fact kernel 6.1.0-28-amd64',
    'fact userxattr no',
    'fact sysadmin yes',
    'fact tar tar (GNU tar) 1.34',
    'fact uid_map 0 0 4294967295',
    'fact gid_map 0 0 4294967295',
    ...mountTable(inside).map((line) => `mount ${line}`),
  ]
}
