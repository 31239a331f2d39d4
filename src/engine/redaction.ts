import type { Spool } from '../evidence/index.js'
import { createRedactor } from '../evidence/redact.js'
import type { ArtefactRecord } from '../model/evidence.js'
import type { RedactBody } from './recorder.js'

/** Redaction of a run's API documents. */
export interface Redaction {
  readonly redact: RedactBody
  close(): Promise<ArtefactRecord>
}

/** Under the key of the case; each replacement is a line of data/redactions.jsonl. Throws `storage`. */
export async function openRedaction(spool: Spool, key: Buffer): Promise<Redaction> {
  const redactor = createRedactor(key)
  const lines = await spool
    .caseSink('redaction')
    .open(
      'redactions.jsonl',
      { kind: 'derived', mediaType: 'application/jsonl', trust: 'tool', derivedFrom: [] },
      '',
    )
  return {
    async redact(body, artefact) {
      const { bytes, redactions } = redactor.redactDocument(body)
      for (const redaction of redactions) await lines.write(`${JSON.stringify({ artefact, ...redaction })}\n`)
      return bytes
    },
    close: () => lines.end(),
  }
}
