import type { NetworkPluginFacts } from '../../model/network-plugin.js'

/** What becomes of connections that are open before the cut. */
export function openConnectionsLine({ established, establishedWhy }: NetworkPluginFacts): string {
  const what = 'connections that were open before the cut'
  switch (established) {
    case 'survive':
      return `${what}: they survive it (${establishedWhy})`
    case 'cut':
      return `${what}: they are to be cut too (${establishedWhy}), which was not tried`
    case 'not-known':
      return `${what}: most network plugins leave them; for this cluster it is not known`
  }
}

export function networkWarnings({ enforces, why, warnings }: NetworkPluginFacts): readonly string[] {
  return [
    ...(enforces === 'yes'
      ? []
      : [
          enforces === 'no'
            ? `a NetworkPolicy has no effect on this pod: ${why}`
            : `whether a NetworkPolicy has any effect on this pod is not known: ${why}`,
        ]),
    ...warnings,
  ]
}
