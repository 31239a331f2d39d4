import { createReadStream } from 'node:fs'
import { join } from 'node:path'

import type { Spool } from '../evidence/index.js'
import { readLines } from '../formats/jsonl.js'
import type { AccessDocument, AccountPower } from '../model/access-documents.js'
import { powerWords } from '../model/account-powers.js'
import type { DiffEntry, FilesystemSummary } from '../model/filesystem-documents.js'
import { type Connection, connectionsOf } from '../model/connections.js'
import type { SocketsDocument } from '../model/process-documents.js'
import { topChanges } from '../report/index.js'

/** What changed in one container's files, for the end screen. */
export interface ChangedFiles {
  readonly container: string
  readonly counts: FilesystemSummary['counts']
  /** Whether the capture was proven complete. */
  readonly complete: boolean
  /** The foremost changes that carry a flag: new executables, setuid, hidden names. */
  readonly notable: readonly Pick<DiffEntry, 'path' | 'change' | 'flags'>[]
}

const MOST_NOTABLE = 5

/** What the pod's service account can do, for the end screen. */
export interface AccountReach {
  /** namespace/name */
  readonly account: string
  /** The gravest powers, in words. */
  readonly can: readonly string[]
  /** Whether all bindings and roles could be read: else it may be able to do more. */
  readonly complete: boolean
}

const MOST_POWERS = 5

/** Undefined where the account's rights were not evaluated. */
export async function accountReach(spool: Spool, directory: string): Promise<AccountReach | undefined> {
  const path = `data/targets/${directory}/access.json`
  if (!spool.index().some((record) => record.path === path)) return undefined
  const { account, powers, complete } = (await spool.readDocument(path)) as AccessDocument
  const widest = powers.filter(
    (power) => power.names.length === 0 || !powers.some((other) => isWider(other, power)),
  )
  const shown = widest.slice(0, MOST_POWERS).map(powerWords)
  return {
    account: `${account.namespace}/${account.name}`,
    can: widest.length > shown.length ? [...shown, `and ${widest.length - shown.length} more`] : shown,
    complete,
  }
}

/** Whether it is the same power over all names in the same place. */
function isWider(other: AccountPower, { power, scope }: AccountPower): boolean {
  return other.names.length === 0 && other.power === power && other.scope === scope
}

/** Read back from a target's directory in the spool; a container without a baseline has no counts and is left out. */
export async function changedFiles(spool: Spool, directory: string): Promise<readonly ChangedFiles[]> {
  const root = `data/targets/${directory}/filesystem/`
  const paths = spool.index().map(({ path }) => path)
  const found: ChangedFiles[] = []
  for (const path of paths.filter((one) => one.startsWith(root) && one.endsWith('/diff.jsonl')).sort()) {
    const folder = path.slice(0, -'/diff.jsonl'.length)
    if (!paths.includes(`${folder}/summary.json`)) continue
    const summary = (await spool.readDocument(`${folder}/summary.json`)) as FilesystemSummary
    const top = await topChanges(entriesOf(join(spool.directory, path)), MOST_NOTABLE)
    found.push({
      container: summary.container,
      counts: summary.counts,
      complete: summary.capture.complete,
      notable: top
        .filter(({ flags }) => flags.length > 0)
        .map(({ path: changed, change, flags }) => ({ path: changed, change, flags })),
    })
  }
  return found
}

async function* entriesOf(file: string): AsyncGenerator<DiffEntry> {
  for await (const { text, torn } of readLines(createReadStream(file))) {
    if (!torn) yield JSON.parse(text.toString('utf8')) as DiffEntry
  }
}

const MOST_CONNECTIONS = 50

/** Connections that the suspect's own kernel still had after containment, or had anew; undefined where nobody looked. */
export async function openConnections(
  spool: Spool,
  directory: string,
): Promise<readonly Connection[] | undefined> {
  const root = `data/targets/${directory}/`
  const paths = new Set(spool.index().map(({ path }) => path))
  const read = async (name: string): Promise<SocketsDocument | undefined> =>
    paths.has(root + name) ? ((await spool.readDocument(root + name)) as SocketsDocument) : undefined
  const after = await read('sockets-contained.json')
  if (after === undefined) return undefined
  return connectionsOf(await read('sockets.json'), after)
    .filter((connection) => connection.after === 'still there' || connection.after === 'new')
    .slice(0, MOST_CONNECTIONS)
}
