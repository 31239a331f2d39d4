import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { completenessOf } from '../../src/filesystem/completeness.js'
import { type CaptureEnd, captureByExec } from '../../src/filesystem/exec-capture.js'
import { readTree, type TreeEnd } from '../../src/filesystem/read-tree.js'
import { running } from './fake-exec.js'

const SCRIPT = readFileSync(resolve(import.meta.dirname, '../../templates/capture-filesystem.sh'), 'utf8')
const BUSYBOX = '/usr/bin/busybox'

/** A root with a /proc, two more mounts of which one has a nasty name, and names that want to be taken for options. */
const PREPARE = `
set -e
mount -t tmpfs root "$R"
mkdir -p "$R/proc" "$R/dev" "$R/bin" "$R/etc/deep" "$R/data/v [x] *" "$R/data/-rf" "$R/tmp" "$R/run/a/mount"
mount -t proc proc "$R/proc"
mount -t tmpfs dev "$R/dev"; mknod -m 666 "$R/dev/null" c 1 3
mount -t tmpfs v "$R/data/v [x] *"; echo mounted >"$R/data/v [x] */in"
mount -t tmpfs v "$R/run/a/mount"; echo mounted >"$R/run/a/mount/in"
echo x >"$R/data/v [x] *x"; echo x >"$R/data/v [x] y"; echo x >"$R/etc/deep/proc"; echo x >"$R/etc/.hidden"; echo x >"$R/etc/..odd"
echo hosts >"$R/etc/hosts"; mount --bind "$R/etc/hosts" "$R/etc/hosts"
printf x >"$R/tmp/$(printf 'a\\nb\\377')"
ln -s /nowhere "$R/tmp/dangling"
`
const LIBRARIES = `
for d in /bin /lib /lib64 /usr; do mkdir -p "$R$d"; mount --rbind -o ro "$d" "$R$d"; done
`
const APPLETS = `
cp ${BUSYBOX} "$R/bin/busybox"
for a in sh tar tee sha256sum wc dd printf; do ln -s busybox "$R/bin/$a"; done
`

const canUnshare =
  process.platform === 'linux' &&
  spawnSync('unshare', ['-m', '--propagation', 'private', 'true']).status === 0
const hasGnuTar = canUnshare && spawnSync('tar', ['--version']).stdout.toString().includes('GNU tar')
const hasBusybox = canUnshare && existsSync(BUSYBOX)

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'impound-capture-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

interface Seen {
  readonly paths: readonly string[]
  readonly tree: TreeEnd
  readonly end: CaptureEnd
}

async function capture(prepare: string, shell = 'sh'): Promise<Seen> {
  const enter = join(root, `enter-${Math.random().toString(36).slice(2)}`)
  writeFileSync(enter, `R=${root}/r; mkdir -p "$R"\n${prepare}\nshift; exec chroot "$R" ${shell} "$@"\n`)
  const exec = running('unshare', '-m', '--propagation', 'private', 'bash', enter)
  const { tar, end } = await captureByExec(
    exec,
    { namespace: 'n', pod: 'p', container: 'c' },
    {
      script: SCRIPT,
      signal: new AbortController().signal,
      stallTimeoutMs: 10_000,
      maxBytes: 2 ** 30,
      progress: () => undefined,
    },
  )
  const paths: string[] = []
  const tree = await readTree(tar, async ({ key }) => void paths.push(key))
  return { paths: paths.sort(), tree, end: await end }
}

const EXPECTED = [
  '',
  'data',
  'data/-rf',
  'data/v [x] *x',
  'data/v [x] y',
  'etc',
  'etc/..odd',
  'etc/.hidden',
  'etc/deep',
  'etc/deep/proc',
  'etc/hosts',
  'run',
  'run/a',
  'tmp',
  'tmp/a\nb\xff',
  'tmp/dangling',
]

function ours(seen: Seen): readonly string[] {
  return seen.paths.filter((path) => !/^(?:bin|lib|lib64|usr)(?:\/|$)/.test(path))
}

