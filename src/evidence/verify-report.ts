/** What is checked, in the order in which it is told. */
const CHECKS = [
  'sha256-file',
  'gzip',
  'tar',
  'members',
  'bag',
  'tag-manifest',
  'payload-manifest',
  'files',
  'payload-oxum',
  'log-chain',
  'log-agreement',
  'projections',
  'seal',
  'signature',
] as const

export type CheckName = (typeof CHECKS)[number]

export interface Check {
  readonly name: CheckName
  /** Null where it could not be checked, or there was nothing to check: `detail` says which. */
  readonly ok: boolean | null
  readonly detail: string
}

/** One mismatch. May quote names from the archive, which may be hostile. */
export interface Problem {
  readonly check: CheckName
  /** Inside the bag, where it is about one file. */
  readonly path?: string
  readonly message: string
}

/**
 * - whole: every byte is what manifests and log say.
 * - incomplete: the same, and the tool itself had labelled it incomplete when it was sealed.
 * - unsealed: a run's directory before sealing; its log chains and does not contradict what is there, nothing else could be checked.
 * - cut: it ends before its end mark.
 * - broken-chain: the files are what the manifests say, but the acquisition log does not chain or contradicts them.
 * - corrupt: anything else is wrong.
 */
export type Verdict = 'whole' | 'incomplete' | 'unsealed' | 'cut' | 'broken-chain' | 'corrupt'

/** What `impound verify` found; the document impound/verify/v1 (schemas/verify.v1.json). */
export interface VerifyReport {
  readonly schema: 'impound/verify/v1'
  /** As given. */
  readonly archive: string
  readonly kind: 'archive' | 'directory'
  /** Whether it is whole, or labelled incomplete and otherwise whole. Says nothing about who made it: see `signed`. */
  readonly ok: boolean
  readonly verdict: Verdict
  readonly incomplete: boolean
  /** The tool's own words at sealing. */
  readonly incompleteWhy: string | null
  /** No signature is checked by this version: nothing here proves who made the archive. */
  readonly signed: false
  readonly checks: readonly Check[]
  readonly problems: readonly Problem[]
  /** Problems past the bound on how many are told. */
  readonly problemsLeftOut: number
  /** Of the archive file itself; null for a directory, and where what could not be read is not worth reading on. */
  readonly sha256: string | null
  readonly bytes: number | null
  /** Files in the bag, tag files included. */
  readonly files: number
  /** SHA-256 of the log's last line, as computed. Null where there is no log. */
  readonly logHead: string | null
}

const MAX_PROBLEMS_OF_A_CHECK = 200
/** Characters of what is quoted from an archive. */
const MAX_QUOTED = 500

/** Collects every mismatch, and tells a bounded number of each kind. */
export class Findings {
  readonly #problems = new Map<CheckName, Problem[]>()
  readonly #counts = new Map<CheckName, number>()
  readonly #details = new Map<CheckName, string>()
  readonly #skipped = new Map<CheckName, string>()

  problem(check: CheckName, message: string, path?: string): void {
    const known = this.#problems.get(check) ?? []
    this.#problems.set(check, known)
    this.#counts.set(check, this.count(check) + 1)
    if (known.length < MAX_PROBLEMS_OF_A_CHECK) {
      known.push({
        check,
        ...(path === undefined ? {} : { path: path.slice(0, MAX_QUOTED) }),
        message: message.slice(0, MAX_QUOTED),
      })
    }
  }

  /** What a check that found nothing wrong has looked at: '12 files'. */
  detail(check: CheckName, detail: string): void {
    this.#details.set(check, detail)
  }

  /** That a check could not be made, and why. Problems of the same check still count. */
  skip(check: CheckName, why: string): void {
    this.#skipped.set(check, why)
  }

  count(check: CheckName): number {
    return this.#counts.get(check) ?? 0
  }

  failed(): readonly CheckName[] {
    return CHECKS.filter((check) => this.count(check) > 0)
  }

  checks(): readonly Check[] {
    return CHECKS.map((name) => {
      const count = this.count(name)
      if (count > 0) return { name, ok: false, detail: this.#summary(name, count) }
      const skipped = this.#skipped.get(name)
      if (skipped !== undefined) return { name, ok: null, detail: skipped }
      const detail = this.#details.get(name)
      return detail === undefined ? { name, ok: null, detail: 'not reached' } : { name, ok: true, detail }
    })
  }

  problems(): readonly Problem[] {
    return CHECKS.flatMap((check) => this.#problems.get(check) ?? [])
  }

  leftOut(): number {
    return CHECKS.reduce((sum, check) => sum + this.count(check), 0) - this.problems().length
  }

  #summary(check: CheckName, count: number): string {
    const first = this.#problems.get(check)?.[0]
    const one =
      first === undefined ? '' : `${first.path === undefined ? '' : `${first.path}: `}${first.message}`
    return count === 1 ? one : `${count} problems, the first: ${one}`
  }
}
