import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

import type { Cluster } from '@kubernetes/client-node'

import { ImpoundError, messageOf } from '../model/errors.js'
import { asArray, asObject, asString, at } from '../model/json.js'
import type { Environment } from './kubeconfig.js'

/** What a plugin gave, as client-go's ExecCredential says it. */
export interface PluginCredential {
  readonly token: string | undefined
  /** PEM. */
  readonly certificate: string | undefined
  /** PEM. */
  readonly key: string | undefined
  /** Milliseconds since the epoch; absent: until the server says 401. */
  readonly expiresAt: number | undefined
}

export interface PluginRun {
  /** The kubeconfig's user.exec, unchecked. */
  readonly exec: unknown
  readonly cluster: Cluster
  readonly env: Environment
  /** Whether a person sits at the terminal that is our stdin: only then may a plugin ask. */
  readonly interactive: boolean
  readonly timeoutMs: number
  readonly notice: (line: string) => void
  readonly signal: AbortSignal
}

interface PluginConfig {
  readonly apiVersion: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Environment
  readonly interactive: boolean
  readonly provideClusterInfo: boolean
  readonly installHint: readonly string[]
}

const MAX_STDOUT = 1024 * 1024
const MAX_STDERR_LINES = 100
const MAX_LINE = 500
/** After SIGTERM, in ms. */
const KILL_AFTER = 2_000

/**
 * Runs an exec credential plugin (client.authentication.k8s.io, as client-go runs it): KUBERNETES_EXEC_INFO in its
 * environment, stderr passed on line by line, a terminal only where there is one, and a deadline. Throws `configuration`,
 * or the signal's reason.
 */
export async function runCredentialPlugin(run: PluginRun): Promise<PluginCredential> {
  const config = readConfig(run)
  const child = spawn(config.command, config.args, {
    env: { ...run.env, ...config.env, KUBERNETES_EXEC_INFO: execInfo(config, run.cluster) },
    stdio: [config.interactive ? 'inherit' : 'ignore', 'pipe', 'pipe'],
  })
  const { promise, resolve, reject } = Promise.withResolvers<number | NodeJS.Signals>()
  const stop = (why: Error): void => {
    reject(why)
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), KILL_AFTER).unref()
    child.stdout.destroy()
    child.stderr.destroy()
  }
  const onAbort = (): void => stop(run.signal.reason as Error)
  const timer = setTimeout(() => {
    stop(failure(config, `did not answer within ${run.timeoutMs / 1000} s`, []))
  }, run.timeoutMs)
  run.signal.addEventListener('abort', onAbort, { once: true })
  if (run.signal.aborted) onAbort()
  child.once('error', (cause) => reject(notStarted(config, cause)))
  child.once('close', (status, signal) => resolve(status ?? signal ?? 'SIGKILL'))
  const tail = passOn(child.stderr, (line) => run.notice(`${config.command}: ${line}`))
  const stdout = collect(child.stdout, () => {
    stop(failure(config, 'wrote more than a credential to its stdout', []))
  })
  try {
    const status = await promise
    if (status !== 0) throw failure(config, `failed (${status})`, tail())
    return readCredential(config, stdout())
  } finally {
    clearTimeout(timer)
    run.signal.removeEventListener('abort', onAbort)
  }
}

function readConfig({ exec, interactive }: PluginRun): PluginConfig {
  const command = asString(at(exec, 'command')) ?? ''
  const apiVersion = asString(at(exec, 'apiVersion')) ?? ''
  if (command === '' || !apiVersion.startsWith('client.authentication.k8s.io/'))
    throw new ImpoundError('configuration', "The kubeconfig's exec entry lacks its command or apiVersion.")
  const mode = asString(at(exec, 'interactiveMode')) ?? 'IfAvailable'
  if (mode === 'Always' && !interactive)
    throw new ImpoundError(
      'configuration',
      `The credential plugin ${command} asks questions and needs a terminal.`,
      {
        hints: ['Run it in a terminal first, so that it can keep what it was told.'],
      },
    )
  const env = asArray(at(exec, 'env')).map(
    (entry) => [asString(at(entry, 'name')) ?? '', asString(at(entry, 'value')) ?? ''] as const,
  )
  return {
    apiVersion,
    command,
    args: asArray(at(exec, 'args')).map(String),
    env: Object.fromEntries(env.filter(([name]) => name !== '')),
    interactive: interactive && mode !== 'Never',
    provideClusterInfo: at(exec, 'provideClusterInfo') === true,
    installHint: (asString(at(exec, 'installHint')) ?? '').split('\n').filter((line) => line.trim() !== ''),
  }
}

function execInfo(config: PluginConfig, cluster: Cluster): string {
  return JSON.stringify({
    apiVersion: config.apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: config.interactive,
      ...(config.provideClusterInfo
        ? {
            cluster: {
              server: cluster.server,
              'tls-server-name': cluster.tlsServerName,
              'insecure-skip-tls-verify': cluster.skipTLSVerify,
              'certificate-authority-data': cluster.caData,
              'proxy-url': cluster.proxyUrl,
            },
          }
        : {}),
    },
  })
}

function readCredential(config: PluginConfig, stdout: string): PluginCredential {
  let parsed: unknown
  try {
    parsed = JSON.parse(stdout)
  } catch {
    // not quoted: it may be half of a token
    throw failure(config, 'printed no JSON', [])
  }
  const version = asString(at(parsed, 'apiVersion'))
  const status = asObject(at(parsed, 'status'))
  if (version !== config.apiVersion)
    throw failure(config, `answered in ${version ?? 'no version'}, asked was ${config.apiVersion}`, [])
  const token = asString(status?.['token'])
  const certificate = asString(status?.['clientCertificateData'])
  const key = asString(status?.['clientKeyData'])
  if (token === undefined && (certificate === undefined || key === undefined))
    throw failure(config, 'gave neither a token nor a certificate with its key', [])
  const expires = Date.parse(asString(status?.['expirationTimestamp']) ?? '')
  return { token, certificate, key, expiresAt: Number.isNaN(expires) ? undefined : expires }
}

function collect(stream: Readable, onTooMuch: () => void): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_STDOUT) onTooMuch()
    else chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

/** Hands on lines as they come, bounded in length and number; gives the last ones. */
function passOn(stream: Readable, line: (text: string) => void): () => readonly string[] {
  let rest = ''
  let count = 0
  const last: string[] = []
  const take = (text: string): void => {
    if (text.trim() === '') return
    last.push(text)
    if (last.length > 5) last.shift()
    count += 1
    if (count <= MAX_STDERR_LINES) line(text)
  }
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split(/\r?\n/)
    rest = (lines.pop() ?? '').slice(0, MAX_LINE)
    for (const text of lines) take(text.slice(0, MAX_LINE))
  })
  stream.on('end', () => take(rest))
  return () => last
}

function notStarted(config: PluginConfig, cause: unknown): ImpoundError {
  return new ImpoundError(
    'configuration',
    `The credential plugin ${config.command} can't be started: ${messageOf(cause)}.`,
    { cause, hints: [...config.installHint, 'It is named in the kubeconfig: users[].user.exec.command.'] },
  )
}

function failure(config: PluginConfig, what: string, said: readonly string[]): ImpoundError {
  return new ImpoundError('configuration', `The credential plugin ${config.command} ${what}.`, {
    hints: [...said, 'Try it by hand; kubectl uses the same one.'],
  })
}
