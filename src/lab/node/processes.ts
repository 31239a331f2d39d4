import { processCapture } from '../shop/container/processes.js'
import type { NodeProgram } from './program.js'

/** Between the PIDs of two containers on a node of the lab; what a container has, it has below this. */
const APART = 1_000
const FIRST = 8_000

/** templates/processes.sh on a node: of the containers whose IDs it is given, each process under the node's number for it. */
export const processes: NodeProgram = async ({ containers, args, out }) => {
  const views = containers
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .flatMap(({ id, running, inside }, index) =>
      running && inside !== undefined && (args.includes(id) || args[0] === 'copy')
        ? [{ inside, id, offset: FIRST + index * APART }]
        : [],
    )
  for (const chunk of processCapture(views, args)) await out(chunk)
  return 0
}
