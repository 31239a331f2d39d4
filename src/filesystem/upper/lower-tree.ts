import { hashContent } from '../content-hash.js'
import type { TreeFacts } from '../facts.js'
import { pathKey } from '../path-key.js'
import { idInside } from './id-map.js'
import { nodeFacts, recordFacts } from './node-facts.js'
import type { UpperFacts } from './upper-facts.js'
import type { BaselineTree } from './upper-diff.js'
import type { UpperStream } from './upper-stream.js'

/** Paths of the layers below that are held: about 450 bytes of memory each. */
const ENTRIES = 400_000

/**
 * The layers below as the node's kernel puts them together, as far as upper touches them: of the paths that both have everything is
 * known; of what lies below deleted and replaced directories neither content nor extended attributes.
 */
export async function readLower(stream: UpperStream, facts: UpperFacts): Promise<BaselineTree> {
  const entries = new Map<string, TreeFacts>()
  const inside = (outside: TreeFacts): TreeFacts => ({
    ...outside,
    uid: idInside(facts.uidMap, outside.uid) ?? outside.uid,
    gid: idInside(facts.gidMap, outside.gid) ?? outside.gid,
  })
  for await (const { record } of stream.records())
    if (entries.size < ENTRIES) entries.set(record.key, inside(recordFacts(record)))
  for await (const entry of stream.tar()) {
    const key = pathKey(entry.header.path)
    const found = nodeFacts(entry.header)
    if (key === undefined || found === undefined) continue
    const target = found.type === 'hardlink' ? entries.get(targetKey(found.link)) : undefined
    const sha256 = found.type === 'file' ? await hashContent(entry) : undefined
    entries.set(key, target ?? inside({ ...found, sha256 }))
  }
  return entries
}

function targetKey(link: string | undefined): string {
  return pathKey(Buffer.from(link ?? '', 'latin1')) ?? ''
}
