import { deadContainers } from './dead-containers.js'
import { facts } from './facts.js'
import { processes } from './processes.js'
import { podLogs } from './pod-logs.js'
import type { NodeProgram } from './program.js'
import { triage } from './triage.js'
import { upperdir } from './upperdir.js'
import { writableMounts } from './writable-mounts.js'

/** What the lab's nodes answer the scripts of templates/node with, by the script's name: 'facts' for impound-facts. */
export const NODE_PROGRAMS: Readonly<Record<string, NodeProgram>> = {
  'dead-containers': deadContainers,
  facts,
  'pod-logs': podLogs,
  processes,
  triage,
  upperdir,
  'writable-mounts': writableMounts,
}
