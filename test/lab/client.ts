import { readFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'

import { WebSocket } from 'ws'

import type { JsonObject } from '../../src/model/json.js'

/** What a kubeconfig of the lab holds, read without a Kubernetes library. */
export interface Access {
  readonly server: string
  readonly ca: Buffer
  readonly token: string | undefined
  readonly cert: Buffer | undefined
  readonly key: Buffer | undefined
}

export async function accessOf(kubeconfig: string): Promise<Access> {
  const text = await readFile(kubeconfig, 'utf8')
  const field = (name: string): string | undefined => new RegExp(`^ *${name}: (.*)$`, 'm').exec(text)?.[1]
  const decoded = (name: string): Buffer | undefined => {
    const value = field(name)
    return value === undefined ? undefined : Buffer.from(value, 'base64')
  }
  return {
    server: field('server')!,
    ca: decoded('certificate-authority-data')!,
    token: field('token'),
    cert: decoded('client-certificate-data'),
    key: decoded('client-key-data'),
  }
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Whether the answer came to its proper end. */
  readonly complete: boolean
  readonly json: JsonObject
}

export interface Call {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: unknown
}

/** Resolves once it is so; a test that waits in vain runs into its own timeout. */
export async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** One request on a connection of its own. */
export function call(
  access: Access,
  path: string,
  { method = 'GET', headers = {}, body }: Call = {},
): Promise<Reply> {
  const bytes = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const sent = request(
      access.server,
      {
        // not as part of the URL, which would resolve dots
        path,
        method,
        agent: false,
        ca: access.ca,
        ...(access.cert === undefined ? {} : { cert: access.cert, key: access.key }),
        headers: {
          'User-Agent': 'lab-test/1.0',
          ...(access.token === undefined ? {} : { Authorization: `Bearer ${access.token}` }),
          ...(body === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(bytes)) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', () => undefined)
        response.once('close', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            complete: response.complete,
            get json() {
              return JSON.parse(text) as JsonObject
            },
          })
        })
      },
    )
    sent.once('error', reject)
    sent.end(bytes)
  })
}

export function jsonPatch(access: Access, path: string, operations: readonly unknown[]): Promise<Reply> {
  return call(access, path, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json-patch+json' },
    body: operations,
  })
}

export function mergePatch(access: Access, path: string, patch: unknown): Promise<Reply> {
  return call(access, path, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/merge-patch+json' },
    body: patch,
  })
}

export interface ExecTrace {
  readonly protocol: string
  readonly stdout: string
  readonly stderr: string
  /** The frames' channels, in order. */
  readonly channels: readonly number[]
  readonly status: JsonObject | undefined
  readonly closeCode: number
}

/** Runs one exec stream to its end, or resolves with the plain answer that came instead of it. */
export function exec(
  access: Access,
  path: string,
  protocols: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
): Promise<ExecTrace | { readonly refused: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(access, path, protocols)
    const outputs = ['', '', '', '']
    const channels: number[] = []
    socket.on('message', (data: Buffer) => {
      const channel = data[0] ?? 0
      channels.push(channel)
      outputs[channel] = `${outputs[channel] ?? ''}${data.subarray(1).toString()}`
    })
    socket.on('unexpected-response', (_request, response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ refused: response.statusCode ?? 0, text }))
    })
    socket.on('error', reject)
    socket.on('close', (closeCode) =>
      resolve({
        protocol: socket.protocol,
        stdout: outputs[1] ?? '',
        stderr: outputs[2] ?? '',
        channels,
        status: outputs[3] === '' ? undefined : (JSON.parse(outputs[3] ?? '') as JsonObject),
        closeCode,
      }),
    )
  })
}

export function openSocket(access: Access, path: string, protocols: readonly string[]): WebSocket {
  return new WebSocket(`${access.server.replace('https', 'wss')}${path}`, [...protocols], {
    ca: access.ca,
    ...(access.cert === undefined ? {} : { cert: access.cert, key: access.key }),
    headers: access.token === undefined ? {} : { Authorization: `Bearer ${access.token}` },
  })
}
