import { asStringMap, at } from '../../model/json.js'
import { QUARANTINE_KEY } from '../../model/quarantine-plan.js'
import type { Enforces } from '../../model/network-plugin.js'

const MOST_PATTERNS = 200
const MOST_CHARS = 200

/** What Cilium's configuration makes of a NetworkPolicy that selects our label. */
export interface CiliumJudgement {
  readonly enforces: Enforces
  readonly why: string
}

/**
 * Reads the ConfigMap cilium-config: settings by which policies are only noted or not looked at, and label filters that keep our label
 * out of a pod's identity, so that no policy selects by it.
 * Source: pkg/option and pkg/labelsfilter of cilium/cilium.
 */
export function judgeCiliumConfig(configMap: unknown): CiliumJudgement {
  const data = asStringMap(at(configMap, 'data'))
  const is = (key: string, value: string): boolean => data[key]?.trim().toLowerCase() === value
  if (is('policy-audit-mode', 'true')) {
    return { enforces: 'no', why: 'policy-audit-mode is on: what policies deny is noted and let through' }
  }
  if (is('enable-policy', 'never')) return { enforces: 'no', why: 'enable-policy is "never"' }
  if (is('enable-k8s-networkpolicy', 'false')) {
    return { enforces: 'no', why: 'enable-k8s-networkpolicy is off' }
  }
  if ((data['label-prefix-file'] ?? '') !== '') {
    return {
      enforces: 'not-known',
      why: 'a label-prefix-file decides which labels policies see, and it can’t be read here',
    }
  }
  switch (labelFate(data['labels'] ?? '', QUARANTINE_KEY)) {
    case 'kept':
      return { enforces: 'yes', why: 'it enforces NetworkPolicies, and its label filters let our label pass' }
    case 'dropped':
      return {
        enforces: 'no',
        why: `its label filters drop ${QUARANTINE_KEY}: no policy selects the pod by it`,
      }
    case 'not-known':
      return {
        enforces: 'not-known',
        why: `whether its label filters let ${QUARANTINE_KEY} pass can’t be told from them`,
      }
  }
}

/**
 * Whether a label of a pod belongs to its identity under the filters of `labels`: patterns, '!' before what is ignored, a source such as
 * 'k8s:' before them. One without '!' makes all of them a list of what is kept; of what matches, the longer match wins.
 */
export function labelFate(filters: string, key: string): 'kept' | 'dropped' | 'not-known' {
  const patterns = filters.split(/\s+/).filter((one) => one !== '')
  if (patterns.length > MOST_PATTERNS) return 'not-known'
  let [only, kept, ignored] = [false, 0, 0]
  for (const given of patterns) {
    const [source, rest] = split(given)
    const ignores = rest.startsWith('!')
    if (!ignores) only = true
    // versions differ in what a '!' before the source means
    if (source.startsWith('!')) return 'not-known'
    if (source !== '' && source !== 'k8s') continue
    const length = matchLength(ignores ? rest.slice(1) : rest, key)
    if (length === undefined) return 'not-known'
    if (length === 0) continue
    if (ignores) ignored = ignored === 0 ? length : Math.min(ignored, length)
    else kept = Math.max(kept, length)
  }
  return (!only && ignored === 0) || kept > ignored ? 'kept' : 'dropped'
}

function split(filter: string): readonly [source: string, rest: string] {
  const colon = filter.indexOf(':')
  return colon < 0 ? ['', filter] : [filter.slice(0, colon), filter.slice(colon + 1)]
}

/** Literals, escaped characters, '.' and at most three '.*': what Go and JavaScript read alike, and what ends soon. */
const PLAIN = /^\^?(?:[\w/-]|\\[.\-/]|\.\*?)*\$?$/

/** How much of the key, from its beginning, a pattern matches; 0: not at all. Undefined where it is none that is evaluated here. */
function matchLength(pattern: string, key: string): number | undefined {
  if (pattern.length > MOST_CHARS || !PLAIN.test(pattern) || pattern.split('.*').length > 4) return undefined
  // like Cilium: the first match counts, and only at the beginning
  const match = new RegExp(pattern).exec(key)
  return match?.index === 0 ? match[0].length : 0
}
