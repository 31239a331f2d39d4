import type { QuarantineOptions } from '../containment/index.js'
import { readScripts } from './system.js'
import { toolVersion } from './version.js'

/** Options that ask for nothing: what is to be taken back or looked at, the journal and the marks say. */
export async function noWishes(of: Pick<QuarantineOptions, 'case' | 'who'>): Promise<QuarantineOptions> {
  return {
    case: of.case,
    who: of.who,
    keepLabels: [],
    allowOutage: true,
    wanted: new Set(),
    allowNode: false,
    scripts: await readScripts(),
    toolVersion: await toolVersion(),
  }
}
