import type { Reference } from './reference.js'

/** What opens a registry: a name with its password, a refresh token, or a token for the registry itself. */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string }
  | { readonly kind: 'bearer'; readonly token: string }

/** Where credentials come from. They are looked for only after a registry asked for some. */
export interface CredentialSource {
  /** Whose they are, in words: 'the docker configuration', 'the pull secret regcred'. */
  readonly name: string
  /** `server` is the host that is asked. Undefined where there are none for it; throws where they can't be had. */
  find(
    server: string,
    repository: Reference['repository'],
    signal: AbortSignal,
  ): Promise<Credential | undefined>
}

/** One entry of `auths`, by the name of what it opens as its owner wrote it. */
export interface NamedCredential {
  readonly place: string
  readonly credential: Credential
}

/** Names under which tools keep what opens Docker Hub. */
const DOCKER_HUB: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/**
 * The credential for a repository: of the entries that name its host (a label may be '*') and, where they name a path,
 * one at its start, that with the longest path; entries of the same length in their order. Source: Kubernetes, "Pull an
 * Image from a Private Registry"; containers-auth.json(5).
 */
export function credentialFor(
  entries: readonly NamedCredential[],
  server: string,
  repository: string,
): Credential | undefined {
  let best: { readonly length: number; readonly credential: Credential } | undefined
  for (const { place, credential } of entries) {
    const { host, path } = placeOf(place)
    if (!isHost(host, server) || !isAbove(path, repository)) continue
    if (best === undefined || path.length > best.length) best = { length: path.length, credential }
  }
  return best?.credential
}

/** 'https://index.docker.io/v1/' is the host without a path: API versions are no part of a repository. */
export function placeOf(place: string): { readonly host: string; readonly path: string } {
  const [host = '', ...rest] = place.replace(/^https?:\/\//, '').split('/')
  const path = rest
    .join('/')
    .replace(/^v[12](?:\/|$)/, '')
    .replace(/\/+$/, '')
  return { host: host.toLowerCase(), path }
}

function isHost(pattern: string, server: string): boolean {
  if (DOCKER_HUB.has(server)) return DOCKER_HUB.has(pattern)
  const [labels, actual] = [pattern.split('.'), server.toLowerCase().split('.')]
  return labels.length === actual.length && labels.every((label, at) => isLabel(label, actual[at] ?? ''))
}

/** A '*' in a label stands for any characters but a dot, wherever it is; there is at most one. */
function isLabel(pattern: string, label: string): boolean {
  const [before = '', after, ...more] = pattern.split('*')
  if (after === undefined) return pattern === label
  return (
    more.length === 0 &&
    label.length >= before.length + after.length &&
    label.startsWith(before) &&
    label.endsWith(after)
  )
}

function isAbove(path: string, repository: string): boolean {
  return path === '' || repository === path || repository.startsWith(`${path}/`)
}
