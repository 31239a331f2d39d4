import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { readScripts } from '../../src/engine/system.js'
import { shellPath } from '../../src/filesystem/diff-capture.js'
import { type CaptureEnd, captureByExec } from '../../src/filesystem/exec-capture.js'
import type { Listed } from '../../src/filesystem/listed-facts.js'
import { readSent } from '../../src/filesystem/read-listed.js'
import { readTree, type TreeEnd } from '../../src/filesystem/read-tree.js'
import { running } from './fake-exec.js'

const ID = 'c'.repeat(64)
/** A root with mounts, of which one has a nasty name, and files from before and after a moment that is written down. */
const PREPARE = `
set -e
mount -t tmpfs root "$R"
for d in /bin /lib /lib64 /usr; do mkdir -p "$R$d"; mount --rbind -o ro "$d" "$R$d"; done
mkdir -p "$R/proc" "$R/dev" "$R/etc" "$R/data/v [x] *" "$R/tmp"
mount -t proc proc "$R/proc"
mount -t tmpfs dev "$R/dev"; mknod -m 666 "$R/dev/null" c 1 3
mount -t tmpfs v "$R/data/v [x] *"; echo mounted >"$R/data/v [x] */in"
echo old >"$R/etc/old"; ln -s /no/where "$R/tmp/a	link"; printf old >"$R/tmp/$(printf 'two\\nlines\\377')"
echo hosts >"$R/etc/hosts"; mount --bind "$R/etc/hosts" "$R/etc/hosts"
sleep "$PAUSE"
since=$(date +%s)
sleep 0.01
echo new >"$R/etc/new"; touch -d 2001-01-01 "$R/etc/new"; echo x >"$R/data/v [x] *x"
`
/** As a runtime does for exec: in the root. */
const OWN = 'exec chroot "$R" "$@" ${SINCE:+$since}\n'
/** A PID namespace whose first process has the root, and beside it one that has not. */
const BESIDE = `
export R since
exec unshare -p -f -m --propagation private bash -c '
  mount -t proc proc /proc
  ( sleep 0.2; exec "$@" ${ID} own $since ) &
  exec chroot "$R" /bin/sh -c "while kill -0 $! 2>/dev/null; do sleep 0.05; done"
' beside "$@"
`

const canUnshare =
  process.platform === 'linux' &&
  spawnSync('unshare', ['-m', '-p', '-f', '--propagation', 'private', 'true']).status === 0

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'impound-listed-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Seen {
  readonly listed: readonly Listed[] | undefined
  readonly mounts: readonly string[]
  readonly sent: readonly string[]
  readonly tree: TreeEnd
  readonly end: CaptureEnd
}

async function capture(script: string, enter: string, args: readonly string[], pause = 0): Promise<Seen> {
  const file = join(home, `enter-${Math.random().toString(36).slice(2)}`)
  writeFileSync(file, `PAUSE=${pause}; R=${home}/r; mkdir -p "$R"\n${PREPARE}\n${enter}`)
  const capturing = await captureByExec(
    running('unshare', '-m', '--propagation', 'private', 'bash', file),
    { namespace: 'n', pod: 'p', container: 'c' },
    {
      script,
      args,
      signal: new AbortController().signal,
      stallTimeoutMs: 10_000,
      maxBytes: 2 ** 30,
      progress: () => undefined,
    },
  )
  const { list, tar } = await readSent(capturing.tar)
  let listed: Listed[] | undefined
  if (list !== undefined) {
    listed = []
    for await (const one of list.entries) listed.push(one)
  }
  const sent: string[] = []
  const tree = await readTree(tar, async ({ key }) => void sent.push(key))
  return { listed, mounts: list?.mounts ?? [], sent: sent.sort(), tree, end: await capturing.end }
}

const LISTED = [
  '',
  'data',
  'data/v [x] *x',
  'etc',
  'etc/hosts',
  'etc/new',
  'etc/old',
  'tmp',
  'tmp/a\tlink',
  'tmp/two\nlines\xff',
]
const RECENT = ['data', 'data/v [x] *x', 'etc', 'etc/new']

const onLinux = canUnshare ? it : it.skip
describe('the capture script, asked for what is recent', () => {
  onLinux('lists everything but what is mounted, and sends what changed its state since', async () => {
    const { captureFilesystem } = await readScripts()
    const seen = await capture(captureFilesystem, `SINCE=yes\n${OWN}`, [], 1.1)
    expect(seen.listed?.map(({ key }) => key).sort()).toEqual(LISTED)
    expect(seen.sent).toEqual(RECENT)
    expect(seen.mounts).toEqual(expect.arrayContaining(['proc', 'data/v [x] *', 'usr']))
    expect(seen.end).toMatchObject({ failure: undefined, exitCode: 0 })
    expect(seen.end.report.trailer).toMatchObject({ bytes: seen.end.bytes, sha256: seen.end.sha256, tar: 0 })
    const of = (key: string): Listed | undefined => seen.listed?.find((one) => one.key === key)
    expect(of('tmp/a\tlink')?.facts).toMatchObject({ type: 'symlink', link: '/no/where', size: 0 })
    expect(of('etc/old')?.facts).toMatchObject({ type: 'file', size: 4, mode: 0o644, uid: 0 })
    expect(of('etc/new')?.facts.mtime.seconds).toBe(Date.parse('2001-01-01T00:00:00') / 1000)
  })

  onLinux(
    'reads the root of the first process of the PID namespace with tools from outside of it',
    async () => {
      const { ephemeralFilesystem } = await readScripts()
      const seen = await capture(ephemeralFilesystem, BESIDE, [], 1.1)
      expect(seen.end.report.complaints).toEqual([])
      expect(seen.listed?.map(({ key }) => key).sort()).toEqual(LISTED)
      expect(seen.sent).toEqual(RECENT)
    },
  )

  onLinux('is not taken in by a container that is not beside the target', async () => {
    const { ephemeralFilesystem } = await readScripts()
    const lone = 'exec unshare -p -f --mount-proc "$@"\n'
    await expect(capture(ephemeralFilesystem, lone, [ID, 'own'])).rejects.toMatchObject({
      code: 'target-refused',
      message: expect.stringContaining("did not put this container into the target's PID namespace"),
    })
  })

  onLinux('sends the paths that are named, however they are called', async () => {
    const { captureFilesystem } = await readScripts()
    const wanted = ['etc/old', 'tmp/two\nlines\xff', 'data/v [x] *x']
    const seen = await capture(captureFilesystem, OWN, ['fetch', ...wanted.map(shellPath)])
    expect(seen.listed).toBeUndefined()
    expect(seen.sent).toEqual([...wanted].sort())
    expect(seen.end.report.trailer?.tar).toBe(0)
  })
})
