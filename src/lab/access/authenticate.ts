import type { IncomingMessage } from 'node:http'
import { TLSSocket, type PeerCertificate } from 'node:tls'

import { forbidden, unauthorized } from '../api/status.js'
import type { User } from './user.js'
import { ANONYMOUS, asAuthenticated, type Users } from './users.js'

/** Who a request is from, and as whom it acts. */
export interface Identity {
  readonly user: User
  /** Who authenticated, where the user is somebody else whom it impersonates. */
  readonly impersonator?: User
  /** The bearer token by which it was told, if it was by one. */
  readonly token?: string
}

/**
 * Who asks: by bearer token, by client certificate, or nobody. Credentials that are wrong are 401, none at all is the
 * anonymous user, who may read little.
 */
export function authenticate(request: IncomingMessage, users: Users): Identity {
  const bearer = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1]?.trim()
  const certified = ofCertificate(request)
  const user = certified ?? (bearer === undefined ? ANONYMOUS : users.ofToken(bearer))
  if (user === undefined) throw unauthorized()
  const acting = impersonated(request, user, users)
  return {
    user: acting,
    ...(acting === user ? {} : { impersonator: user }),
    ...(certified === undefined && bearer !== undefined ? { token: bearer } : {}),
  }
}

function ofCertificate(request: IncomingMessage): User | undefined {
  if (!(request.socket instanceof TLSSocket) || !request.socket.authorized) return undefined
  // typed as always there; empty where the client sent none
  const { subject } = request.socket.getPeerCertificate() as Partial<PeerCertificate>
  if (subject === undefined) return undefined
  const groups = [subject.O].flat().filter((group) => group !== undefined)
  return asAuthenticated([subject.CN].flat().join(''), groups)
}

/** kubectl's --as and --as-group: each name is a right of its own. */
function impersonated(request: IncomingMessage, user: User, users: Users): User {
  const name = request.headersDistinct['impersonate-user']?.[0]
  if (name === undefined) return user
  const groups = request.headersDistinct['impersonate-group'] ?? []
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name)
  const wanted = [
    account === null
      ? { resource: 'users', name, namespace: undefined }
      : { resource: 'serviceaccounts', name: account[2] ?? '', namespace: account[1] },
    ...groups.map((group) => ({ resource: 'groups', name: group, namespace: undefined })),
  ]
  for (const { resource, name: whom, namespace } of wanted) {
    if (users.may(user, { verb: 'impersonate', group: '', resource, namespace, name: whom })) continue
    const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
    throw forbidden(
      { group: '', resource },
      whom,
      `User "${user.name}" cannot impersonate resource "${resource}" in API group "" ${where}`,
    )
  }
  return asAuthenticated(name, groups)
}
