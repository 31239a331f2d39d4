import { asArray, asObject, asString, at, type Json } from '../model/json.js'

/** One setting that two images have differently; absent on a side that has it not. */
export interface ConfigChange {
  /** 'env PATH', 'entrypoint', 'label maintainer', 'history' */
  readonly what: string
  readonly a?: string
  readonly b?: string
}

/** Most steps of a history, labels or variables that are looked at: a config has at most 4 MiB. */
const MOST = 10_000

/**
 * What the configurations of two images say differently: whoever runs, with what, as whom first, the history last. Source:
 * OCI image-spec, config.md; Docker's Healthcheck, OnBuild and Shell besides.
 */
export function compareConfigs(a: unknown, b: unknown): readonly ConfigChange[] {
  const [one, other] = [settingsOf(a), settingsOf(b)]
  const changes: ConfigChange[] = []
  for (const what of [...new Set([...one.keys(), ...other.keys()])].sort(byWeight)) {
    const [left, right] = [one.get(what), other.get(what)]
    if (left === right) continue
    changes.push({
      what,
      ...(left === undefined ? {} : { a: left }),
      ...(right === undefined ? {} : { b: right }),
    })
  }
  return [...changes, ...compareHistory(historyOf(a), historyOf(b))]
}

/** Settings that are one value each. */
const SINGLE: readonly (readonly [string, string])[] = [
  ['entrypoint', 'Entrypoint'],
  ['command', 'Cmd'],
  ['user', 'User'],
  ['working directory', 'WorkingDir'],
  ['shell', 'Shell'],
  ['health check', 'Healthcheck'],
  ['stop signal', 'StopSignal'],
  ['on build', 'OnBuild'],
]
const WEIGHTS = [
  'entrypoint',
  'command',
  'user',
  'env',
  'working',
  'shell',
  'health',
  'port',
  'volume',
  'stop',
  'on',
  'label',
]

function settingsOf(config: unknown): ReadonlyMap<string, string> {
  const settings = new Map<string, string>()
  const inner = at(config, 'config')
  for (const [what, key] of SINGLE) {
    const value = at(inner, key) as Json | undefined
    if (value !== undefined && value !== null && value !== '') settings.set(what, text(value))
  }
  for (const variable of asArray(at(inner, 'Env')).slice(0, MOST)) {
    const [name = '', ...value] = (asString(variable) ?? '').split('=')
    settings.set(`env ${name}`, value.join('='))
  }
  for (const [kind, key] of [
    ['port', 'ExposedPorts'],
    ['volume', 'Volumes'],
  ] as const) {
    for (const name of Object.keys(asObject(at(inner, key)) ?? {}).slice(0, MOST))
      settings.set(`${kind} ${name}`, 'yes')
  }
  for (const [name, value] of Object.entries(asObject(at(inner, 'Labels')) ?? {}).slice(0, MOST))
    settings.set(`label ${name}`, text(value))
  for (const key of ['os', 'architecture', 'variant', 'author', 'created']) {
    const value = asString(at(config, key))
    if (value !== undefined) settings.set(key, value)
  }
  return settings
}

function text(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function byWeight(a: string, b: string): number {
  const weight = (what: string): number => {
    const found = WEIGHTS.indexOf(what.split(' ', 1)[0] ?? '')
    return found === -1 ? WEIGHTS.length : found
  }
  return weight(a) - weight(b) || (a < b ? -1 : 1)
}

function historyOf(config: unknown): readonly string[] {
  return asArray(at(config, 'history'))
    .slice(0, MOST)
    .map((step) => asString(at(step, 'created_by')) ?? '')
}

/** Steps that one has and the other has not; an image built upon the other has but some of its own at the end. */
function compareHistory(a: readonly string[], b: readonly string[]): readonly ConfigChange[] {
  const without = (steps: readonly string[], others: readonly string[]): readonly string[] => {
    const left = new Map<string, number>()
    for (const step of others) left.set(step, (left.get(step) ?? 0) + 1)
    return steps.filter((step) => {
      const count = left.get(step) ?? 0
      left.set(step, count - 1)
      return count <= 0
    })
  }
  return [
    ...without(a, b).map((step) => ({ what: 'history', a: step })),
    ...without(b, a).map((step) => ({ what: 'history', b: step })),
  ]
}
