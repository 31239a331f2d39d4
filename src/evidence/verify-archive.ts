import { keepReturn } from '../formats/keep-return.js'
import { readGzip } from '../formats/gzip.js'
import { readTar, type TarEntry, type TarHeader } from '../formats/tar.js'
import { isCode } from '../model/errors.js'
import { memberPath } from './read-member-path.js'
import { HashedBytes } from './read-hashed.js'
import { MAX_FILES, type BagCheck } from './verify-bag.js'
import type { CheckName, Findings } from './verify-report.js'

/** GNU tar fills up to a record of 20 blocks; more zeros than that after the end mark are nobody's habit. */
const MAX_PADDING = 10_240

/**
 * Feeds every member of a .tar.gz to the bag check, extracting nothing. Returns whether it was read to its end marks and how
 * it ended if not; mismatches of gzip, tar and members go to the findings. Throws only what the source throws.
 */
export async function checkArchive(
  source: AsyncIterable<Buffer>,
  bag: BagCheck,
  findings: Findings,
): Promise<'whole' | 'cut' | 'corrupt'> {
  const gzip = keepReturn(watched(readGzip(source), 'gzip', findings))
  const tar = keepReturn(readTar(gzip))
  const members = new Members(bag, findings)
  try {
    for await (const entry of tar) await members.take(entry)
  } catch (error) {
    if (!isCode(error, 'cut', 'integrity', 'too-big')) throw error
    if (findings.count('gzip') === 0) findings.problem('tar', error.message)
    return error.code === 'cut' ? 'cut' : 'corrupt'
  }
  members.finish()
  const tarEnd = tar.returned
  if (tarEnd !== undefined) {
    const { trailing } = tarEnd
    if (!trailing.zero)
      findings.problem('tar', `${trailing.bytes} bytes that are not zero follow its end mark`)
    else if (trailing.bytes > MAX_PADDING)
      findings.problem('tar', `${trailing.bytes} zeros follow its end mark`)
    findings.detail('tar', `${tarEnd.entries} members, two zero blocks`)
  }
  const gzipEnd = gzip.returned
  if (gzipEnd !== undefined) {
    const { trailing } = gzipEnd
    if (trailing.bytes > 0) {
      const kind = trailing.zero ? 'zeros' : 'bytes that are no gzip'
      findings.problem('gzip', `${trailing.bytes} ${kind} follow its last member`)
    }
    findings.detail('gzip', `${gzipEnd.members} members, ${gzipEnd.outputBytes} bytes inflated`)
  }
  return 'whole'
}

/** Notes which layer a failure came from. */
async function* watched<Returned>(
  stream: AsyncGenerator<Buffer, Returned, undefined>,
  check: CheckName,
  findings: Findings,
): AsyncGenerator<Buffer, Returned, undefined> {
  try {
    return yield* stream
  } catch (error) {
    if (isCode(error, 'cut', 'integrity', 'too-big')) findings.problem(check, error.message)
    throw error
  }
}

/** What may stand in the tar at all: plain files with safe names, once each, in one folder. */
class Members {
  readonly #bag: BagCheck
  readonly #findings: Findings
  readonly #directories = new Set<string>()
  readonly #parents = new Set<string>()
  #folder: string | undefined
  #files = 0

  constructor(bag: BagCheck, findings: Findings) {
    this.#bag = bag
    this.#findings = findings
  }

  async take({ header, content }: TarEntry): Promise<void> {
    const shown = header.path.toString('utf8').slice(0, 300)
    const path = memberPath(header.path)
    if (path === undefined) {
      this.#findings.problem(
        'members',
        'its name is absolute, leads upwards or has characters that we never use',
        shown,
      )
      return
    }
    this.#folder ??= path.folder
    if (path.folder !== this.#folder)
      this.#findings.problem('members', `it is not in ${this.#folder}/`, shown)
    const odd = oddity(header)
    if (odd !== undefined) this.#findings.problem('members', odd, shown)
    if (header.type === 'directory') {
      this.#directory(path.inside)
    } else if (header.type === 'file' && path.folder === this.#folder) {
      await this.#file(path.inside, content)
    }
  }

  async #file(inside: string, content: AsyncIterable<Buffer>): Promise<void> {
    if (inside === '') {
      this.#findings.problem('members', 'it is in no folder', this.#folder)
      return
    }
    if (this.#bag.has(inside)) {
      this.#findings.problem('members', 'it is there twice; what is unpacked last counts', inside)
      return
    }
    this.#files += 1
    if (this.#files > MAX_FILES) {
      if (this.#files === MAX_FILES + 1) this.#findings.problem('members', `more than ${MAX_FILES} files`)
      return
    }
    for (let slash = inside.lastIndexOf('/'); slash > 0; slash = inside.lastIndexOf('/', slash - 1)) {
      this.#parents.add(inside.slice(0, slash))
    }
    await this.#bag.file(inside, new HashedBytes(content))
  }

  #directory(inside: string): void {
    if (this.#directories.size >= MAX_FILES) this.#findings.problem('members', 'too many directories', inside)
    else if (inside !== '') this.#directories.add(inside)
  }

  finish(): void {
    for (const directory of this.#directories) {
      if (!this.#parents.has(directory))
        this.#findings.problem('members', 'a directory that holds nothing', directory)
    }
    if (this.#folder === undefined) this.#findings.problem('members', 'the archive is empty')
    this.#findings.detail('members', `${this.#files} plain files in ${this.#folder ?? ''}/`)
  }
}

/** What no archive of ours has and what could harm whoever unpacks it. */
function oddity(header: TarHeader): string | undefined {
  if (header.type !== 'file' && header.type !== 'directory') return `it is a ${header.type}, not a plain file`
  if ((header.mode & 0o7000) !== 0) return 'it is setuid, setgid or sticky'
  if (header.xattrs.size > 0) return 'it has extended attributes'
  if (header.sparse !== undefined) return 'it is sparse'
  return undefined
}
