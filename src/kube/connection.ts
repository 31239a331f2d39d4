import { homedir } from 'node:os'

// this module alone: the package's index costs half as much again
import { KubeConfig } from '@kubernetes/client-node/dist/config.js'

import { ImpoundError } from '../model/errors.js'
import { Authentication, type Impersonation } from './authentication.js'
import { Client } from './client.js'
import type { ConnectOptions, KubeConnection } from './contract.js'
import { runCredentialPlugin } from './credential-plugin.js'
import { ApiExec } from './exec.js'
import { selectContext, type SelectedContext } from './kubeconfig.js'
import { ApiLogs } from './logs.js'
import { Observations } from './observations.js'
import { ApiReader } from './reader.js'
import { parseServerUrl, type ServerUrl } from './server-url.js'
import { Transport } from './transport.js'
import { ApiWriter } from './writer.js'

/** Long enough for a log-in in a browser. */
const PLUGIN_TIMEOUT_MS = 120_000

const newConfig = (): KubeConfig => new KubeConfig()

export async function openConnection(options: ConnectOptions): Promise<KubeConnection> {
  const env = options.env ?? process.env
  const home = env['HOME'] ?? homedir()
  const selected = await selectContext({
    env,
    home,
    newConfig,
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
  })
  const server = parseServerUrl(selected.cluster.server)
  const impersonate = impersonation(options, selected)
  warn(options, selected, server)
  const closing = new AbortController()
  const authentication = new Authentication({
    newConfig,
    context: selected.context,
    cluster: selected.cluster,
    user: selected.user,
    impersonate,
    clock: options.clock,
    timeoutMs: options.requestTimeoutMs,
    plugin: pluginOf(options, selected, env, closing.signal),
  })
  const observations = new Observations(server.host)
  const { clock, random, notice, requestTimeoutMs } = options
  const proxyUrl = selected.cluster.proxyUrl
  const transport = new Transport({ server, proxyUrl, authentication, observations, clock, random })
  const client = new Client({
    transport,
    authentication,
    context: selected.context,
    requestTimeoutMs,
    clock,
    notice,
  })
  const reader = new ApiReader(client, {
    context: selected.context,
    namespace: options.namespace ?? selected.namespace ?? 'default',
    url: server.display,
    impersonating: impersonate?.user,
    tlsChainSha256: observations.tlsChainSha256,
    clockSamples: observations.clockSamples,
    requestCount: observations.requestCount,
  })
  return {
    reader,
    writer: (journal) => new ApiWriter(client, journal),
    exec: new ApiExec(client),
    logs: new ApiLogs(client),
    close: async () => {
      closing.abort(new ImpoundError('aborted', 'The connection was closed.'))
      observations.close()
      await transport.close()
    },
  }
}

function impersonation(
  { as, asGroups = [] }: ConnectOptions,
  { user }: SelectedContext,
): Impersonation | undefined {
  const name = as ?? user.impersonateUser
  if (typeof name === 'string' && name !== '') return { user: name, groups: asGroups }
  if (asGroups.length === 0) return undefined
  throw new ImpoundError('usage', '--as-group needs --as: groups alone are nobody.', {
    hints: ['Add --as USER.'],
  })
}

function pluginOf(
  { interactive = false, notice }: ConnectOptions,
  { user, cluster }: SelectedContext,
  env: NonNullable<ConnectOptions['env']>,
  signal: AbortSignal,
): (() => ReturnType<typeof runCredentialPlugin>) | undefined {
  const exec: unknown = user.exec
  if (exec === null || exec === undefined) return undefined
  return () =>
    runCredentialPlugin({ exec, cluster, env, interactive, timeoutMs: PLUGIN_TIMEOUT_MS, notice, signal })
}

/** What a user would want to know before the first request. */
function warn({ notice }: ConnectOptions, { unread, cluster }: SelectedContext, server: ServerUrl): void {
  if (unread.length > 0)
    notice(
      `The kubeconfig uses ${unread.join(', ')}, which impound does not read: it may act as somebody else than kubectl.`,
    )
  if (!server.encrypted)
    notice(`${server.display} is not encrypted: evidence and credentials can be read on the way.`)
  else if (cluster.skipTLSVerify)
    notice(
      `The kubeconfig says insecure-skip-tls-verify: that ${server.display} is the API server is not checked.`,
    )
}
