import type { ReportInput } from '../../src/report/index.js'
import { SHOP_CASE } from './shop-case.js'

/** Values of closed lists: impound itself writes them, nobody in the cluster can. */
const OURS = new Set([
  ...[
    'collected',
    'partial',
    'failed',
    'skipped',
    'forbidden',
    'target-refused',
    'not-applicable',
    'cut',
    'timeout',
  ],
  ...[
    'api',
    'registry-verified',
    'target-controlled',
    'derived',
    'stream',
    'registry',
    'exec',
    'synchronised',
  ],
  ...[
    'added',
    'modified',
    'deleted',
    'metadata-only',
    'user',
    'runtime',
    'content',
    'mode',
    'mtime',
    'kept',
    'too-big',
  ],
  ...['alive', 'established', 'tcp6'],
  ...['read-secrets', 'undo-quarantine', 'own-namespace', 'projected', 'secret', 'aws', 'service account'],
  ...['read from the node', 'whole', 'no', 'target-gone', 'rotated-away', 'inferred'],
  ...['unsupported', 'index', 'node-kernel'],
  ...['file', 'unverified', 'PATCH', 'POST', 'main', 'sidecar', 'pod', 'current'],
])

/** The shop's case with every text that the far side could have chosen replaced. */
export function hostileCase(text: string): ReportInput {
  const hostile = replaced(SHOP_CASE, text) as ReportInput
  const [target] = hostile.targets
  return {
    ...hostile,
    incomplete: text,
    logHead: text,
    handling: text,
    targets: [
      {
        ...target!,
        pod: { ...target!.pod!, labels: { [text]: text } },
        plan: {
          ...target!.plan!,
          labels: {
            before: { [text]: text },
            add: { [text]: text },
            remove: [text],
            keep: [{ key: text, why: text }],
          },
        },
      },
    ],
  }
}

function replaced(value: unknown, text: string): unknown {
  if (typeof value === 'string') return OURS.has(value) ? value : text
  if (Array.isArray(value)) return value.map((inner) => replaced(inner, text))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, text)]))
}
