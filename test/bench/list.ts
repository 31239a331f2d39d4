import type { Bench } from './bench.js'
import { sealBench } from './benches/seal.js'
import { nodePodBench, podProcessesBench } from './benches/on-node.js'
import { processesBench } from './benches/processes.js'
import { rotatedBench } from './benches/rotated.js'
import { containBench } from './benches/contain.js'
import { seizeBench } from './benches/seize.js'
import { helpBench, versionBench } from './benches/startup.js'
import { logBoundBench, rotatedBoundBench } from './benches/bounds.js'
import { layerIndexBench, layerThreadsBench } from './benches/layers.js'
import { execBench, logBench } from './benches/streams.js'
import { tarBench } from './benches/tar.js'
import { upperdirBench } from './benches/upperdir.js'

export const benches: readonly Bench[] = [
  versionBench,
  helpBench,
  seizeBench,
  containBench,
  sealBench,
  tarBench,
  layerIndexBench,
  layerThreadsBench,
  processesBench,
  logBench,
  execBench,
  nodePodBench,
  podProcessesBench,
  upperdirBench,
  rotatedBench,
  logBoundBench,
  rotatedBoundBench,
]
