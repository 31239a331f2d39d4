import { ImpoundError } from '../model/errors.js'

/** An image reference with the defaults of Docker Hub filled in. */
export interface Reference {
  /** Lower case, with port where one was given: 'docker.io', 'registry.example:5000'. */
  readonly host: string
  /** 'library/nginx' */
  readonly repository: string
  readonly tag?: string
  /** 'sha256:…' */
  readonly digest?: string
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

export function isDigest(text: string): boolean {
  return DIGEST.test(text)
}

export function isRegistryHost(text: string): boolean {
  return text.length <= 260 && HOST.test(text)
}

/** The registry of a reference. Throws `usage` where it is none: it is what the user typed. */
export function hostOf(text: string): string {
  try {
    return parseReference(text).host
  } catch (cause) {
    throw new ImpoundError(
      'usage',
      `${JSON.stringify(text.slice(0, 300))} is neither a file nor an image reference`,
      {
        cause,
      },
    )
  }
}

/**
 * Reads 'nginx', 'shop/web:1.2', 'ghcr.io/org/app@sha256:…', 'registry.example:5000/app:tag@sha256:…'. Neither tag nor
 * digest means the tag 'latest'. Throws `unsupported` where it is no reference.
 * Source: distribution/reference, grammar and familiar names.
 */
export function parseReference(text: string): Reference {
  const [named = '', digest, ...more] = text.split('@')
  const slash = named.indexOf('/')
  const first = slash === -1 ? '' : named.slice(0, slash)
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost'
  const host = isHost ? first.toLowerCase() : 'docker.io'
  const path = isHost ? named.slice(slash + 1) : named
  const colon = path.lastIndexOf(':')
  const tag = colon === -1 ? undefined : path.slice(colon + 1)
  const name = colon === -1 ? path : path.slice(0, colon)
  const canonical = host === 'index.docker.io' ? 'docker.io' : host
  const repository = canonical === 'docker.io' && !name.includes('/') ? `library/${name}` : name
  const isValid =
    more.length === 0 &&
    isRegistryHost(canonical) &&
    repository.length <= 255 &&
    REPOSITORY.test(repository) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || isDigest(digest))
  if (!isValid)
    throw new ImpoundError('unsupported', `${JSON.stringify(text.slice(0, 300))} is no image reference`)
  return {
    host: canonical,
    repository,
    ...(tag === undefined ? (digest === undefined ? { tag: 'latest' } : {}) : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}
