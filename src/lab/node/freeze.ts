import type { NodeProgram } from './program.js'

/** templates/node/freeze.sh on a node of the lab. */
export const freeze: NodeProgram = async ({ args, containers, freezer, out }) => {
  const [action, ...ids] = args
  for (const id of ids) {
    if (!containers.some((container) => container.id === id && container.running)) {
      await out(`${id} gone\n`)
      continue
    }
    if (action === 'freeze') freezer.freeze(id)
    if (action === 'thaw') freezer.thaw(id)
    await out(`${id} ${freezer.isFrozen(id) ? 'frozen' : 'thawed'}\n`)
  }
  return 0
}
