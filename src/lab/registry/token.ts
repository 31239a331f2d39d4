import type { Answer } from './answer.js'
import { errorAnswer, jsonAnswer } from './answer.js'
import type { Route } from './content.js'

const SERVICE = 'lab-registry'

/**
 * Bearer tokens as public registries hand them out to everybody: a challenge, a token for the asking, the request again.
 * Undefined where the request may go on. Source: distribution project, token authentication specification.
 */
export function tokenAnswer(
  token: string,
  request: { readonly url: string; readonly path: string; readonly authorization?: string | undefined },
  route: Route | undefined,
): Answer | undefined {
  if (request.path === '/token') return jsonAnswer({ token, access_token: token, expires_in: 300 })
  if (request.authorization === `Bearer ${token}`) return undefined
  const scope = route === undefined ? '' : `,scope="repository:${route.repository}:pull"`
  return errorAnswer(401, 'UNAUTHORIZED', 'authentication required', {
    'www-authenticate': `Bearer realm="${request.url}/token",service="${SERVICE}"${scope}`,
  })
}