describe('the capture script', () => {
  it('says what it is in its first line and is POSIX shell', () => {
    expect(SCRIPT.split('\n')[0]).toBe('# impound capture-filesystem v1')
    for (const shell of [['dash'], ['bash', '--posix'], [BUSYBOX, 'ash']]) {
      const [program = '', ...args] = shell
      const found = spawnSync(program, [...args, '-n', '-c', SCRIPT])
      if (found.error === undefined) expect([shell, found.stderr.toString()]).toEqual([shell, ''])
    }
  })

  const gnu = hasGnuTar ? it.each(['dash', 'bash']) : it.skip.each(['dash', 'bash'])
  gnu('reads a root with GNU tar under %s: everything but what is mounted', async (shell) => {
    const seen = await capture(PREPARE + LIBRARIES, `/bin/${shell}`)
    expect(ours(seen)).toEqual(EXPECTED)
    expect(completenessOf(seen.tree, seen.end)).toEqual({ complete: true })
    expect(seen.end.report).toMatchObject({ hasXattrs: true, complaints: [] })
    expect(seen.end.report.mounts).toEqual(
      expect.arrayContaining(['proc', 'dev', 'data/v [x] *', 'run/a/mount', 'usr']),
    )
  })

  const busybox = hasBusybox ? it : it.skip
  busybox('reads a root with a busybox tar that can leave nothing out', async () => {
    const seen = await capture(PREPARE + APPLETS, '/bin/busybox sh')
    expect(ours(seen)).toEqual(EXPECTED)
    expect(seen.paths).toContain('bin/tar')
    expect(completenessOf(seen.tree, seen.end)).toEqual({ complete: true })
    expect(seen.end.report.hasXattrs).toBe(false)
    expect(seen.tree.repeated).toBe(0)
  })

  busybox('says that it can not count where the container has no sha256sum', async () => {
    // An empty PATH entry first: the applets of the shell itself must not step in
    const bare = APPLETS.replace('sh tar tee sha256sum wc dd printf', 'tar')
    const seen = await capture(
      `${PREPARE}${bare}${LIBRARIES.replace('/bin /lib /lib64 /usr', '/lib /lib64')}cp /bin/dash "$R/bin/sh"`,
      '/bin/sh',
    )
    expect(seen.tree.ended).toBeDefined()
    expect(seen.end.report.trailer).toEqual({ bytes: undefined, sha256: undefined, tar: 0 })
    expect(completenessOf(seen.tree, seen.end)).toMatchObject({ complete: false, reason: 'unsupported' })
  })

  busybox('gets by without /proc, and does not make a /dev/null', async () => {
    const seen = await capture(`${PREPARE}${APPLETS}umount "$R/proc" "$R/dev"`, '/bin/busybox sh')
    expect(seen.end.report.mounts).toBeUndefined()
    expect(seen.paths).not.toContain('dev/null')
    expect(seen.tree.ended).toBeDefined()
  })

  const unprivileged = hasGnuTar ? it : it.skip
  unprivileged('tells by its exit what it could not read', async () => {
    const secret =
      'echo s >"$R/etc/secret"; chmod 600 "$R/etc/secret"; mkdir "$R/etc/closed"; chmod 700 "$R/etc/closed"\n'
    const seen = await capture(
      PREPARE + LIBRARIES + secret,
      '/usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups /bin/sh',
    )
    expect(seen.paths).toContain('etc/hosts')
    expect(seen.paths).not.toContain('etc/secret')
    expect(seen.end.report.trailer?.tar).toBe(2)
    expect(completenessOf(seen.tree, seen.end)).toMatchObject({ complete: false, reason: 'target-refused' })
    expect(seen.end.report.complaints.join('\n')).toContain('./etc/secret: Cannot open: Permission denied')
  })

  unprivileged('writes nothing into the root that it reads', async () => {
    const list = 'find "$R" -xdev -printf "%p %i %T@ %C@ %s\\n" | sort'
    const enter = join(root, 'twice')
    writeFileSync(
      enter,
      `R=${root}/r; mkdir -p "$R"\n${PREPARE}${LIBRARIES}\n${list} >${root}/before\nchroot "$R" /bin/sh -c "$1" impound >/dev/null 2>&1\n${list} >${root}/after\n`,
    )
    execFileSync('unshare', ['-m', '--propagation', 'private', 'bash', enter, SCRIPT])
    expect(readFileSync(join(root, 'before'), 'utf8').split('\n').length).toBeGreaterThan(10)
    expect(readFileSync(join(root, 'after'), 'utf8')).toBe(readFileSync(join(root, 'before'), 'utf8'))
  })
})
