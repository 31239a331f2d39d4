import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { hashContent } from '../../../src/filesystem/content-hash.js'
import { ContentKeeper } from '../../../src/filesystem/content-keeper.js'
import { ContentTar } from '../../../src/filesystem/content-tar.js'
import { factsOf, type TreeFacts } from '../../../src/filesystem/facts.js'
import { pathKey } from '../../../src/filesystem/path-key.js'
import { captureByNode, type NodeCaptureEnd } from '../../../src/filesystem/upper/node-capture.js'
import { type UpperEnd, UpperReading } from '../../../src/filesystem/upper/read-upper.js'
import { UpperStream } from '../../../src/filesystem/upper/upper-stream.js'
import { readTar } from '../../../src/formats/tar.js'
import type { DiffEntry, FileFacts } from '../../../src/model/filesystem-documents.js'
import type { NodeSession } from '../../../src/model/ports/node-pod.js'
import { SCRIPT_FILES } from '../../../src/model/scripts.js'
import { running } from '../fake-exec.js'
import { chunked, unpacked } from '../tars.js'

export const UPPERDIR_SCRIPT = SCRIPT_FILES.upperdir
  .map((file) => readFileSync(resolve(import.meta.dirname, '../../../templates', file), 'utf8'))
  .join('\n')

export const CONTAINER = 'c0ffee'.repeat(10) + 'beef'

/** Root, and a kernel that lets it mount an overlay: else these tests are skipped, and say so. */
export const hasOverlay =
  process.platform === 'linux' &&
  spawnSync('unshare', [
    '-m',
    '--propagation',
    'private',
    'sh',
    '-c',
    'd=$(mktemp -d) && mount -t tmpfs t "$d" && cd "$d" && mkdir l u w m && mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m; s=$?; cd /; umount -l "$d"; rmdir "$d"; exit $s',
  ]).status === 0

export interface Container {
  /** Shell that fills the image, in its root. */
  readonly image?: string
  /** Shell that is the life of the container, in its root as it sees it; $U is the upper directory, $T a place to work in. */
  readonly life?: string
  /** More mount options; 'userxattr' say. */
  readonly options?: string
  /** Paths where something is mounted in the container. */
  readonly mounts?: readonly string[]
  /** Lines of /proc/PID/uid_map. */
  readonly ids?: string
  /** Changes the container's line in mountinfo: an awk program. */
  readonly mountinfo?: string
  /** Shell in front of the script: takes a capability away, say. */
  readonly around?: string
}

let home: string | undefined
let count = 0

function place(): string {
  home ??= mkdtempSync(join(tmpdir(), 'impound-overlay-'))
  const directory = join(home, String((count += 1)))
  for (const name of ['l', 'l0', 'u', 'w', 'm', 'p']) mkdirSync(join(directory, name), { recursive: true })
  return directory
}

export function removeOverlays(): void {
  if (home !== undefined) rmSync(home, { recursive: true, force: true })
}

/** The lines of a container's life end in an overlay that is really mounted, and a /proc that names its first process. */
function enter(directory: string, container: Container): string {
  const mounts = (container.mounts ?? []).map(
    (path, at) => `echo '${900 + at} 1 0:77 / ${path} rw - tmpfs tmpfs rw' >>"$P/mountinfo"`,
  )
  const file = join(directory, 'enter')
  writeFileSync(
    file,
    `set -e
T=${directory} U=$T/u M=$T/m P=$T/p/77
mount -t overlay overlay -o lowerdir=$T/l:$T/l0,upperdir=$U,workdir=$T/w${container.options === undefined ? '' : `,${container.options}`} "$M"
mkdir -p "$P/ns"
(cd "$M"; ${container.life ?? 'true'}
)
awk -v m="$M" '$5 == m { $5 = "/"; ${container.mountinfo ?? ''} print }' /proc/self/mountinfo >"$P/mountinfo"
${mounts.join('\n')}
echo '0::/kubepods/pod1/${CONTAINER}' >"$P/cgroup"
cp /proc/self/stat /proc/self/status "$P"
printf '%s\\n' '${container.ids ?? '0 0 4294967295'}' | tee "$P/uid_map" >"$P/gid_map"
ln -sfn "$M" "$P/root"
ln -sfn nowhere "$P/ns/pid"
export IMPOUND_PROC=$T/p IMPOUND_HOST=
exec ${container.around ?? ''} "$@"
`,
  )
  return file
}

