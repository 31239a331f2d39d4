import type { Answer } from './answer.js'
import { errorAnswer, jsonAnswer } from './answer.js'
import type { Route } from './content.js'

const SERVICE = 'lab-registry'

export interface RegistryLogin {
  readonly username: string
  readonly password: string
}

/**
 * Bearer tokens as public registries hand them out to everybody, and private ones to whom they know: a challenge, a token for the asking, the request again.
 * Source: distribution project, token authentication specification.
 */
export class Tokens {
  readonly #first: string
  readonly #login: string | undefined
  #expired = 0

  constructor(token: string, login?: RegistryLogin) {
    this.#first = token
    this.#login =
      login === undefined
        ? undefined
        : `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
  }

  /** From now on the token given out so far is refused, and another one given. */
  expire(): void {
    this.#expired += 1
  }

  /** Undefined where the request may go on. */
  answer(
    request: { readonly url: string; readonly path: string; readonly authorization?: string | undefined },
    route: Route | undefined,
  ): Answer | undefined {
    const token = this.#expired === 0 ? this.#first : `${this.#first}-${this.#expired + 1}`
    if (request.path === '/token' && this.#login !== undefined && request.authorization !== this.#login)
      return errorAnswer(401, 'UNAUTHORIZED', 'incorrect username or password')
    if (request.path === '/token') return jsonAnswer({ token, access_token: token, expires_in: 300 })
    if (request.authorization === `Bearer ${token}`) return undefined
    const scope = route === undefined ? '' : `,scope="repository:${route.repository}:pull"`
    return errorAnswer(401, 'UNAUTHORIZED', 'authentication required', {
      'www-authenticate': `Bearer realm="${request.url}/token",service="${SERVICE}"${scope}`,
    })
  }
}
