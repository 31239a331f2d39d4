import type { AccessRule, ApiPath } from '../model/api-path.js'
import { asArray, asString, at, type Json } from '../model/json.js'
import type { AccessAnswer, Identity, ServedResource } from '../model/ports/kube-reader.js'
import { notJson } from './api-error.js'
import { type Client, succeeded, THREE_TRIES, wirePath } from './client.js'

const MAX_WHY = 500
/** Newest first: v1 since 1.28, v1beta1 in 1.27, v1alpha1 behind a gate in 1.26. */
const SELF_SUBJECT_REVIEWS = ['v1', 'v1beta1', 'v1alpha1']

/** SelfSubjectAccessReview, authorization.k8s.io/v1. */
export async function askAccess(
  client: Client,
  rule: AccessRule,
  signal: AbortSignal,
): Promise<AccessAnswer> {
  const path = { group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews' }
  const review = await post(client, path, signal, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { ...rule } },
  })
  const words = [at(review, 'status', 'reason'), at(review, 'status', 'evaluationError')]
  return {
    rule,
    allowed: at(review, 'status', 'allowed') === true,
    why: words
      .map((word) => asString(word) ?? '')
      .filter((word) => word !== '')
      .join('; ')
      .slice(0, MAX_WHY),
  }
}

/** SelfSubjectReview, authentication.k8s.io, in the newest version served. */
export async function askIdentity(
  client: Client,
  served: readonly ServedResource[],
  signal: AbortSignal,
): Promise<Identity | undefined> {
  const group = 'authentication.k8s.io'
  const resource = 'selfsubjectreviews'
  const version = SELF_SUBJECT_REVIEWS.find((wanted) =>
    served.some((one) => one.group === group && one.version === wanted && one.resource === resource),
  )
  if (version === undefined) return undefined
  const review = await post(client, { group, version, resource }, signal, {
    apiVersion: `${group}/${version}`,
    kind: 'SelfSubjectReview',
  })
  const user = at(review, 'status', 'userInfo')
  return {
    user: asString(at(user, 'username')) ?? '',
    groups: asArray(at(user, 'groups')).map(String),
  }
}

/** Reviews are creates that store nothing: asked again as reads are. */
async function post(client: Client, path: ApiPath, signal: AbortSignal, body: Json): Promise<unknown> {
  const request = {
    method: 'POST',
    path,
    body: Buffer.from(JSON.stringify(body)),
    contentType: 'application/json',
    signal,
  } as const
  const response = await client.ask(request, THREE_TRIES)
  if (!succeeded(response)) throw client.failure(request, response)
  try {
    return JSON.parse(response.body.toString('utf8'))
  } catch {
    throw notJson(
      `POST ${wirePath(request)}`,
      response.headers['content-type'],
      client.options.transport.server.display,
    )
  }
}
