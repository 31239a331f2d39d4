import { tarArchive } from '../shop/files/tar-writer.js'
import type { NodeProgram } from './program.js'

/** templates/node/dead-containers.sh on a node of the lab, whose runtime has removed whatever ended. */
export const deadContainers: NodeProgram = async ({ out }) => {
  for (const chunk of tarArchive([], 'pax')) await out(chunk)
  return 0
}
