import { checkpoint } from './checkpoint.js'
import { deadContainers } from './dead-containers.js'
import { dropConnections } from './drop-connections.js'
import { facts } from './facts.js'
import { freeze } from './freeze.js'
import { processes } from './processes.js'
import { podLogs } from './pod-logs.js'
import { probeNetwork } from './probe-network.js'
import type { NodeProgram } from './program.js'
import { triage } from './triage.js'
import { upperdir } from './upperdir.js'
import { writableMounts } from './writable-mounts.js'

/** What the lab's nodes answer the scripts of templates/node with, by the script's name: 'facts' for impound-facts. */
export const NODE_PROGRAMS: Readonly<Record<string, NodeProgram>> = {
  checkpoint,
  'dead-containers': deadContainers,
  'drop-connections': dropConnections,
  facts,
  freeze,
  'pod-logs': podLogs,
  'probe-network': probeNetwork,
  processes,
  triage,
  upperdir,
  'writable-mounts': writableMounts,
}
