import { homedir } from 'node:os'

// this module alone: the package's index costs half as much again
import { KubeConfig } from '@kubernetes/client-node/dist/config.js'

import { ImpoundError } from '../model/errors.js'
import { Authentication } from './authentication.js'
import { Client } from './client.js'
import type { ConnectOptions, KubeConnection } from './contract.js'
import { runCredentialPlugin } from './credential-plugin.js'
import { ApiExec } from './exec.js'
import { impersonation } from './impersonation.js'
import { selectContext, type SelectedContext } from './kubeconfig.js'
import { ApiLogs } from './logs.js'
import { Observations } from './observations.js'
import { proxyFor } from './proxy.js'
import { ApiReader } from './reader.js'
import { parseServerUrl, type ServerUrl } from './server-url.js'
import { Transport } from './transport.js'
import { ApiWatch } from './watch.js'
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
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
  })
  const server = parseServerUrl(selected.cluster.server)
  const proxy = proxyFor(server, selected.cluster.proxyUrl, env)
  const impersonate = impersonation(options, selected.user.impersonate)
  warn(options, selected, server)
  const closing = new AbortController()
  const authentication = new Authentication({
    newConfig,
    context: selected.context,
    cluster: proxy === undefined ? selected.cluster : { ...selected.cluster, proxyUrl: proxy.url },
    user: selected.user,
    impersonate,
    clock: options.clock,
    timeoutMs: options.requestTimeoutMs,
    plugin: pluginOf(options, selected, env, closing.signal),
  })
  const observations = new Observations(server.host)
  const { clock, random, notice, requestTimeoutMs } = options
  const debug = env['IMPOUND_DEBUG'] === '1' ? notice : undefined
  const transport = new Transport({ server, proxy, authentication, observations, clock, random, debug })
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
    watch: new ApiWatch(client),
    close: async () => {
      closing.abort(new ImpoundError('aborted', 'The connection was closed.'))
      observations.close()
      await transport.close()
    },
  }
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
function warn({ notice }: ConnectOptions, { cluster }: SelectedContext, server: ServerUrl): void {
  if (!server.encrypted)
    notice(`${server.display} is not encrypted: evidence and credentials can be read on the way.`)
  else if (cluster.skipTLSVerify)
    notice(
      `The kubeconfig says insecure-skip-tls-verify: that ${server.display} is the API server is not checked.`,
    )
}
