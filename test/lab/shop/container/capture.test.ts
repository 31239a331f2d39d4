import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from '@jest/globals'

import { parseReport } from '../../../../src/filesystem/capture-report.js'
import { applyLayers } from '../../../../src/lab/shop/files/tree.js'
import { webLayers } from '../../../../src/lab/shop/images/web.js'
import { containerOf, dbPod, type Ran, run, siblingPod, suspectPod } from './running.js'

const SCRIPT = readFileSync(join(import.meta.dirname, '../../../../templates/capture-filesystem.sh'), 'utf8')

function capture(pod: typeof suspectPod, container: string, highWaterMark?: number): Promise<Ran> {
  return run(containerOf(pod, container)!, ['sh', '-c', SCRIPT, 'impound'], highWaterMark)
}

/** Names in a tar as system tar reads them, a character for each byte; newlines and escapes quoted. */
function listed(tar: Buffer): readonly string[] {
  return execFileSync('tar', ['--quoting-style=escape', '-tf', '-'], { input: tar, encoding: 'latin1' })
    .split('\n')
    .slice(0, -1)
}

/** What system tar gets out of a tar for one member. */
function extracted(tar: Buffer, name: string): Buffer {
  return execFileSync('tar', ['-xOf', '-', name], { input: tar })
}

const imagePaths = [...applyLayers(webLayers('amd64'))].map(
  ([path, { kind }]) => `./${Buffer.from(path, 'latin1').toString('utf8')}${kind === 'directory' ? '/' : ''}`,
)
const suspect = await capture(suspectPod, 'app')
const sibling = await capture(siblingPod, 'app')

/** Members of the one and not of the other. */
function without(names: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others)
  return names.filter((name) => !known.has(name))
}

describe('a capture of the suspect', () => {
  it('ends with a trailer that counts and hashes what was sent', () => {
    const { trailer, mounts, complaints, hasXattrs } = parseReport(
      Buffer.from(suspect.stderr, 'latin1'),
      false,
    )
    expect(suspect.result).toEqual({ kind: 'exited', exitCode: 0 })
    expect(trailer).toEqual({
      bytes: suspect.stdout.length,
      sha256: createHash('sha256').update(suspect.stdout).digest('hex'),
      tar: 0,
    })
    expect(suspect.stdout.subarray(-1024)).toEqual(Buffer.alloc(1024))
    expect(mounts).toEqual(
      expect.arrayContaining(['proc', 'dev', 'cache', 'run/secrets/kubernetes.io/serviceaccount']),
    )
    expect([complaints, hasXattrs]).toEqual([[], false])
  })

  it('differs from the healthy sibling by what the intruder added and deleted', () => {
    const [bad, good] = [listed(suspect.stdout), listed(sibling.stdout)]
    expect(without(bad, good)).toEqual([
      './app/.bash_history',
      './etc/crontabs/app',
      './tmp/.x/',
      './tmp/.x/\\033[2J\\033[31mred',
      './tmp/.x/.wh.loot',
      './tmp/.x/kworker',
      './tmp/.x/kworker.bak',
      './tmp/.x/not-utf8-\\377\\376',
      './tmp/.x/two\\nlines',
      './tmp/.x/www/',
      './tmp/.x/www/index.html',
      './tmp/.x/| a `b` [c](d)',
    ])
    expect(without(good, bad)).toEqual(['./var/log/app/audit.log'])
  })

  it('shows the rewritten file only to who hashes it: size and time are those of the image', () => {
    const facts = (tar: Buffer): readonly string[] =>
      execFileSync('tar', ['--utc', '--full-time', '-tvf', '-', './app/config.yaml'], {
        input: tar,
        encoding: 'utf8',
      })
        .trim()
        .split(/\s+/)
    expect(facts(suspect.stdout)).toEqual(facts(sibling.stdout))
    expect(extracted(suspect.stdout, './app/config.yaml').toString('utf8')).toContain(
      'payments-cdn.test:8443',
    )
    expect(extracted(sibling.stdout, './app/config.yaml').toString('utf8')).toContain(
      'payments.shop.svc:8443',
    )
  })

  it.each([
    ['a setuid bit', './usr/bin/nsenter', '-rwsr-xr-x', '-rwxr-xr-x'],
    ['a link turned', './app/current', 'app/current -> /tmp/.x/www', 'app/current -> releases/1.4.2'],
    ['a longer file', './usr/local/bin/healthcheck', '0/0             121', '0/0              66'],
  ])('shows %s', (_what, name, changed, before) => {
    const line = (tar: Buffer): string =>
      execFileSync('tar', ['--numeric-owner', '-tvf', '-', name], { input: tar, encoding: 'utf8' })
    expect(line(suspect.stdout)).toContain(changed)
    expect(line(sibling.stdout)).toContain(before)
  })

  it('has the content of a file once, and its other names as links', () => {
    const line = execFileSync('tar', ['-tvf', '-', './tmp/.x/kworker.bak'], {
      input: suspect.stdout,
      encoding: 'utf8',
    })
    expect(line).toContain('./tmp/.x/kworker.bak link to ./tmp/.x/kworker')
    expect(extracted(suspect.stdout, './tmp/.x/kworker').subarray(0, 4).toString('latin1')).toBe('\x7fELF')
  })

  it('sends the same to a slow reader', async () => {
    const slow = await capture(suspectPod, 'app', 1)
    expect([slow.stdout.equals(suspect.stdout), slow.stderr]).toEqual([true, suspect.stderr])
  })
})

describe('a capture of a clean container', () => {
  it('is the image, what was mounted left out, and the little that a run writes', () => {
    const names = execFileSync('tar', ['--quoting-style=literal', '-tf', '-'], {
      input: sibling.stdout,
      encoding: 'utf8',
    })
      .split('\n')
      .slice(0, -1)
    expect(without(names, imagePaths)).toEqual([
      './',
      './etc/resolv.conf',
      './run/app.pid',
      './run/secrets/',
      './run/secrets/kubernetes.io/',
      './var/log/app/access.log',
    ])
    expect(without(imagePaths, names).toSorted()).toEqual(['./cache/', './dev/', './proc/', './sys/'])
  })

  it('has the files that the runtime mounts with what is mounted', () => {
    expect(extracted(sibling.stdout, './etc/hostname').toString('utf8')).toBe('web-6dd6bfc4b-q8w5z\n')
  })

  it('says what its user may not read, and fails as tar does', async () => {
    const { result, stdout, stderr } = await capture(dbPod, 'postgres')
    const { complaints, trailer } = parseReport(Buffer.from(stderr, 'latin1'), false)
    expect(result).toEqual({ kind: 'exited', exitCode: 1 })
    expect(trailer?.tar).toBe(1)
    expect(complaints).toEqual([
      "tar: can't open './etc/crontabs/root': Permission denied",
      "tar: can't open './etc/shadow': Permission denied",
      "tar: can't open './root': Permission denied",
      'tar: error exit delayed from previous errors',
    ])
    expect(listed(stdout)).toContain('./root/')
    expect(listed(stdout)).not.toContain('./etc/shadow')
  })

  it('is not to be had where there is no shell', async () => {
    const { result, stdout } = await capture(suspectPod, 'log-shipper')
    expect([result.kind, stdout.length]).toEqual(['unstartable', 0])
  })
})
