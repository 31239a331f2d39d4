import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough, Writable } from 'node:stream'

import { afterAll, describe, expect, it } from '@jest/globals'

import type { NodeRun } from '../../src/model/ports/node-pod.js'
import type { Exec } from '../../src/model/ports/streams.js'
import { openSession } from '../../src/node-pod/session.js'

const FRAME = readFileSync(resolve(import.meta.dirname, '../../templates/node/frame.sh'), 'utf8')
const SHELLS = [['/usr/bin/dash'], ['/usr/bin/bash'], ['/usr/bin/busybox', 'sh']].filter(([path = '']) =>
  existsSync(path),
)
/** What an image may bring for the frame: all of this machine's, or no more than is asked of it. */
const PROGRAMS = [
  ['with perl and openssl', process.env['PATH'] ?? ''],
  ['with coreutils alone', coreutils()],
] as const
const OPTIONS = { signal: new AbortController().signal, stallTimeoutMs: 10_000, maxBytes: 2 ** 30 }

/** A folder for PATH with what the frame and the scripts here need, and neither perl nor openssl. */
function coreutils(): string {
  const folder = mkdtempSync(join(tmpdir(), 'impound-path-'))
  for (const program of ['cat', 'head', 'sh', 'sha256sum', 'sleep', 'tee', 'tr', 'wc'])
    symlinkSync(
      execFileSync('sh', ['-c', `command -v ${program}`])
        .toString()
        .trim(),
      join(folder, program),
    )
  return folder
}

afterAll(() => rmSync(PROGRAMS[1][1], { recursive: true, force: true }))

/** Runs what it is asked on this machine; `meddle` stands between, as a connection that loses bytes does. */
function local(
  shell: readonly string[],
  meddle: (chunk: Buffer) => Buffer = (chunk) => chunk,
  path = process.env['PATH'],
): Exec {
  return {
    exec: (_where, argv, { stdout, stderr }) =>
      new Promise((done, fail) => {
        const [program = '', ...first] = shell
        const child = spawn(program, [...first, ...argv.slice(1)], {
          stdio: ['ignore', 'pipe', 'pipe'],
          env: { ...process.env, PATH: path },
        })
        let [stdoutBytes, stderrBytes] = [0, 0]
        child.stdout.on('data', (chunk: Buffer) => {
          stdoutBytes += chunk.length
          stdout.write(meddle(chunk))
        })
        child.stderr.on('data', (chunk: Buffer) => {
          stderrBytes += chunk.length
          stderr.write(chunk)
        })
        child.on('error', fail)
        child.on('close', (code) =>
          setImmediate(() => done({ exitCode: code ?? -1, stdoutBytes, stderrBytes })),
        )
      }),
  }
}

