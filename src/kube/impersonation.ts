import { ImpoundError } from '../model/errors.js'

/** Whom the server is asked to take us for. */
export interface Impersonation {
  readonly user: string
  readonly groups: readonly string[]
  /** Empty: not said. */
  readonly uid: string
  readonly extra: Readonly<Record<string, readonly string[]>>
}

export interface ImpersonationFlags {
  /** --as */
  readonly as?: string
  /** --as-group */
  readonly asGroups?: readonly string[]
}

/**
 * Flags over what the kubeconfig says, each by itself, as kubectl merges them. Undefined where nobody is named. Throws `usage`
 * or `configuration` for groups, a uid or extras of nobody.
 */
export function impersonation(
  { as, asGroups = [] }: ImpersonationFlags,
  inKubeconfig: Impersonation,
): Impersonation | undefined {
  const user = as ?? inKubeconfig.user
  const { uid, extra } = inKubeconfig
  if (user !== '') return { user, groups: asGroups.length > 0 ? asGroups : inKubeconfig.groups, uid, extra }
  if (asGroups.length > 0)
    throw new ImpoundError('usage', '--as-group needs --as: groups alone are nobody.', {
      hints: ['Add --as USER.'],
    })
  if (inKubeconfig.groups.length > 0 || uid !== '' || Object.keys(extra).length > 0)
    throw new ImpoundError(
      'configuration',
      'The kubeconfig names groups, a uid or extras to act as, and no user (as).',
      { hints: ['Add `as` to the user in the kubeconfig, or --as USER.'] },
    )
  return undefined
}

/** Impersonate-* headers (Kubernetes, "User impersonation"). */
export function impersonationHeaders({
  user,
  groups,
  uid,
  extra,
}: Impersonation): Readonly<Record<string, string | readonly string[]>> {
  return {
    'impersonate-user': user,
    ...(groups.length === 0 ? {} : { 'impersonate-group': groups }),
    ...(uid === '' ? {} : { 'impersonate-uid': uid }),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [`impersonate-extra-${headerName(key)}`, values]),
    ),
  }
}

/** Percent-encodes what no header name may hold (RFC 9110 5.6.2), and the percent sign itself, as client-go does. */
function headerName(key: string): string {
  return [...Buffer.from(key)]
    .map((byte) => {
      const letter = String.fromCharCode(byte)
      return /[!#$&'*+.^_`|~0-9A-Za-z-]/.test(letter)
        ? letter
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}
