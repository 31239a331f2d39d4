import type { Collector } from '../model/collector.js'
import type { Scripts } from '../model/scripts.js'
import { eventsCollector } from './events.js'
import { createFilesystemCollector } from './filesystem.js'
import { imageCollector } from './image.js'
import { logsCollector } from './logs.js'
import { networkCollector } from './network.js'
import { podCollector } from './pod.js'

/** Every collector, in the order in which plan and report name them. */
export function collectors(scripts: Scripts): readonly Collector[] {
  return [
    podCollector,
    networkCollector,
    eventsCollector,
    logsCollector,
    imageCollector,
    createFilesystemCollector(scripts.captureFilesystem),
  ]
}
