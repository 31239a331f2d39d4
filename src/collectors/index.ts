import type { LayerCache } from '../filesystem/layer-cache.js'
import type { Collector } from '../model/collector.js'
import type { Scripts } from '../model/scripts.js'
import { accessCollector } from './access.js'
import { createCheckpointCollector } from './checkpoint.js'
import { eventsCollector } from './events.js'
import { createFilesystemCollector } from './filesystem.js'
import { imageCollector } from './image.js'
import { imageExportCollector } from './image-export.js'
import { createLogsCollector } from './logs.js'
import { createMemoryCollector } from './memory.js'
import { createNodeTriageCollector } from './node-triage.js'
import { networkCollector } from './network.js'
import { podCollector } from './pod.js'
import { referencesCollector } from './references.js'
import { VolatileCaptures } from './proc/volatile-captures.js'
import { createProcessesCollector } from './processes.js'
import { createSocketsCollector } from './sockets.js'
import { createWritableMountsCollector } from './writable-mounts.js'

/** Every collector, in the order in which plan and report name them. `layers` keeps what is known of image layers. */
export function collectors(scripts: Scripts, layers?: LayerCache): readonly Collector[] {
  const captures = new VolatileCaptures(scripts)
  return [
    podCollector,
    networkCollector,
    eventsCollector,
    accessCollector,
    referencesCollector,
    createProcessesCollector(captures),
    createSocketsCollector(captures),
    createMemoryCollector(captures),
    createLogsCollector(scripts.podLogs),
    imageCollector,
    createFilesystemCollector(scripts, undefined, layers),
    createWritableMountsCollector(scripts),
    createCheckpointCollector(scripts.checkpoint),
    createNodeTriageCollector(scripts.nodeTriage),
    imageExportCollector,
  ]
}
