import { readFile } from 'node:fs/promises'
import type { Agent } from 'node:http'
import type { RequestOptions } from 'node:https'
import type { ConnectionOptions } from 'node:tls'

import type { Cluster, KubeConfig, User } from '@kubernetes/client-node'

import { ImpoundError, messageOf } from '../model/errors.js'
import type { Clock } from '../model/ports/run-context.js'
import { deadline, orAborted } from './deadline.js'
import type { PluginCredential } from './credential-plugin.js'
import { type Impersonation, impersonationHeaders } from './impersonation.js'
import type { KubeconfigUser } from './kubeconfig-file.js'

/** How a connection proves who both ends are. */
export type TlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized' | 'servername'
>

/** What every request carries, and how its connection is made. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly tls: TlsOptions
  /** For WebSockets: goes by the kubeconfig's proxy. */
  readonly agent: Agent | undefined
  /** Changes whenever `tls` does: connections of another generation must not be used again. */
  readonly generation: number
}

export interface AuthenticationOptions {
  readonly newConfig: () => KubeConfig
  readonly context: string
  readonly cluster: Cluster
  readonly user: KubeconfigUser
  readonly impersonate: Impersonation | undefined
  readonly clock: Clock
  readonly timeoutMs: number
  /** Runs the user's exec plugin; absent where the user has none. Lives as long as the connection, not as one request. */
  readonly plugin: (() => Promise<PluginCredential>) | undefined
}

/** Before a token's end, in ms: a request that starts now should not meet it. */
const EXPIRY_MARGIN = 10_000

/**
 * Who we are to the server. Certificates, tokens and auth providers come from client-node; exec plugins from us, since
 * client-node gives them no deadline and hides what they say, and token files, which it does not know.
 */
export class Authentication {
  readonly #options: AuthenticationOptions
  #config: KubeConfig | undefined
  #pending: Promise<KubeConfig> | undefined
  #expiresAt = Infinity
  #generation = 0

  constructor(options: AuthenticationOptions) {
    this.#options = options
  }

  /** Whether asking again may give another credential. */
  get renewable(): boolean {
    return this.#options.plugin !== undefined || this.#options.user.tokenFile !== undefined
  }

  /** The server did not accept the credential: the next request gets a new one. */
  invalidate(): void {
    if (this.#options.plugin !== undefined) this.#expiresAt = -Infinity
  }

  /** Throws `configuration`, or what aborted the signal. */
  async credentials(signal: AbortSignal): Promise<Credentials> {
    const config = await this.#current(signal)
    const generation = this.#generation
    const applied: RequestOptions = {}
    await this.#apply(config, applied, signal)
    const token = await this.#tokenOfFile()
    return {
      headers: {
        ...this.#headers(applied),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      tls: tlsOf(applied),
      agent: typeof applied.agent === 'object' ? applied.agent : undefined,
      generation,
    }
  }

  async #apply(config: KubeConfig, applied: RequestOptions, signal: AbortSignal): Promise<void> {
    const limit = deadline(this.#options.timeoutMs, signal)
    try {
      await orAborted(config.applyToHTTPSOptions(applied), limit.signal)
    } catch (cause) {
      if (signal.aborted) throw cause
      const why = limit.expired() ? 'the provider did not answer in time' : messageOf(cause)
      throw new ImpoundError(
        'configuration',
        `The credentials of the context ${JSON.stringify(this.#options.context)} can't be used: ${why}.`,
        { cause, hints: ['Look at the user and the cluster that the context names: kubectl config view'] },
      )
    } finally {
      limit.clear()
    }
  }

  #headers(applied: RequestOptions): Record<string, string | readonly string[]> {
    const given = Object.entries(applied.headers ?? {}) as [string, string][]
    const headers: Record<string, string | readonly string[]> = Object.fromEntries(
      given.map(([name, value]) => [name.toLowerCase(), value.trim()]),
    )
    if (typeof applied.auth === 'string')
      headers['authorization'] = `Basic ${Buffer.from(applied.auth).toString('base64')}`
    const { impersonate } = this.#options
    return { ...headers, ...(impersonate === undefined ? {} : impersonationHeaders(impersonate)) }
  }

  /** Read every time: whoever rotates the token writes the file anew. */
  async #tokenOfFile(): Promise<string | undefined> {
    const { tokenFile, token } = this.#options.user
    if (tokenFile === undefined) return undefined
    try {
      const text = (await readFile(tokenFile, 'utf8')).trim()
      if (text !== '') return text
    } catch (cause) {
      if (token === undefined)
        throw new ImpoundError(
          'configuration',
          `The token file ${tokenFile} can't be read: ${messageOf(cause)}.`,
          {
            cause,
            hints: ['It is named in the kubeconfig: users[].user.tokenFile.'],
          },
        )
    }
    if (token !== undefined) return token
    throw new ImpoundError('configuration', `The token file ${tokenFile} is empty.`)
  }

  async #current(signal: AbortSignal): Promise<KubeConfig> {
    if (this.#config !== undefined && this.#options.clock.now().getTime() < this.#expiresAt - EXPIRY_MARGIN)
      return this.#config
    // many requests may find the credential old at once: the plugin runs once for all of them
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = undefined
    })
    return orAborted(this.#pending, signal)
  }

  async #renew(): Promise<KubeConfig> {
    const { plugin, newConfig, context, cluster, user } = this.#options
    const credential = await plugin?.()
    const config = newConfig()
    config.loadFromOptions({
      // for plain http client-node insists on this flag; there is no TLS that it could weaken
      clusters: [cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster],
      users: [credential === undefined ? user : withCredential(user, credential)],
      contexts: [{ name: context, cluster: cluster.name, user: user.name }],
      currentContext: context,
    })
    this.#config = config
    this.#expiresAt = credential?.expiresAt ?? Infinity
    this.#generation += 1
    return config
  }
}

function withCredential(user: User, { token, certificate, key }: PluginCredential): User {
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64')
  return {
    name: user.name,
    ...(token === undefined ? {} : { token }),
    ...(certificate === undefined || key === undefined
      ? certificateOf(user)
      : { certData: base64(certificate), keyData: base64(key) }),
  }
}

/** A plugin's token may go with the kubeconfig's own client certificate. */
function certificateOf({ certData, certFile, keyData, keyFile }: User): Partial<User> {
  return {
    ...(certData === undefined ? {} : { certData }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyData === undefined ? {} : { keyData }),
    ...(keyFile === undefined ? {} : { keyFile }),
  }
}

function tlsOf(applied: RequestOptions): TlsOptions {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = applied
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(pfx === undefined ? {} : { pfx }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(servername === undefined ? {} : { servername }),
  }
}
