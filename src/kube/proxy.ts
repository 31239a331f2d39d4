import { BlockList, isIP } from 'node:net'
import { domainToASCII } from 'node:url'

import { ImpoundError } from '../model/errors.js'
import type { Environment } from './kubeconfig.js'
import type { ServerUrl } from './server-url.js'

/** What stands between here and the server. */
export interface Proxy {
  readonly url: string
  /** Without user and password. */
  readonly display: string
  /** Where it was named: 'proxy-url in the kubeconfig', 'HTTPS_PROXY'. */
  readonly from: string
}

const PROTOCOLS = new Set(['http:', 'https:', 'socks5:', 'socks5h:'])

/**
 * The proxy that kubectl would take: the kubeconfig's `proxy-url` always, else what the environment names for the scheme,
 * unless NO_PROXY or a loopback address says otherwise. Throws `configuration` for what is no proxy's URL.
 */
export function proxyFor(
  server: ServerUrl,
  configured: string | undefined,
  env: Environment,
): Proxy | undefined {
  if (configured !== undefined) return proxyOf(configured, 'proxy-url in the kubeconfig')
  const name = server.encrypted ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const found = variable(env, name)
  if (found === undefined || !isProxied(server, variable(env, 'NO_PROXY')?.value ?? '')) return undefined
  return proxyOf(withScheme(found.value), found.name)
}

/** Upper case first, as Go looks. */
function variable(
  env: Environment,
  name: string,
): { readonly name: string; readonly value: string } | undefined {
  for (const spelling of [name, name.toLowerCase()]) {
    const value = env[spelling]
    if (value !== undefined && value !== '') return { name: spelling, value }
  }
  return undefined
}

/** 'proxy:3128' is an http proxy. */
function withScheme(value: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/./i.test(value) ? value : `http://${value}`
}

function proxyOf(value: string, from: string): Proxy {
  const url = URL.parse(value)
  // not quoted: it may hold a password
  if (url === null || !PROTOCOLS.has(url.protocol) || url.hostname === '')
    throw new ImpoundError('configuration', `The proxy of ${from} is no http, https or socks5 URL.`, {
      hints: ['As in: http://proxy.example:3128, socks5://127.0.0.1:1080'],
    })
  // as in Go, names are always looked up by the proxy
  const remote = value.replace(/^socks5:/i, 'socks5h:')
  return { url: remote, display: `${url.protocol}//${url.host}`, from }
}

/** By the rules of Go's httpproxy (golang.org/x/net/http/httpproxy, useProxy), which are kubectl's. */
function isProxied(server: ServerUrl, noProxy: string): boolean {
  const { hostname, port: given } = new URL(server.origin)
  const host = unbracketed(hostname).toLowerCase()
  const port = given || (server.encrypted ? '443' : '80')
  if (host === 'localhost' || contains(host, ['127.0.0.0/8', '::1/128'])) return false
  const entries = noProxy.split(',').map((entry) => entry.trim().toLowerCase())
  return !entries.includes('*') && !entries.some((entry) => spares(entry, host, port))
}

/** Whether one entry of NO_PROXY means this host: an address, a network, a domain with those below it, or (`.x`) those alone. */
function spares(entry: string, host: string, port: string): boolean {
  if (entry === '') return false
  if (/^[^/]+\/\d+$/.test(entry)) return contains(host, [entry])
  const [name, only] = splitPort(entry)
  if (only !== '' && only !== port) return false
  if (isIP(name) !== 0) return contains(host, [`${name}/${isIP(name) === 4 ? 32 : 128}`])
  const domain = name.replace(/^\*(?=\.)/, '')
  if (domain === '' || domain === '.') return false
  const ascii = domainToASCII(domain.replace(/^\./, '')) || domain.replace(/^\./, '')
  return host.endsWith(`.${ascii}`) || (!domain.startsWith('.') && host === ascii)
}

/** 'host:port', '[::1]:port'; an IPv6 address without brackets has no port. */
function splitPort(entry: string): readonly [host: string, port: string] {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d*)$/.exec(entry) ?? []
  return port === undefined ? [unbracketed(entry), ''] : [bracketed ?? plain ?? '', port]
}

function contains(host: string, networks: readonly string[]): boolean {
  const family = isIP(host)
  if (family === 0) return false
  return networks.some((network) => {
    const [address = '', bits] = network.split('/')
    const of = isIP(address)
    const most = of === 4 ? 32 : 128
    if (of === 0 || Number(bits) > most) return false
    const list = new BlockList()
    list.addSubnet(address, Number(bits), of === 4 ? 'ipv4' : 'ipv6')
    return list.check(host, family === 4 ? 'ipv4' : 'ipv6')
  })
}

function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
