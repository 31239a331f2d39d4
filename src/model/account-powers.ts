import type { AccountPower, PowerName } from './access-documents.js'

/** What each power lets its holder do, after 'can'. */
export const POWER_WORDS: Readonly<Record<PowerName, string>> = {
  everything: 'do everything',
  'read-secrets': 'read Secrets',
  'write-secrets': 'change or delete Secrets',
  'exec-in-pods': 'run commands in pods',
  'start-pods': 'start pods, and by them use any Secret and service account of the namespace',
  'change-workloads': 'change what Deployments, Jobs and their like run',
  'make-tokens': 'make tokens of service accounts',
  impersonate: 'act as somebody else',
  'grant-rights': 'change roles or their bindings',
  'node-proxy': 'run commands in every pod of a node, by way of its kubelet',
  'change-admission': 'change what the API server admits',
  'approve-certificates': 'approve certificates, and so become other users',
  'make-volumes': 'make volumes, of host paths too',
  'change-nodes': 'change or delete nodes',
  'undo-quarantine': "undo a quarantine (change NetworkPolicies or pods' labels)",
  'delete-events': 'delete events',
  'read-configmaps': 'read ConfigMaps',
}

/** 'in namespace shop'. */
export function scopeWords(scope: string): string {
  return scope === '*' ? 'in the whole cluster' : `in namespace ${scope}`
}

const MOST_NAMES = 5

/** 'read Secrets in namespace shop', 'read Secrets named web-session in namespace shop'. May quote hostile names. */
export function powerWords({ power, scope, names }: AccountPower): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''
  const named = names.length === 0 ? '' : ` named ${names.slice(0, MOST_NAMES).join(', ')}${more}`
  const all = power === 'read-secrets' && names.length === 0 ? 'read all Secrets' : POWER_WORDS[power]
  return `${all}${named} ${scopeWords(scope)}`
}
