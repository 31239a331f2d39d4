import type { Behaviour } from './behaviour.js'
import { controllers } from './behaviours/controllers.js'
import { discovery } from './behaviours/discovery.js'
import { reads } from './behaviours/reads.js'
import { refusals } from './behaviours/refusals.js'
import { rights } from './behaviours/rights.js'
import { execs, logs } from './behaviours/streams.js'
import { writes } from './behaviours/writes.js'

/** All of them; those that disturb the pods last. */
export const BEHAVIOURS: readonly Behaviour[] = [
  ...discovery,
  ...rights,
  ...reads,
  ...refusals,
  ...writes,
  ...execs,
  ...logs,
  ...controllers,
]
