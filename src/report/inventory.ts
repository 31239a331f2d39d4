import type { ArtefactRecord, Trust } from '../model/evidence.js'
import { formatBytes } from '../text/bytes.js'
import { bounded, byText } from './bounded.js'
import type { Inventory, InventoryRow } from './model.js'
import { TRUST_WORDS } from './words.js'

const MOST_FILES = 150
const INDEX = 'data/index.jsonl'

/** Every artefact by the directory of its target. */
export function inventoryOf(artefacts: readonly ArtefactRecord[]): Inventory {
  const groups = Map.groupBy(artefacts, ({ path }) => /^data\/targets\/[^/]+\//.exec(path)?.[0] ?? '')
  return {
    total: artefacts.length,
    bytes: formatBytes(artefacts.reduce((sum, { bytes }) => sum + bytes, 0)),
    where: INDEX,
    trust: (Object.entries(TRUST_WORDS) as [Trust, string][])
      .map(([trust, meaning]) => ({
        trust,
        meaning,
        files: artefacts.filter(({ source }) => source.trust === trust).length,
      }))
      .filter(({ files }) => files > 0),
    groups: [...groups]
      .toSorted(([a], [b]) => byText(a, b))
      .map(([directory, records]) => ({
        directory,
        files: bounded(rowsOf(records, directory), MOST_FILES, INDEX),
      })),
  }
}

function rowsOf(records: readonly ArtefactRecord[], directory: string): readonly InventoryRow[] {
  return records
    .toSorted((a, b) => byText(a.path, b.path))
    .map(({ path, bytes, sha256, source, status, reason }) => ({
      file: path.slice(directory.length),
      bytes,
      sha256,
      trust: source.trust,
      status: reason === undefined ? status : `${status}: ${reason}`,
    }))
}