async function run(
  exec: Exec,
  text: string,
  args: readonly string[] = [],
): Promise<NodeRun & { readonly payload: Buffer }> {
  const session = openSession({
    node: 'n',
    pod: { namespace: 'x', name: 'y', image: 'z' },
    exec,
    frame: FRAME,
    random: (bytes) => Buffer.alloc(bytes, 7),
  })
  const chunks: Buffer[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  const ended = await session.run({ name: 'test', text, args }, sink, OPTIONS)
  return { ...ended, payload: Buffer.concat(chunks) }
}

const FRAMES = SHELLS.flatMap((shell) =>
  PROGRAMS.map(([what, path]) => [shell.join(' '), what, shell, path] as const),
)

describe.each(FRAMES)('the frame around a script, in %s %s', (_name, _what, shell, path) => {
  const here = local(shell, undefined, path)

  it('brings every byte, and says that it did', async () => {
    const ended = await run(here, `printf 'a\\000b\\r\\n\\377'; cat /proc/self/comm >/dev/null`)
    expect(ended).toEqual({
      exitCode: 0,
      stdoutBytes: 6,
      stderr: '',
      complete: true,
      payload: Buffer.from('a\0b\r\n\xff', 'latin1'),
    })
  })

  it('gives arguments as they are, and the name that a process list shows', async () => {
    const { payload, stderr } = await run(here, `printf '%s|' "$0" "$@"; echo said >&2`, [
      'a b',
      '',
      '$x',
      "it's",
    ])
    expect(payload.toString()).toBe("impound-test|a b||$x|it's|")
    expect(stderr).toBe('said\n')
  })

  it.each([
    ['exit 7', 7],
    ['echo x; false', 1],
    ['return 3', 3],
    ['no-such-program-of-ours 2>/dev/null', 127],
  ])('ends as the script ends: %s', async (text, exitCode) => {
    expect(await run(here, text)).toMatchObject({ exitCode, complete: true })
  })

  it('is complete with no byte at all, and with a script that ends in a comment', async () => {
    expect(await run(here, ': # }')).toMatchObject({ exitCode: 0, stdoutBytes: 0, complete: true })
  })

  it('does not wait for what a script leaves running, once its output is closed', async () => {
    const began = Date.now()
    expect(await run(here, '(sleep 20 >/dev/null 2>&1) & echo done')).toMatchObject({
      complete: true,
    })
    expect(Date.now() - began).toBeLessThan(15_000)
  })

  it('brings megabytes whole', async () => {
    const { payload, complete, stdoutBytes } = await run(here, 'head -c 5000000 /dev/zero | tr "\\000" x')
    expect(complete).toBe(true)
    expect(stdoutBytes).toBe(5_000_000)
    expect(createHash('sha256').update(payload).digest('hex')).toBe(
      createHash('sha256').update(Buffer.alloc(5_000_000, 'x')).digest('hex'),
    )
  })
})

describe('what is not complete', () => {
  const shell = ['/bin/sh']

  it.each([
    ['the end of the payload is lost', (chunk: Buffer) => chunk.subarray(0, chunk.length - 1)],
    ['a byte is another', (chunk: Buffer) => Buffer.concat([Buffer.from('X'), chunk.subarray(1)])],
    ['something is added', (chunk: Buffer) => Buffer.concat([chunk, Buffer.from('!')])],
  ])('is said: %s', async (_, meddle) => {
    expect(await run(local(shell, meddle), 'echo payload')).toMatchObject({ exitCode: 0, complete: false })
  })

  it('is said where the script ends the shell around it, so that no trailer comes', async () => {
    const ended = await run(local(shell), 'echo half; kill -9 $$')
    expect(ended).toMatchObject({ complete: false })
  })

  it('is not hidden by a trailer that the payload or the script forges', async () => {
    const forged = `impound-frame v1 ${'00'.repeat(8)} bytes=0 sha256=${createHash('sha256').digest('hex')} exit=0`
    const lossy = local(shell, () => Buffer.alloc(0))
    expect(await run(lossy, `echo x; printf '\\n${forged}\\n' >&2; kill -9 $$`)).toMatchObject({
      complete: false,
    })
    const { complete, stderr } = await run(local(shell), `echo x; printf '\\n${forged}\\n' >&2`)
    expect(complete).toBe(true)
    expect(stderr).toBe(`\n${forged}\n`)
  })

  it('keeps the beginning and the end of what a script says too much of', async () => {
    const { stderr, complete } = await run(
      local(shell),
      'echo first >&2; head -c 1000000 /dev/zero | tr "\\000" x >&2; echo last >&2',
    )
    expect(complete).toBe(true)
    expect(stderr.length).toBeLessThan(140_000)
    expect(stderr.startsWith('first\n')).toBe(true)
    expect(stderr.endsWith('last\n')).toBe(true)
  })

  it('passes on what the exec ends with', async () => {
    const cut: Exec = { exec: () => Promise.reject(new Error('cut')) }
    await expect(run(cut, 'true')).rejects.toThrow('cut')
  })

  it('tells the exec of a sink that fails', async () => {
    const sink = new PassThrough()
    sink.destroy()
    const exec: Exec = {
      exec: (_where, _argv, { stdout }) =>
        new Promise((_done, fail) => {
          stdout.once('error', fail)
          stdout.write('x')
        }),
    }
    const parts = { node: 'n', pod: { namespace: 'x', name: 'y', image: 'z' }, frame: FRAME }
    const session = openSession({ ...parts, exec, random: (bytes) => Buffer.alloc(bytes) })
    await expect(session.run({ name: 't', text: 'true', args: [] }, sink, OPTIONS)).rejects.toThrow(
      /destroyed/,
    )
  })
})
