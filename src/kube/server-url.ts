import { ImpoundError } from '../model/errors.js'

/** Where the API server is. */
export interface ServerUrl {
  /** 'https://host:port' */
  readonly origin: string
  /** As in connections: 'host:port'. */
  readonly host: string
  /** A path that every request path follows, without a slash at its end; '' for most servers. */
  readonly prefix: string
  /** For people: without user, password, query. */
  readonly display: string
  readonly encrypted: boolean
}

/** Throws `configuration` for what is no http or https URL. */
export function parseServerUrl(server: string): ServerUrl {
  const url = URL.parse(server.includes('://') ? server : `https://${server}`)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new ImpoundError(
      'configuration',
      'The server of the cluster in the kubeconfig is no http or https URL.',
      {
        hints: ['Look at it with: kubectl config view'],
      },
    )
  const prefix = url.pathname.replace(/\/+$/, '')
  return {
    origin: url.origin,
    host: url.host,
    prefix,
    display: `${url.origin}${prefix}`,
    encrypted: url.protocol === 'https:',
  }
}

/** A path with its query; keys that the path has already are kept. */
export function withQuery(path: string, query: Readonly<Record<string, string>> | undefined): string {
  const text = new URLSearchParams(query).toString()
  if (text === '') return path
  return `${path}${path.includes('?') ? '&' : '?'}${text}`
}
