import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import type { Lab } from '../../src/lab/lab.js'
import { COMPILED_CODE } from '../compiled-code.js'

const BIN = resolve(import.meta.dirname, '../../bin/impound.js')

export interface Ran {
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** The built command line (npm run build), run as a user would, in a home of the test's own. */
export class CommandLine {
  readonly home = mkdtempSync(join(tmpdir(), 'impound-command-'))
  readonly registry: string
  private readonly kubeconfig: string

  constructor(lab: Lab, kubeconfig = lab.kubeconfig) {
    this.kubeconfig = kubeconfig
    this.registry = `${lab.registry.host}=${lab.registry.url}`
  }

  run(...argv: readonly string[]): Promise<Ran> {
    return this.start(...argv).ended
  }

  start(...argv: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ran> } {
    const child = spawn(process.execPath, [BIN, ...argv], {
      cwd: this.home,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        ...COMPILED_CODE,
        HOME: this.home,
        XDG_STATE_HOME: join(this.home, 'state'),
        KUBECONFIG: this.kubeconfig,
      },
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    const ended = new Promise<Ran>((done, fail) => {
      child.on('error', fail)
      child.on('close', (status) => {
        done({ status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') })
      })
    })
    return { child, ended }
  }
}

/** Resolves once the stream has said what is waited for. */
export function hears(child: ChildProcess, what: string): Promise<void> {
  return new Promise((heard, fail) => {
    let text = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      if (text.includes(what)) heard()
    })
    child.on('close', () => fail(new Error(`ended without saying "${what}":\n${text}`)))
  })
}
