import { spawn } from 'node:child_process'

import { ImpoundError } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import type { Credential } from './credential.js'

const STDOUT_LIMIT = 1 << 20
const STDERR_LIMIT = 4 << 10
/** What helpers say on stdout when they know of none. Source: docker/docker-credential-helpers, credentials/error.go. */
const KNOWS_NONE = /credentials not found in native keychain/
/** The name under which helpers give a refresh token in the place of a password. */
const TOKEN_NAME = '<token>'

/** How helpers are started: with which environment (PATH among it), and for how long, in ms. */
export interface HelperMeans {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly deadlineMs: number
}

/**
 * Asks `docker-credential-NAME get` on the PATH for what opens a server. Undefined where it knows of nothing. Throws
 * `configuration` where the helper is missing, fails or says what nobody understands, `timeout` past the deadline.
 * Source: docker/docker-credential-helpers, the protocol of `get`.
 */
export async function askHelper(
  name: string,
  server: string,
  means: HelperMeans,
  signal: AbortSignal,
): Promise<Credential | undefined> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw new ImpoundError(
      'configuration',
      `${JSON.stringify(name.slice(0, 80))} is no name of a credential helper`,
    )
  }
  const program = `docker-credential-${name}`
  const answer = await run(program, server, means, signal)
  if (KNOWS_NONE.test(answer.stdout) || KNOWS_NONE.test(answer.stderr)) return undefined
  if (answer.status !== 0) {
    const said = (answer.stderr.trim() || answer.stdout.trim()).slice(0, 300)
    throw failed(program, `ends with status ${answer.status ?? 'unknown'}: ${said}`)
  }
  const credential = readAnswer(answer.stdout)
  if (credential === undefined) throw failed(program, 'gives no credentials that we understand')
  return credential
}

function readAnswer(stdout: string): Credential | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(stdout)
  } catch {
    return undefined
  }
  const [username, secret] = [asString(at(parsed, 'Username')), asString(at(parsed, 'Secret'))]
  if (username === undefined || secret === undefined) return undefined
  return username === TOKEN_NAME
    ? { kind: 'identity', token: secret }
    : { kind: 'basic', username, password: secret }
}

interface HelperAnswer {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

async function run(
  program: string,
  server: string,
  means: HelperMeans,
  signal: AbortSignal,
): Promise<HelperAnswer> {
  const deadline = AbortSignal.timeout(means.deadlineMs)
  const child = spawn(program, ['get'], {
    stdio: 'pipe',
    signal: AbortSignal.any([signal, deadline]),
    killSignal: 'SIGKILL',
    env: { ...means.env },
  })
  const stdout = kept(child.stdout, STDOUT_LIMIT)
  const stderr = kept(child.stderr, STDERR_LIMIT)
  // a helper that does not read what it is told is told nothing
  child.stdin.on('error', () => undefined)
  child.stdin.end(`${server}\n`)
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    return { status, stdout: stdout(), stderr: stderr() }
  } catch (cause) {
    // a child of the helper may hold the pipes open
    child.stdout.destroy()
    child.stderr.destroy()
    if (signal.aborted) throw new ImpoundError('aborted', `interrupted while ${program} was asked`, { cause })
    if (deadline.aborted)
      throw new ImpoundError('timeout', `${program} gave no answer in ${means.deadlineMs / 1000} s`, {
        cause,
      })
    throw failed(program, 'can not be started', cause)
  }
}

/** Reads everything and keeps the beginning. */
function kept(stream: NodeJS.ReadableStream, limit: number): () => string {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    if (size < limit) chunks.push(chunk.subarray(0, limit - size))
    size += chunk.length
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

function failed(program: string, how: string, cause?: unknown): ImpoundError {
  return new ImpoundError('configuration', `the credential helper ${program} ${how}`, {
    cause,
    hints: ['name another docker configuration with --registry-config FILE'],
  })
}
