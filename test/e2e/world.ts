import { execFile, execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { COMPILED_CODE } from '../compiled-code.js'

/**
 * What the end-to-end tests are told of the cluster. KUBECONFIG: an administrator's. E2E_APP_IMAGE: an image with a shell, tar and the
 * files that make-images.sh puts into it. E2E_DISTROLESS_IMAGE: one static binary that runs on. E2E_BARE_IMAGE: /busybox and a few
 * files, no shell by name. E2E_NODE_IMAGE: for the pod on the node, as docs/node-pod.md wants it. E2E_REGISTRY: HOST=URL for --registry. E2E_NO_RIGHTS_KUBECONFIG: a user without any rights, called `responder`.
 * E2E_AUDIT_LOG, where it is to be had: the API server's audit log, to see what it refused.
 */
export const world = {
  kubeconfig: required('KUBECONFIG'),
  appImage: required('E2E_APP_IMAGE'),
  distrolessImage: required('E2E_DISTROLESS_IMAGE'),
  bareImage: required('E2E_BARE_IMAGE'),
  nodeImage: required('E2E_NODE_IMAGE'),
  registry: required('E2E_REGISTRY'),
  noRights: required('E2E_NO_RIGHTS_KUBECONFIG'),
  auditLog: process.env['E2E_AUDIT_LOG'],
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set: see test/e2e/world.ts`)
  return value
}

const BIN = resolve(import.meta.dirname, '../../bin/impound.js')

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the built command line as a user would, with a state directory of the test's own. */
export function impound(
  argv: readonly string[],
  options: { readonly home: string; readonly kubeconfig?: string },
): Promise<Ran> {
  const env = {
    PATH: process.env['PATH'],
    ...COMPILED_CODE,
    HOME: options.home,
    XDG_STATE_HOME: join(options.home, 'state'),
    KUBECONFIG: options.kubeconfig ?? world.kubeconfig,
  }
  return new Promise((done) => {
    execFile(
      process.execPath,
      [BIN, ...argv],
      { env, cwd: options.home, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        done({
          status: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
          stdout,
          stderr,
        })
      },
    )
  })
}

export function kubectl(...argv: readonly string[]): string {
  return execFileSync('kubectl', ['--kubeconfig', world.kubeconfig, ...argv], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

export function apply(...objects: readonly object[]): void {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
  execFileSync('kubectl', ['--kubeconfig', world.kubeconfig, 'apply', '-f', '-'], {
    input: list,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** kubectl's JSON, parsed; shapes are checked by what the tests expect of them. */
export function kubeJson(...argv: readonly string[]): unknown {
  return JSON.parse(kubectl(...argv, '-o', 'json'))
}

/** Asks again and again until the answer is not undefined; fails with what was waited for. */
export async function eventually<Value>(
  what: string,
  ask: () => Value | undefined,
  seconds = 150,
): Promise<Value> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const answer = ask()
    if (answer !== undefined) return answer
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}`)
    await new Promise((next) => setTimeout(next, 500))
  }
}

/** Ends a container's first process once the exec that asks for it is over: else its end takes the exec along. */
export const END_SOON = '(sleep 1; kill 1) >/dev/null 2>&1 &'
