import { Agent, type Dispatcher, ProxyAgent } from 'undici'

import type { TlsOptions } from './authentication.js'
import type { Proxy } from './proxy.js'

/** Cloud load balancers drop connections that are silent for a minute. */
const KEEP_ALIVE_DELAY_MS = 30_000
const CONNECT_TIMEOUT_MS = 10_000

/**
 * Connections for requests: with the user's certificates, by the proxy. HTTP/1.1 alone, whose framing says
 * whether a body is whole.
 */
export function createDispatcher(tls: TlsOptions, proxy: Proxy | undefined): Dispatcher {
  const connect = { ...tls, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS, timeout: CONNECT_TIMEOUT_MS }
  const shared = { allowH2: false, connectTimeout: CONNECT_TIMEOUT_MS }
  if (proxy === undefined) return new Agent({ ...shared, connect })
  // undici knows the one name alone, and has names looked up by the proxy
  const uri = proxy.url.replace(/^socks5h:/i, 'socks5:')
  return new ProxyAgent({ ...shared, uri, requestTls: { ...connect, allowH2: false } })
}
