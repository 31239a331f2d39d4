import { type ErrorCode, ImpoundError } from '../model/errors.js'
import { asArray, asString, at } from '../model/json.js'

export interface FailedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** 'GET /api/v1/…' */
  readonly request: string
}

export interface AskedAs {
  /** Without credentials. */
  readonly server: string
  readonly context: string
  /** The right that the request needs, in RBAC's words. */
  readonly right: string | undefined
  /** The label selector of a list, which is the user's own words. */
  readonly selector?: string | undefined
}

const MAX_MESSAGE = 500

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'unsupported',
  406: 'unsupported',
  408: 'timeout',
  409: 'conflict',
  410: 'gone',
  413: 'too-big',
  415: 'unsupported',
  422: 'invalid',
  429: 'throttled',
}

/** An answer other than 2xx as our error: from its Status object where it has one. */
export function apiError(answer: FailedAnswer, asked: AskedAs): ImpoundError {
  const status = statusObject(answer)
  if (status === undefined) return foreignAnswer(answer, asked)
  const message = statusMessage(status)
  const code = codeOf(answer.status)
  if (answer.status === 400 && asked.selector !== undefined) return badSelector(asked.selector, message)
  return new ImpoundError(code, sentence(message || `${answer.request}: HTTP ${answer.status}`), {
    httpStatus: answer.status,
    hints: hintsFor(code, message, asked),
  })
}

function badSelector(selector: string, message: string): ImpoundError {
  const why = message === '' ? '' : `: ${message}`
  return new ImpoundError(
    'usage',
    sentence(`The server can't read the selector ${JSON.stringify(selector)}${why}`),
    {
      httpStatus: 400,
      hints: ["A selector is written like app=web,tier!=cache or 'app in (a,b)'."],
    },
  )
}

/** A Status's message with the causes that say more, bounded. */
export function statusMessage(status: unknown): string {
  const message = asString(at(status, 'message')) ?? ''
  const causes = asArray(at(status, 'details', 'causes'))
    .slice(0, 5)
    .map((cause) => asString(at(cause, 'message')) ?? '')
    .filter((text) => text !== '' && !message.includes(text))
  return [message, ...causes]
    .filter((text) => text !== '')
    .join('; ')
    .slice(0, MAX_MESSAGE)
}

function statusObject({ headers, body }: FailedAnswer): unknown {
  if (!(headers['content-type'] ?? '').includes('json')) return undefined
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    return at(parsed, 'kind') === 'Status' ? parsed : undefined
  } catch {
    return undefined
  }
}

function codeOf(httpStatus: number): ErrorCode {
  return CODES[httpStatus] ?? (httpStatus >= 400 && httpStatus < 500 ? 'invalid' : 'server')
}

function hintsFor(code: ErrorCode, message: string, asked: AskedAs): readonly string[] {
  const hints: Partial<Record<ErrorCode, readonly string[]>> = {
    forbidden: forbiddenHints(message, asked),
    unauthorized: [
      `The server does not accept the credentials of the context ${JSON.stringify(asked.context)}.`,
      'Log in again, or choose another context with --context.',
    ],
    throttled: ['The server asks for patience: try again in a moment.'],
    conflict: ['Somebody changed it meanwhile: look at it again before you go on.'],
    gone: ['The list changed too much while it was read: ask again.'],
    server: [`The fault is at ${asked.server} or behind it; its own log says more.`],
  }
  return hints[code] ?? []
}

function forbiddenHints(message: string, { right, context }: AskedAs): readonly string[] {
  if (/cannot impersonate/.test(message))
    return [`The user of the context ${JSON.stringify(context)} lacks the right to impersonate (--as).`]
  // RBAC says 'User "x" cannot get resource …'; what else is forbidden was refused by admission
  if (!/\bcannot \w+ (?:resource|path)\b/.test(message))
    return ['This is no missing right: an admission rule or a quota of the cluster refused it.']
  return [
    ...(right === undefined ? [] : [`Ask for the right: ${right}.`]),
    'Or act as somebody who has it: --as USER, or another --context.',
  ]
}

function foreignAnswer(answer: FailedAnswer, asked: AskedAs): ImpoundError {
  const { status, headers, body, request } = answer
  const type = (headers['content-type'] ?? 'no content type').split(';')[0] ?? ''
  const text = body.subarray(0, MAX_MESSAGE).toString('utf8').replace(/\s+/g, ' ').trim()
  const page = type.includes('html') || /^\s*<(?:!doctype|html)/i.test(text)
  if (page || (status >= 300 && status < 400))
    return new ImpoundError(
      'server',
      `${request}: what answered (HTTP ${status}, ${type}) is no Kubernetes API.`,
      {
        httpStatus: status,
        hints: [`A proxy or a log-in page may stand between here and ${asked.server}.`],
      },
    )
  if (status === 400 && /HTTP request to an HTTPS server/i.test(text))
    return new ImpoundError('configuration', `${asked.server} speaks HTTPS, and was asked over plain HTTP.`, {
      httpStatus: status,
      hints: [
        `Write the server of the context ${JSON.stringify(asked.context)} with https:// in the kubeconfig.`,
      ],
    })
  if (status === 414 || status === 431)
    return new ImpoundError(
      'server',
      `${request}: a request of this length is not let through (HTTP ${status}).`,
      {
        httpStatus: status,
        hints: [
          `An exec carries its script in its address; a proxy between here and ${asked.server} takes no such length.`,
          'Go around it, or raise its bound for the request line and headers to 64 KiB.',
        ],
      },
    )
  const code = codeOf(status)
  const quoted = text === '' || type.includes('json') ? '' : `: ${text}`
  return new ImpoundError(code, sentence(`${request}: HTTP ${status}${quoted}`), {
    httpStatus: status,
    hints: hintsFor(code, code === 'forbidden' ? 'cannot get resource' : text, asked),
  })
}

/** A 2xx whose body is not the JSON that was asked for. */
export function notJson(request: string, contentType: string | undefined, server: string): ImpoundError {
  return new ImpoundError(
    'server',
    `${request}: the answer (${contentType ?? 'no content type'}) is not whole JSON.`,
    {
      hints: [`A proxy or a log-in page may stand between here and ${server}.`],
    },
  )
}

function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}
