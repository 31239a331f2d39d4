import { ImpoundError } from '../model/errors.js'
import { isRegistryHost } from './reference.js'

/** Which registries may be asked, and where. An attacker's own registry must not learn of us. */
export interface RegistryPolicy {
  /** Whether the well-known public hosts are among them. */
  readonly wellKnown: boolean
  /** Hosts that the user named, with the address to ask in their place. */
  readonly hosts: ReadonlyMap<string, URL>
}

/**
 * Hosts that many share: that one of them was asked for an image tells its owner little. Those with a wildcard belong to
 * one tenant each, who could be the attacker, but then the attacker has an account that can be subpoenaed.
 */
const WELL_KNOWN: readonly RegExp[] = [
  /^docker\.io$/,
  /^ghcr\.io$/,
  /^quay\.io$/,
  /^registry\.k8s\.io$/,
  /^k8s\.gcr\.io$/,
  /^(?:(?:us|eu|asia)\.)?gcr\.io$/,
  /^[a-z0-9-]+-docker\.pkg\.dev$/,
  /^mcr\.microsoft\.com$/,
  /^public\.ecr\.aws$/,
  /^[0-9]{12}\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/,
  /^[a-z0-9]+\.azurecr\.(?:io|cn|us)$/,
  /^registry\.gitlab\.com$/,
  /^registry\.access\.redhat\.com$/,
  /^registry\.redhat\.io$/,
  /^cgr\.dev$/,
  /^registry\.suse\.com$/,
  /^container-registry\.oracle\.com$/,
  /^nvcr\.io$/,
  /^lscr\.io$/,
]

/** Docker Hub is not served under the name that its references carry. */
const SERVED_AT: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' }

/**
 * Reads the values of --registry: `auto` (the well-known public hosts; also when nothing is given), `never`, HOST (that
 * one besides, or with `never` alone), HOST=URL (ask that URL in the place of HOST). Throws `usage`.
 */
export function parseRegistryPolicy(values: readonly string[]): RegistryPolicy {
  if (values.includes('auto') && values.includes('never')) {
    throw new ImpoundError('usage', '--registry auto and --registry never exclude each other', {
      hints: ['name single registries beside never: --registry never --registry registry.example'],
    })
  }
  const named = values.filter((value) => value !== 'auto' && value !== 'never')
  return { wellKnown: !values.includes('never'), hosts: new Map(named.map(namedHost)) }
}

function namedHost(value: string): readonly [string, URL] {
  const equals = value.indexOf('=')
  const host = (equals === -1 ? value : value.slice(0, equals)).toLowerCase()
  const address = equals === -1 ? undefined : URL.parse(value.slice(equals + 1))
  const isUsable =
    address === undefined ||
    (address !== null &&
      (address.protocol === 'https:' || address.protocol === 'http:') &&
      address.username === '' &&
      address.password === '' &&
      address.search === '' &&
      address.hash === '')
  if (!isRegistryHost(host) || !isUsable) {
    throw new ImpoundError('usage', `--registry ${value} names no registry`, {
      hints: ['give auto, never, a host (registry.example:5000), or HOST=URL without credentials'],
    })
  }
  return [host, address ?? servedAt(host)]
}

/** Where a registry is asked, with no '/' at the end of its path; undefined where the policy says that it is not. */
export function addressOf(policy: RegistryPolicy, host: string): URL | undefined {
  const named = policy.hosts.get(host)
  if (named !== undefined) return named
  return policy.wellKnown && WELL_KNOWN.some((pattern) => pattern.test(host)) ? servedAt(host) : undefined
}

/** The name under which credentials for an address are kept: the host's own, unless a mirror stands in its place. */
export function serverNameOf(host: string, address: URL): string {
  return address.origin === servedAt(host).origin ? host : address.host
}

/** Plain http is never assumed, not even for localhost. */
function servedAt(host: string): URL {
  return new URL(`https://${SERVED_AT[host] ?? host}`)
}
