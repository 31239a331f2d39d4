import { dirname, resolve } from 'node:path'

import type { Cluster, Context, User } from '@kubernetes/client-node'
import { parseDocument, YAMLParseError } from 'yaml'

import { ImpoundError } from '../model/errors.js'
import { asArray, asObject, asString, at } from '../model/json.js'
import type { Impersonation } from './impersonation.js'

/** A user of a kubeconfig: what client-node knows to use, and what it does not know. */
export interface KubeconfigUser extends User {
  /** Read for every request: it wins over `token`, as in client-go. */
  readonly tokenFile?: string
  /** as, as-groups, as-uid, as-user-extra; the user is empty where the kubeconfig names none. */
  readonly impersonate: Impersonation
}

/** One file of a kubeconfig; paths in it are absolute. */
export interface KubeconfigFile {
  readonly clusters: readonly Cluster[]
  readonly users: readonly KubeconfigUser[]
  readonly contexts: readonly Context[]
  readonly current: string | undefined
}

/**
 * Reads `kind: Config`, v1 (client-go, tools/clientcmd/api/v1). An entry without its name, or without what it stands for, is
 * left out: one that nobody uses must not stand in the way. Throws `configuration` for what is no YAML.
 */
export function parseKubeconfig(file: string, text: string): KubeconfigFile {
  const root = parseYaml(file, text)
  const path = (value: string | undefined): string | undefined =>
    value === undefined ? undefined : resolve(dirname(file), value)
  const named = <Entry>(
    list: string,
    key: string,
    read: (name: string, entry: unknown) => Entry | undefined,
  ): Entry[] =>
    asArray(at(root, list)).flatMap((one) => {
      const name = textOf(at(one, 'name'))
      const entry = name === undefined ? undefined : read(name, at(one, key))
      return entry === undefined ? [] : [entry]
    })
  return {
    clusters: named('clusters', 'cluster', (name, entry) => clusterOf(name, entry, path)),
    users: named('users', 'user', (name, entry) => userOf(name, entry, path)),
    contexts: named('contexts', 'context', contextOf),
    current: textOf(at(root, 'current-context')),
  }
}

function parseYaml(file: string, text: string): unknown {
  const failed = (why: string): ImpoundError =>
    new ImpoundError('configuration', `The kubeconfig ${file} can't be read: ${why}.`, {
      hints: [`Check it with: kubectl --kubeconfig ${file} config view`],
    })
  const document = parseDocument(text, { merge: true, logLevel: 'silent' })
  const [error] = document.errors
  // the parser's message quotes the file, and the file holds secrets: only the place is passed on
  if (error instanceof YAMLParseError) throw failed(`it is no YAML (line ${error.linePos?.[0].line ?? 1})`)
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    throw failed('its aliases lead nowhere, or to too much')
  }
}

type AbsolutePath = (value: string | undefined) => string | undefined

function clusterOf(name: string, entry: unknown, path: AbsolutePath): Cluster | undefined {
  const server = textAt(entry, 'server')
  if (server === undefined) return undefined
  const data = textAt(entry, 'certificate-authority-data')
  return {
    name,
    server,
    skipTLSVerify: ['true', true].includes(at(entry, 'insecure-skip-tls-verify') as string | boolean),
    ...optional('caData', data),
    // client-node would take the file; client-go takes the data
    ...optional('caFile', data === undefined ? path(textAt(entry, 'certificate-authority')) : undefined),
    ...optional('tlsServerName', textAt(entry, 'tls-server-name')),
    ...optional('proxyUrl', textAt(entry, 'proxy-url')),
  }
}

function userOf(name: string, entry: unknown, path: AbsolutePath): KubeconfigUser {
  const [certData, keyData] = [textAt(entry, 'client-certificate-data'), textAt(entry, 'client-key-data')]
  return {
    name,
    ...optional('certData', certData),
    ...optional('certFile', certData === undefined ? path(textAt(entry, 'client-certificate')) : undefined),
    ...optional('keyData', keyData),
    ...optional('keyFile', keyData === undefined ? path(textAt(entry, 'client-key')) : undefined),
    ...optional('token', textAt(entry, 'token')),
    ...optional('tokenFile', path(textAt(entry, 'tokenFile'))),
    ...optional('username', textAt(entry, 'username')),
    ...optional('password', textAt(entry, 'password')),
    ...optional('authProvider', asObject(at(entry, 'auth-provider'))),
    ...optional('exec', pluginOf(asObject(at(entry, 'exec')), path)),
    impersonate: {
      user: textAt(entry, 'as') ?? '',
      groups: texts(at(entry, 'as-groups')),
      uid: textAt(entry, 'as-uid') ?? '',
      extra: Object.fromEntries(
        Object.entries(asObject(at(entry, 'as-user-extra')) ?? {}).map(([key, values]) => [
          key,
          texts(values),
        ]),
      ),
    },
  }
}

/** A plugin named by a relative path lies beside the kubeconfig that names it; a bare name is looked up in PATH. */
function pluginOf(exec: ReturnType<typeof asObject>, path: AbsolutePath): typeof exec {
  const command = asString(exec?.['command'])
  if (exec === undefined || command === undefined || !/[\\/]/.test(command)) return exec
  return { ...exec, command: path(command) ?? command }
}

function contextOf(name: string, entry: unknown): Context | undefined {
  const cluster = textAt(entry, 'cluster')
  if (cluster === undefined) return undefined
  const user = textAt(entry, 'user')
  // typed as always there; a context may be anonymous
  return {
    name,
    cluster,
    ...optional('user', user),
    ...optional('namespace', textAt(entry, 'namespace')),
  } as Context
}

/** A scalar as text, undefined where it is empty: kubectl's reader takes unquoted numbers for strings too. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return asString(value) || undefined
}

function textAt(entry: unknown, key: string): string | undefined {
  return textOf(at(entry, key))
}

function texts(list: unknown): readonly string[] {
  return asArray(list).flatMap((value) => textOf(value) ?? [])
}

function optional<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]: Value })
}
