/**
 * Starts the pod of --allow node, and takes processes and sockets of a pod by it: argv is kubeconfig, namespace, the node pod's image, the pod, a
 * folder for the spool, and what counts: 'ready', from the create to the first answer of the pod on the node, or 'processes', after that.
 */
import v8 from 'node:v8'

import { VolatileCaptures } from '../../../src/collectors/proc/volatile-captures.js'
import { createProcessesCollector } from '../../../src/collectors/processes.js'
import { createSocketsCollector } from '../../../src/collectors/sockets.js'
import { openNodeScene, template } from './node-scene.js'

// as bin/impound.js has it
v8.setFlagsFromString('--semi-space-growth-factor=1')
const [kubeconfig = '', namespace = '', image = '', name = '', outputDirectory = '', counts = ''] =
  process.argv.slice(2)
const scene = await openNodeScene(kubeconfig, namespace, image, name, outputDirectory)
const captures = new VolatileCaptures({
  processes: template('processes.sh'),
  nodeProcesses: ['node/containers.sh', 'processes.sh'].map(template).join('\n'),
})
const processes = await scene.collect(createProcessesCollector(captures), createSocketsCollector(captures))
const lines = (await scene.document('processes.json')) as {
  readonly containers: readonly { readonly processes: number }[]
}
await scene.close()
process.stdout.write(
  `${JSON.stringify({ seconds: counts === 'ready' ? scene.ready : processes, processes: lines.containers[0]?.processes })}\n`,
)
