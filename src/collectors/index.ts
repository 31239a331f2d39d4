import type { Collector } from '../model/collector.js'
import type { Scripts } from '../model/scripts.js'
import { accessCollector } from './access.js'
import { eventsCollector } from './events.js'
import { createFilesystemCollector } from './filesystem.js'
import { imageCollector } from './image.js'
import { createLogsCollector } from './logs.js'
import { networkCollector } from './network.js'
import { podCollector } from './pod.js'
import { referencesCollector } from './references.js'

/** Every collector, in the order in which plan and report name them. */
export function collectors(scripts: Scripts): readonly Collector[] {
  return [
    podCollector,
    networkCollector,
    eventsCollector,
    accessCollector,
    referencesCollector,
    createLogsCollector(scripts.podLogs),
    imageCollector,
    createFilesystemCollector(scripts),
  ]
}
