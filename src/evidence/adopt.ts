import { join } from 'node:path'

import type { ArtefactRecord } from '../model/evidence.js'
import { hashFile } from './bag.js'
import type { Spool } from './spool.js'

/** Files that seal makes anew. */
const PROJECTIONS = new Set(['data/index.jsonl', 'data/ledger.json'])

/**
 * Gives every file of the payload that the log has no line for one, as partial: a crash or a full disk came between its
 * bytes and its line, so nobody knows whether it is whole.
 */
export async function adoptStrays(spool: Spool, payload: readonly string[]): Promise<void> {
  const known = new Set(spool.index().map(({ path }) => path))
  for (const path of payload) {
    if (known.has(path) || PROJECTIONS.has(path)) continue
    const at = spool.clock.now().toISOString()
    const target = /^data\/targets\/([^/]+)\//.exec(path)?.[1]
    const artefact: ArtefactRecord = {
      path,
      ...(await hashFile(join(spool.directory, path))),
      collector: 'unknown',
      ...(target === undefined ? {} : { target }),
      source: { kind: 'stream', mediaType: 'application/octet-stream', trust: 'target-controlled' },
      status: 'partial',
      reason: 'interrupted',
      detail: 'the run ended before it was noted where this came from and whether it is whole',
      startedAt: at,
      endedAt: at,
    }
    await spool.log.append({ type: 'artefact', artefact, subject: path })
  }
}
