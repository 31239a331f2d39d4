import { ImpoundError, messageOf } from '../model/errors.js'
import { at } from '../model/json.js'
import type { Proxy } from './proxy.js'

const CA_HINT =
  "The kubeconfig's certificate-authority-data must hold the CA that signed it; a TLS-inspecting proxy has a CA of its own."
const SERVER_HINT = 'Look at the server of the cluster in the kubeconfig.'
const CLOCK_HINT = "Look at this machine's clock, and at the certificate: openssl s_client -connect HOST:PORT"

/** In words: what a socket's error code means for who asked. */
const WORDS: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ECONNREFUSED: ['nothing listens there', 'Is the address right, and does the API server run?'],
  ENOTFOUND: ['the name is not known', 'Is the address right, and does this machine need a VPN to reach it?'],
  EAI_AGAIN: ['the name could not be looked up', 'Does name resolution work on this machine?'],
  EHOSTUNREACH: ['there is no route to it', 'Does this machine need a VPN to reach it?'],
  ENETUNREACH: ['there is no route to it', 'Does this machine need a VPN to reach it?'],
  ETIMEDOUT: ['it did not answer', 'A firewall may drop packets to it, or a VPN is missing.'],
  UND_ERR_CONNECT_TIMEOUT: ['it did not answer', 'A firewall may drop packets to it, or a VPN is missing.'],
  ECONNRESET: ['the connection was reset', 'A firewall or proxy in between may have ended it.'],
  EPIPE: ['the connection was reset', 'A firewall or proxy in between may have ended it.'],
  UND_ERR_SOCKET: ['the connection was closed', 'A firewall or proxy in between may have ended it.'],
  CERT_HAS_EXPIRED: ["the server's certificate has expired", CLOCK_HINT],
  CERT_NOT_YET_VALID: ["the server's certificate is not valid yet", CLOCK_HINT],
  DEPTH_ZERO_SELF_SIGNED_CERT: ["the server's certificate is self-signed and not known", CA_HINT],
  SELF_SIGNED_CERT_IN_CHAIN: ["the server's certificate is signed by a CA that is not known", CA_HINT],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["the server's certificate is signed by a CA that is not known", CA_HINT],
  UNABLE_TO_GET_ISSUER_CERT: ["the server's certificate is signed by a CA that is not known", CA_HINT],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    "the server's certificate is signed by a CA that is not known",
    CA_HINT,
  ],
  CERT_SIGNATURE_FAILURE: ["the server's certificate is not signed by the kubeconfig's CA", CA_HINT],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "the server's certificate is for another name",
    'Use the name that the certificate has, or set tls-server-name in the kubeconfig.',
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: [
    'it does not speak TLS',
    'Is the port right? An http:// server is no API server.',
  ],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ['it does not speak TLS', 'Is the port right?'],
  EPROTO: ['the TLS handshake failed', 'Is the port right, and is it an API server?'],
}

/** Worth another try: the server may be restarting, or a load balancer changing its mind. */
const TRANSIENT = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'EAI_AGAIN'])

/** The server saw nothing of the request. */
const UNSENT = new Set(['ECONNREFUSED', 'EAI_AGAIN'])

/** The code of an error or of what caused it. */
function codeOf(error: unknown): string {
  for (let current = error, depth = 0; current !== undefined && depth < 5; depth += 1) {
    const code = at(current, 'code')
    if (typeof code === 'string') return code
    current = at(current, 'cause')
  }
  return ''
}

export function isTransient(error: unknown): boolean {
  return TRANSIENT.has(codeOf(error))
}

/** Worth another try even of what must not happen twice. */
export function isUnsent(error: unknown): boolean {
  return UNSENT.has(codeOf(error))
}

/** No answer: what stood in the way, in words. `server` is a URL without credentials. */
export function connectionError(cause: unknown, server: string, proxy?: Proxy): ImpoundError {
  const code = codeOf(cause)
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code.startsWith('HPE_'))
    return new ImpoundError('server', `What answers at ${server} is no Kubernetes API.`, {
      cause,
      hints: ['Is the port right? Look at the server of the cluster in the kubeconfig.'],
    })
  if (code.startsWith('ERR_OSSL_'))
    return new ImpoundError(
      'configuration',
      `The kubeconfig's certificate or key can't be used: ${messageOf(cause)}.`,
      {
        cause,
      },
    )
  if (code.startsWith('ERR_SSL_') && code.includes('ALERT'))
    return new ImpoundError(
      'unreachable',
      `${server} can't be reached: it refused our side of the TLS handshake (${code}).`,
      {
        cause,
        hints: ['It may ask for another client certificate than the one in the kubeconfig.'],
      },
    )
  const way = proxy === undefined ? '' : ` through the proxy ${proxy.display} (${proxy.from})`
  const [what, hint] = refusalOf(cause) ?? WORDS[code] ?? [messageOf(cause), SERVER_HINT]
  const hints = proxy === undefined ? [hint] : [hint, `The proxy comes from ${proxy.from}.`]
  return new ImpoundError('unreachable', `${server} can't be reached${way}: ${what}.`, { cause, hints })
}

/** The few words of a failure that is worth another try. */
export function shortReason(error: ImpoundError): string {
  if (error.code === 'cut') return 'the answer was cut short'
  return WORDS[codeOf(error.cause)]?.[0] ?? 'no connection'
}

/** What a proxy answered to CONNECT: undici and hpagent tell it in their messages alone. */
function refusalOf(cause: unknown): readonly [what: string, hint: string] | undefined {
  const status = /^(?:Proxy response \((\d{3})\)|Bad response: (\d{3}))/.exec(messageOf(cause))
  const code = status?.[1] ?? status?.[2]
  if (code === undefined) return undefined
  return code === '407'
    ? ['the proxy wants a user and a password', 'They go into its URL: http://USER:PASSWORD@HOST:PORT']
    : [
        `the proxy refused (HTTP ${code})`,
        'Does the proxy allow CONNECT to the API server? NO_PROXY goes past it.',
      ]
}

/** The answer began and did not come to its end. */
export function cutError(cause: unknown, what: string, bytes: number): ImpoundError {
  return new ImpoundError('cut', `${what} ended after ${bytes} bytes, before its end.`, {
    cause,
    hints: ['The connection was lost, or something in between ended it; ask again.'],
  })
}

/** What the caller's signal says: its own error if it carries one, else `aborted`. */
export function abortReason(signal: AbortSignal): ImpoundError {
  const reason: unknown = signal.reason
  if (reason instanceof ImpoundError) return reason
  if (reason instanceof DOMException && reason.name === 'TimeoutError')
    return new ImpoundError('timeout', 'Time was up.', { cause: reason })
  return new ImpoundError('aborted', 'Interrupted.', { cause: reason })
}

/** The deadline of one call. */
export function timeoutError(what: string, ms: number): ImpoundError {
  return new ImpoundError('timeout', `${what}: no complete answer within ${ms / 1000} s.`, {
    hints: ['Give it more time with --request-timeout.'],
  })
}
