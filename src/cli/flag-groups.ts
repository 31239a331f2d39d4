/** The headings of `--help` that flags stand under. */
export const CLUSTER = 'CLUSTER'
export const EVIDENCE = 'EVIDENCE'
export const OUTPUT = 'OUTPUT'
export const CONTAINMENT = 'QUARANTINE'
