import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'

import type { LabImage } from '../types.js'

import type { Answer } from './answer.js'
import { errorAnswer, jsonAnswer } from './answer.js'
import { contentAnswer, routeOf } from './content.js'
import { tokenAnswer } from './token.js'

interface LabRegistryRequest {
  readonly method: string
  /** With query. */
  readonly path: string
  readonly status: number
}

export interface LabRegistry {
  /** 'http://127.0.0.1:PORT' */
  readonly url: string
  /** Every request so far, in the order of their answers. */
  readonly requests: readonly LabRegistryRequest[]
  close(): Promise<void>
}

export interface LabRegistryOptions {
  /** Ask for this bearer token, which /token gives to everybody. */
  readonly token?: string
}

/**
 * A registry for pulling, in this process, plain http on a port of 127.0.0.1: ping, manifests by tag and digest, blobs
 * whole and in ranges, the list of tags. Source: OCI distribution specification 1.1.
 */
export async function startLabRegistry(
  images: readonly LabImage[],
  options: LabRegistryOptions = {},
): Promise<LabRegistry> {
  const requests: LabRegistryRequest[] = []
  let url = ''
  const server = createServer((request, response) => {
    const answer = answerTo(request, url, images, options)
    const method = request.method ?? ''
    requests.push({ method, path: request.url ?? '', status: answer.status })
    send(response, method, answer)
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('the lab registry has no port'))
      else resolve(address.port)
    })
  })
  url = `http://127.0.0.1:${port}`
  return {
    url,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answerTo(
  request: IncomingMessage,
  url: string,
  images: readonly LabImage[],
  { token }: LabRegistryOptions,
): Answer {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return errorAnswer(405, 'UNSUPPORTED', 'the lab registry is for pulling only')
  }
  const path = decodePath(request.url ?? '')
  const route = routeOf(path)
  if (token !== undefined) {
    const { authorization } = request.headers
    const challenge = tokenAnswer(token, { url, path, authorization }, route)
    if (challenge !== undefined) return challenge
  }
  if (path === '/v2/' || path === '/v2') return jsonAnswer({})
  if (route === undefined) return errorAnswer(404, 'UNSUPPORTED', 'no such endpoint')
  const { accept, range } = request.headers
  return contentAnswer(images, route, { accept, range })
}

/** Without query; undecodable escapes name nothing. */
function decodePath(target: string): string {
  try {
    return decodeURIComponent(target.replace(/\?.*$/s, ''))
  } catch {
    return ''
  }
}

function send(response: ServerResponse, method: string, { status, headers, body }: Answer): void {
  response.writeHead(status, {
    'docker-distribution-api-version': 'registry/2.0',
    ...headers,
    'content-length': body.length,
  })
  response.end(method === 'HEAD' ? undefined : body)
}