/** A node that has this container and no other; every run of a script begins its life anew. */
export function nodeWith(container: Container): NodeSession & { readonly image: string } {
  const directory = place()
  const filled = spawnSync('sh', ['-ec', container.image ?? 'true'], { cwd: join(directory, 'l') })
  if (filled.status !== 0) throw new Error(`the image could not be made: ${filled.stderr.toString()}`)
  const exec = running('unshare', '-m', '--propagation', 'private', 'bash', enter(directory, container))
  return {
    node: 'n',
    image: join(directory, 'l'),
    pod: { namespace: 'impound', name: 'impound-node', image: 'node@sha256:0' },
    run: async (script, stdout, options) => {
      const stderr: Buffer[] = []
      const said = { write: (chunk: Buffer) => stderr.push(chunk) > 0 }
      const argv = ['sh', '-c', script.text, `impound-${script.name}`, ...script.args]
      const where = { namespace: '', pod: '', container: '' }
      const { exitCode, stdoutBytes } = await exec.exec(
        where,
        argv,
        { stdout, stderr: said as never },
        options,
      )
      return { exitCode, stdoutBytes, stderr: Buffer.concat(stderr).toString('utf8'), complete: true }
    },
  }
}

export interface Seen {
  /** By path: what diff.jsonl would say. */
  readonly entries: ReadonlyMap<string, DiffEntry>
  readonly order: readonly string[]
  /** By path, everything that stands in upper. */
  readonly facts: ReadonlyMap<string, FileFacts>
  readonly kept: Awaited<ReturnType<typeof unpacked>>
  readonly end: UpperEnd
  readonly reading: UpperReading
  readonly capture: NodeCaptureEnd
}

/** The image's tree by a tar of its directory, as a registry's layer would bring it. */
async function imageTree(directory: string): Promise<ReadonlyMap<string, TreeFacts>> {
  const tar = spawnSync(
    'tar',
    ['-C', directory, '-cf', '-', '--format=posix', '--xattrs', '--xattrs-include=*', '.'],
    {
      maxBuffer: 2 ** 30,
    },
  )
  const tree = new Map<string, TreeFacts>()
  for await (const entry of readTar(chunked(tar.stdout, 65536))) {
    const key = pathKey(entry.header.path)
    const facts = factsOf(entry.header)
    if (key === undefined || facts === undefined) continue
    const target =
      facts.type === 'hardlink' ? tree.get(pathKey(Buffer.from(facts.link ?? '')) ?? '') : undefined
    tree.set(key, target ?? (facts.type === 'file' ? { ...facts, sha256: await hashContent(entry) } : facts))
  }
  return tree
}

export interface Look {
  /** What it is compared with: the image, or what the node's kernel makes of its layers. */
  readonly against?: 'image' | 'node-lower'
  readonly startedAt?: number
  readonly maxContentBytes?: number
  /** Spoils what arrives. */
  readonly spoil?: (payload: AsyncIterable<Buffer>) => AsyncIterable<Buffer>
}

/** Reads a container as the collector does. */
export async function look(container: Container, how: Look = {}): Promise<Seen> {
  const session = nodeWith(container)
  const image = how.against === 'node-lower' ? undefined : await imageTree(session.image)
  const script = {
    name: 'upperdir',
    text: UPPERDIR_SCRIPT,
    args: [CONTAINER, String(how.maxContentBytes ?? 2 ** 30), ...(image === undefined ? ['lower'] : [])],
  }
  const signal = new AbortController().signal
  const options = { signal, stallTimeoutMs: 20_000, maxBytes: 2 ** 40, progress: () => undefined }
  const capture = await captureByNode(session, script, options)
  const stream = new UpperStream(how.spoil?.(capture.payload) ?? capture.payload, 2 ** 40)
  const reading = await UpperReading.begin(stream, {
    image,
    startedAt: how.startedAt,
    scratchDirectory: tmpdir(),
  })
  const pieces: Buffer[] = []
  const tar = new ContentTar(async (chunk) => void pieces.push(Buffer.from(chunk)))
  const keeper = new ContentKeeper(tar, how.maxContentBytes ?? 2 ** 30, tmpdir())
  const { results, end } = await reading.content(keeper)
  await tar.finish()
  const entries = new Map<string, DiffEntry>()
  const facts = new Map<string, FileFacts>()
  const order: string[] = []
  for await (const result of results) {
    order.push(result.key)
    const path = `/${result.key}`
    facts.set(path, result.facts)
    if (result.entry !== undefined) entries.set(path, result.entry)
  }
  await keeper.close()
  await reading.close()
  const ended = end()
  const kept = ended.failure === undefined ? await unpacked(Buffer.concat(pieces)) : []
  return { entries, facts, order, kept, end: ended, reading, capture: await capture.end }
}

/** 'added /tmp/x exec-new', sorted: a diff at a glance. Directories that only lead to a change are none. */
export function told(seen: Seen, className = 'user'): readonly string[] {
  return [...seen.entries.entries()]
    .filter(([, entry]) => entry.class === className)
    .map(([path, entry]) => [entry.change, path, ...entry.flags.toSorted()].join(' '))
    .sort()
}

/** A stream that ends after so many bytes. */
export async function* firstBytes(
  payload: AsyncIterable<Buffer>,
  most: number,
): AsyncGenerator<Buffer, void, undefined> {
  let left = most
  for await (const chunk of payload) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
}
