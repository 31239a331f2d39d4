import { Agent, type Dispatcher, ProxyAgent } from 'undici'

import { ImpoundError } from '../model/errors.js'
import type { TlsOptions } from './authentication.js'

/** Cloud load balancers drop connections that are silent for a minute. */
const KEEP_ALIVE_DELAY_MS = 30_000
const CONNECT_TIMEOUT_MS = 10_000

/**
 * Connections for requests: with the user's certificates, by the kubeconfig's proxy. HTTP/1.1 alone, whose framing says
 * whether a body is whole.
 */
export function createDispatcher(tls: TlsOptions, proxyUrl: string | undefined): Dispatcher {
  const connect = { ...tls, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS, timeout: CONNECT_TIMEOUT_MS }
  // deadlines are ours: a log may be silent for as long as its caller wants
  const shared = { allowH2: false, headersTimeout: 0, bodyTimeout: 0, connectTimeout: CONNECT_TIMEOUT_MS }
  if (proxyUrl === undefined || proxyUrl === '') return new Agent({ ...shared, connect })
  const uri = proxyUrl.replace(/^socks5h:/, 'socks5:')
  if (!/^(?:https?|socks5?):\/\//.test(uri))
    throw new ImpoundError('configuration', "The kubeconfig's proxy-url is no http, https or socks5 URL.")
  return new ProxyAgent({ ...shared, uri, requestTls: { ...connect, allowH2: false } })
}
