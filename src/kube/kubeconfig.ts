import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { delimiter, join, resolve } from 'node:path'

import type { Cluster, Context } from '@kubernetes/client-node'

import { ImpoundError, messageOf } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import { type KubeconfigUser, parseKubeconfig } from './kubeconfig-file.js'

export type Environment = Readonly<Record<string, string | undefined>>

export interface KubeconfigRequest {
  /** --kubeconfig: this file alone. */
  readonly kubeconfig?: string
  readonly context?: string
  readonly env: Environment
  /** The home directory; absent where there is none. */
  readonly home?: string
}

/** The cluster, the user and the namespace that a context stands for. */
export interface SelectedContext {
  readonly context: string
  readonly cluster: Cluster
  readonly user: KubeconfigUser
  readonly namespace: string | undefined
}

interface Merged {
  readonly clusters: Map<string, Cluster>
  readonly users: Map<string, KubeconfigUser>
  readonly contexts: Map<string, Context>
  readonly files: string[]
  current: string | undefined
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const NOBODY = { user: '', groups: [], uid: '', extra: {} }

/**
 * The context to work in, found as kubectl finds it: --kubeconfig, else the files of KUBECONFIG (the first file to set a
 * name wins, absent files are passed over), else ~/.kube/config, else the service account of the pod that we run in.
 * Throws `configuration`, naming the contexts that there are.
 */
export async function selectContext(request: KubeconfigRequest): Promise<SelectedContext> {
  const merged = await merge(request)
  if (merged.contexts.size === 0 && merged.clusters.size === 0) return inCluster(request, merged)
  const name = request.context ?? merged.current
  const context = name === undefined ? undefined : merged.contexts.get(name)
  if (name === undefined || context === undefined) throw noContext(name, merged)
  const cluster = merged.clusters.get(context.cluster)
  const user = merged.users.get(context.user)
  if (cluster === undefined) throw dangling(name, 'cluster', context.cluster, merged)
  // a context without a user is anonymous; one whose user is missing is a mistake
  if (user === undefined && (context.user as string | undefined) !== undefined)
    throw dangling(name, 'user', context.user, merged)
  return {
    context: name,
    cluster,
    user: user ?? { name: 'anonymous', impersonate: NOBODY },
    namespace: context.namespace,
  }
}

async function merge(request: KubeconfigRequest): Promise<Merged> {
  const merged: Merged = {
    clusters: new Map(),
    users: new Map(),
    contexts: new Map(),
    files: candidates(request),
    current: undefined,
  }
  for (const file of merged.files) {
    const text = await read(file, request.kubeconfig !== undefined)
    if (text === undefined || text.trim() === '') continue
    const one = parseKubeconfig(file, text)
    for (const cluster of one.clusters) keepFirst(merged.clusters, cluster)
    for (const user of one.users) keepFirst(merged.users, user)
    for (const context of one.contexts) keepFirst(merged.contexts, context)
    merged.current ??= one.current
  }
  return merged
}

function keepFirst<Entry extends { readonly name: string }>(into: Map<string, Entry>, entry: Entry): void {
  if (!into.has(entry.name)) into.set(entry.name, entry)
}

function candidates({ kubeconfig, env, home }: KubeconfigRequest): string[] {
  if (kubeconfig !== undefined) return [resolve(kubeconfig)]
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '')
  if (listed.length > 0) return listed.map((file) => resolve(file))
  return home === undefined ? [] : [join(home, '.kube', 'config')]
}

async function read(file: string, required: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const code = asString(at(cause, 'code')) ?? messageOf(cause)
    if (code === 'ENOENT' && !required) return undefined
    const why =
      { ENOENT: 'there is no such file', EACCES: 'it may not be read', EISDIR: 'it is a directory' }[code] ??
      code
    throw new ImpoundError('configuration', `The kubeconfig ${file} can't be used: ${why}.`, {
      cause,
      hints: ['Name another with --kubeconfig or in KUBECONFIG.'],
    })
  }
}

/** The service account that Kubernetes mounts into every pod, found as client-go's InClusterConfig finds it. */
async function inCluster({ env, context }: KubeconfigRequest, merged: Merged): Promise<SelectedContext> {
  const [host, port] = [env['KUBERNETES_SERVICE_HOST'], env['KUBERNETES_SERVICE_PORT']]
  if (host === undefined || port === undefined)
    throw new ImpoundError('configuration', 'No kubeconfig was found: which cluster is not known.', {
      hints: [
        ...(merged.files.length === 0 ? [] : [`Looked at ${merged.files.join(', ')}.`]),
        'Name one with --kubeconfig FILE or in KUBECONFIG.',
      ],
    })
  if (context !== undefined) throw noContext(context, merged)
  const namespace = await readFile(join(SERVICE_ACCOUNT, 'namespace'), 'utf8').catch(() => undefined)
  const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`
  return {
    context: 'in-cluster',
    cluster: { name: 'in-cluster', server, skipTLSVerify: false, caFile: join(SERVICE_ACCOUNT, 'ca.crt') },
    user: { name: 'service account', tokenFile: join(SERVICE_ACCOUNT, 'token'), impersonate: NOBODY },
    namespace: namespace?.trim(),
  }
}

function noContext(name: string | undefined, merged: Merged): ImpoundError {
  const known = [...merged.contexts.keys()].sort()
  const message =
    name === undefined
      ? 'The kubeconfig names no current context.'
      : `There is no context ${JSON.stringify(name)} in the kubeconfig.`
  return new ImpoundError('configuration', message, {
    hints: [
      known.length === 0 ? 'There are no contexts in it.' : `The contexts are: ${known.join(', ')}.`,
      ...(known.length === 0 ? [] : ['Choose one with --context NAME.']),
      `Looked at ${merged.files.join(', ')}.`,
    ],
  })
}

function dangling(context: string, what: 'cluster' | 'user', name: string, merged: Merged): ImpoundError {
  return new ImpoundError(
    'configuration',
    `The context ${JSON.stringify(context)} names the ${what} ${JSON.stringify(name)}, which the kubeconfig lacks.`,
    { hints: [`Looked at ${merged.files.join(', ')}.`] },
  )
}
