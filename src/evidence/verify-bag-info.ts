import type { Findings } from './verify-report.js'

const SUPPORTED_VERSION = '1'

/** bag-info.txt (RFC 8493, 2.2.2): labels and values, a line that begins with a blank goes on with the one before. */
export class BagInfo {
  readonly #values = new Map<string, string>()

  constructor(text: string, findings: Findings) {
    const unfolded = text.replaceAll(/\r?\n[ \t]+/g, ' ')
    for (const line of unfolded.split(/\r?\n/)) {
      if (line === '') continue
      const colon = line.indexOf(':')
      const label = line.slice(0, Math.max(colon, 0)).trim()
      if (label === '') findings.problem('bag', 'a line without a label', 'bag-info.txt')
      else if (this.#values.has(label)) findings.problem('bag', `${label} is there twice`, 'bag-info.txt')
      else this.#values.set(label, line.slice(colon + 1).trim())
    }
    const version = this.value('Impound-Archive-Version')
    if (version !== SUPPORTED_VERSION) {
      findings.problem(
        'bag',
        version === undefined
          ? 'it names no Impound-Archive-Version: no archive of impound, or not one that it finished'
          : `archive version ${version}; this impound knows ${SUPPORTED_VERSION}`,
        'bag-info.txt',
      )
    }
  }

  value(label: string): string | undefined {
    return this.#values.get(label)
  }
}
