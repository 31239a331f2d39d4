import type { Store } from '../store/store.js'
import { ApiStatus, invalid, type FieldError } from './status.js'

/** Which state of the store a read asks for. */
export type WantedVersion =
  | { readonly kind: 'newest' }
  /** Any that is not older than this. */
  | { readonly kind: 'not-older'; readonly version: number }
  | { readonly kind: 'exact'; readonly version: number }

const MATCHES = ['Exact', 'NotOlderThan', '']

/**
 * The parameters resourceVersion and resourceVersionMatch of a list. With a limit and no match, a version is meant exactly.
 * Source: k8s.io/apiserver, pkg/storage/etcd3, GetList; messages as a 1.20 server has them.
 */
export function wantedVersion(query: URLSearchParams, limited: boolean): WantedVersion {
  const text = query.get('resourceVersion') ?? ''
  const match = query.get('resourceVersionMatch') ?? ''
  checkMatch(text, match, (query.get('continue') ?? '') !== '')
  const version = parseVersion(text)
  if (version === undefined || version === 0) return { kind: 'newest' }
  const exact = match === 'Exact' || (match === '' && limited)
  return { kind: exact ? 'exact' : 'not-older', version }
}

/** Undefined where none is given. */
export function parseVersion(text: string): number | undefined {
  if (text === '') return undefined
  if (/^\d+$/.test(text)) return Number(text)
  throw new ApiStatus(
    500,
    undefined,
    `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
  )
}

/** Throws where the version lies in the future. The server waits some seconds before it says so; the lab doesn't. */
export function mustBeReached(wanted: WantedVersion, store: Store): void {
  if (wanted.kind === 'newest' || wanted.version <= store.version) return
  if (wanted.kind === 'exact') {
    throw new ApiStatus(500, undefined, 'etcdserver: mvcc: required revision is a future revision')
  }
  throw new ApiStatus(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${wanted.version}, current: ${store.version}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  )
}

function checkMatch(version: string, match: string, continued: boolean): void {
  if (match === '') return
  const errors: FieldError[] = []
  const forbid = (why: string): void => {
    errors.push({
      reason: 'FieldValueForbidden',
      field: 'resourceVersionMatch',
      message: `Forbidden: ${why}`,
    })
  }
  if (version === '') forbid('resourceVersionMatch is forbidden unless resourceVersion is provided')
  if (continued) forbid('resourceVersionMatch is forbidden when continue is provided')
  if (!MATCHES.includes(match)) {
    errors.push({
      reason: 'FieldValueNotSupported',
      field: 'resourceVersionMatch',
      message: `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
    })
  }
  if (match === 'Exact' && version === '0') {
    forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
  }
  throwIfAny(errors)
}

/** The list parameters that a watch can't have. */
export function checkWatchParameters(query: URLSearchParams, initialEvents: boolean): void {
  const match = query.get('resourceVersionMatch') ?? ''
  const errors: FieldError[] = []
  if (initialEvents && match !== 'NotOlderThan') {
    errors.push({
      reason: 'FieldValueForbidden',
      field: 'resourceVersionMatch',
      message:
        match === ''
          ? 'Forbidden: resourceVersionMatch is required when sendInitialEvents is specified'
          : `Unsupported value: ${JSON.stringify(match)}: supported values: "NotOlderThan"`,
    })
  } else if (!initialEvents && match !== '') {
    errors.push({
      reason: 'FieldValueForbidden',
      field: 'resourceVersionMatch',
      message: 'Forbidden: resourceVersionMatch is forbidden for watch',
    })
  }
  throwIfAny(errors)
}

function throwIfAny(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
}
