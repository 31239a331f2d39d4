import type { ArtefactRecord, Trust } from '../model/evidence.js'
import { formatBytes } from '../text/bytes.js'
import { bounded, byText } from './bounded.js'
import type { Inventory } from './model.js'
import { TRUST_WORDS } from './words.js'

const MOST_FILES = 150

export function inventoryOf(artefacts: readonly ArtefactRecord[]): Inventory {
  const rows = artefacts
    .toSorted((a, b) => byText(a.path, b.path))
    .map((artefact) => ({
      path: artefact.path,
      bytes: artefact.bytes,
      sha256: artefact.sha256,
      trust: artefact.source.trust,
      status: artefact.reason === undefined ? artefact.status : `${artefact.status}: ${artefact.reason}`,
    }))
  return {
    files: bounded(rows, MOST_FILES, 'data/index.jsonl'),
    bytes: formatBytes(artefacts.reduce((sum, { bytes }) => sum + bytes, 0)),
    trust: (Object.entries(TRUST_WORDS) as [Trust, string][])
      .map(([trust, meaning]) => ({
        trust,
        meaning,
        files: artefacts.filter(({ source }) => source.trust === trust).length,
      }))
      .filter(({ files }) => files > 0),
  }
}
