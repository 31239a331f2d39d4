import type { FileHandle } from 'node:fs/promises'

import { isDirectory } from './read-directory.js'
import { passingBytes, HashedBytes, openNamed } from './read-hashed.js'
import { checkArchive } from './verify-archive.js'
import { BagCheck } from './verify-bag.js'
import { checkDirectory } from './verify-directory.js'
import { Findings, type CheckName, type Verdict, type VerifyReport } from './verify-report.js'
import { checkSha256File } from './verify-sha256-file.js'

export type { VerifyReport } from './verify-report.js'

/** Bytes behind a fault that are still read for the hash of the file; of what never was gzip none are. */
const MAX_UNREAD = 4 * 2 ** 30

export interface VerifyOptions {
  readonly signal: AbortSignal
  /** A file in sha256sum's format; default `<archive>.sha256` where there is one. */
  readonly expectSha256File?: string
}

/**
 * Checks an archive (.tar.gz) or an unpacked bag, extracting nothing. Everything that is wrong is in the report, bounded in
 * number; nothing of it is thrown. Memory grows with the number of files (at most 500,000), not with their bytes. Throws `usage`
 * where the path can't be read, `aborted`.
 */
export async function verifyArchive(path: string, options: VerifyOptions): Promise<VerifyReport> {
  const findings = new Findings()
  const bag = new BagCheck(findings)
  findings.skip('signature', 'unsigned: nothing here proves who made it')
  const isUnpacked = await isDirectory(path)
  const found = isUnpacked
    ? await verifyDirectory(path, bag, findings, options.signal)
    : await verifyFile(path, bag, findings, options)
  const incompleteWhy = bag.info?.value('Impound-Incomplete') ?? bag.log.incomplete ?? null
  const verdict = verdictOf(findings, found.ended, bag.isUnsealed, incompleteWhy !== null)
  return {
    schema: 'impound/verify/v1',
    archive: path,
    kind: isUnpacked ? 'directory' : 'archive',
    ok: verdict === 'whole' || verdict === 'incomplete',
    verdict,
    incomplete: incompleteWhy !== null,
    incompleteWhy,
    signed: false,
    checks: findings.checks(),
    problems: findings.problems(),
    problemsLeftOut: findings.leftOut(),
    sha256: found.sha256,
    bytes: found.bytes,
    files: bag.files,
    logHead: bag.log.head ?? null,
  }
}

interface Found {
  readonly ended: 'whole' | 'cut' | 'corrupt'
  readonly sha256: string | null
  readonly bytes: number | null
}

async function verifyFile(
  path: string,
  bag: BagCheck,
  findings: Findings,
  options: VerifyOptions,
): Promise<Found> {
  const handle = await openNamed(path)
  try {
    const source = new HashedBytes(passingBytes(handle, options.signal))
    const ended = await checkArchive(source, bag, findings)
    bag.finish(ended === 'whole')
    const { size } = await handle.stat()
    const unread = size - source.bytes
    if (ended !== 'whole' && unread > ((await startsAsGzip(handle)) ? MAX_UNREAD : 0)) {
      findings.skip('sha256-file', `no SHA-256 was made: reading stopped ${unread} bytes before the end`)
      return { ended, sha256: null, bytes: size }
    }
    const sha256 = await source.digest()
    await checkSha256File(path, sha256, options.expectSha256File, findings)
    return { ended, sha256, bytes: source.bytes }
  } finally {
    await handle.close()
  }
}

async function startsAsGzip(handle: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0)
  return bytesRead === 2 && buffer.readUInt16BE(0) === 0x1f8b
}

async function verifyDirectory(
  path: string,
  bag: BagCheck,
  findings: Findings,
  signal: AbortSignal,
): Promise<Found> {
  await checkDirectory(path, bag, findings, signal)
  bag.finish(true)
  return { ended: 'whole', sha256: null, bytes: null }
}

const OF_THE_CHAIN: ReadonlySet<CheckName> = new Set(['log-chain', 'log-agreement', 'projections', 'seal'])

function verdictOf(
  findings: Findings,
  ended: Found['ended'],
  isUnsealed: boolean,
  isIncomplete: boolean,
): Verdict {
  const failed = findings.failed()
  if (ended === 'cut') return 'cut'
  if (failed.some((check) => !OF_THE_CHAIN.has(check))) return 'corrupt'
  if (failed.length > 0) return 'broken-chain'
  if (isUnsealed) return 'unsealed'
  return isIncomplete ? 'incomplete' : 'whole'
}
