import { createHash, randomUUID } from 'node:crypto'

import type { BytePath, Tree } from '../files/tree.js'
import { baseOf, childrenOf } from '../files/tree.js'
import type { ContainerProcess, Inside } from './inside.js'
import { lookUp } from './lookup.js'
import { procTree } from './proc.js'

/** The first line of impound's own script that reads processes. */
export const PROCESSES_MARK = '# impound processes v1'

const TABLES = 'net/tcp net/tcp6 net/udp net/udp6 net/raw net/raw6 net/packet net/unix'
const LINKS = 'exe cwd root ns/net ns/pid ns/mnt ns/user ns/uts ns/ipc ns/cgroup'.split(' ')

/** Several containers as a node sees them: each process under a number of its own. */
export interface ProcessView {
  readonly inside: Inside
  /** The runtime's ID; undefined in the container itself. */
  readonly id?: string
  /** What is added to a container's PIDs to get the node's. */
  readonly offset: number
}

/** What templates/processes.sh writes to stdout with these arguments, and nothing where they are none of its. */
export function* processCapture(
  views: readonly ProcessView[],
  args: readonly string[],
): Generator<Buffer, void, void> {
  const stream = new CaptureStream(views)
  const [mode, ...rest] = args
  yield stream.begin()
  if (mode === 'copy') {
    const [bytes = '0', ...wanted] = rest
    for (const one of wanted) {
      const [pid = '', ...link] = one.split('/')
      yield* stream.files(Number(bytes), ['stat', link.join('/'), 'stat'], [Number(pid)])
    }
  } else if (mode === 'memory') {
    const [pid = '', ...ranges] = rest
    yield* stream.memory(Number(pid), ranges)
  } else {
    yield* stream.everything(mode === 'all')
  }
  yield stream.words('end')
}

interface Seen {
  readonly pid: number
  readonly process: ContainerProcess
  readonly inside: Inside
  readonly tree: Tree
}

class CaptureStream {
  readonly #nonce = randomUUID()
  readonly #views: readonly ProcessView[]
  readonly #seen = new Map<number, Seen>()
  readonly #trees: readonly Tree[]
  /** Of the network that the containers of a pod share. */
  readonly #network: Tree | undefined

  constructor(views: readonly ProcessView[]) {
    this.#views = views
    this.#trees = views.map(({ inside }) => procTree(inside, inside.mounts))
    const sockets = views.flatMap(({ inside }) => inside.sockets)
    const [first] = views
    this.#network = first && procTree({ ...first.inside, sockets }, first.inside.mounts)
    for (const [index, { inside, offset }] of views.entries()) {
      const tree = this.#trees[index] ?? new Map<BytePath, never>()
      for (const process of inside.processes) {
        const pid = process.pid + offset
        this.#seen.set(pid, { pid, process, inside, tree })
      }
    }
  }

  begin(): Buffer {
    return Buffer.from(`impound-processes v1 ${this.#nonce}\n`, 'latin1')
  }

  words(text: string): Buffer {
    return Buffer.from(`impound=${this.#nonce}.d\0${text}\n`, 'latin1')
  }

  *everything(all: boolean): Generator<Buffer, void, void> {
    const pids = [...this.#seen.keys()].sort((a, b) => a - b)
    const list = pids.map((pid) => ` ${pid}`).join('')
    const firsts = this.#views.flatMap(({ inside, offset }) =>
      inside.processes.slice(0, 1).map(({ pid }) => pid + offset),
    )
    yield this.words('self 4194304')
    yield* this.#read(1 << 20, ['stat', 'uptime'], ['.'])
    yield* this.#members()
    yield this.words(`pass 1${list}`)
    yield* this.files(65_536, ['stat', 'status'], pids)
    yield* this.#look('links', pids, (seen, name) => this.#linkLine(seen, name))
    yield* this.files(16 << 20, TABLES.split(' '), firsts.slice(0, 1))
    if (all) {
      yield* this.files(1 << 20, ['mountinfo'], firsts)
      yield* this.files(65_536, ['cmdline'], pids)
      yield* this.#look('identity', pids, (seen, name) => this.#identityLine(seen, name))
      yield* this.files(1 << 20, ['maps'], pids)
      yield* this.files(65_536, ['environ'], pids)
    }
    yield* this.#members()
    yield this.words(`pass 2${list}`)
    yield* this.files(65_536, ['stat'], pids)
  }

  *files(limit: number, names: readonly string[], pids: readonly number[]): Generator<Buffer, void, void> {
    yield* this.#read(limit, names, pids)
  }

  /** Pages of a pattern that says whose they are. */
  *memory(pid: number, ranges: readonly string[]): Generator<Buffer, void, void> {
    const mark = Buffer.from(`impound=${this.#nonce}.f\0`, 'latin1')
    yield* this.files(65_536, ['stat'], [pid])
    for (const range of ranges) {
      const [start = 0, end = 0] = range.split('-').map((hex) => Number.parseInt(hex, 16))
      yield this.words(`read ${end - start} mem|${pid}`)
      yield mark
      yield Buffer.alloc(end - start, `page of ${pid} `)
      yield mark
      yield this.words('done 0')
    }
    yield* this.files(65_536, ['stat'], [pid])
  }

  *#members(): Generator<Buffer, void, void> {
    for (const { id, inside, offset } of this.#views) {
      if (id === undefined) continue
      yield this.words(`container ${id}${inside.processes.map(({ pid }) => ` ${pid + offset}`).join('')}`)
      yield this.words('moved')
    }
  }

  *#read(
    limit: number,
    names: readonly string[],
    owners: readonly (number | '.')[],
  ): Generator<Buffer, void, void> {
    yield this.words(`read ${limit} ${names.join(' ')}|${owners.map((owner) => ` ${owner}`).join('')}`)
    const mark = Buffer.from(`impound=${this.#nonce}.f\0`, 'latin1')
    for (const owner of owners) {
      for (const name of names) {
        yield mark
        yield this.#content(owner, name).subarray(0, limit)
      }
    }
    yield mark
    yield this.words('done 0 ')
  }

  #content(owner: number | '.', name: string): Buffer {
    if (owner === '.') return fileIn(this.#trees[0], name) ?? Buffer.alloc(0)
    const seen = this.#seen.get(owner)
    if (seen === undefined) return Buffer.alloc(0)
    const { process, inside, tree, pid } = seen
    if (name === 'exe') return process.program ?? programIn(inside, process)
    if (name.startsWith('fd/')) return openFile(process, name)?.content ?? Buffer.alloc(0)
    const from = name.startsWith('net/') ? this.#network : tree
    const bytes = fileIn(from, `${process.pid}/${name}`) ?? Buffer.alloc(0)
    // As the node numbers it: the first field and the parent, and both numbers in NSpid
    const shift = pid - process.pid
    if (shift === 0) return bytes
    const text = bytes.toString('latin1')
    if (name === 'stat') {
      const parent = process.ppid === 0 ? 1 : process.ppid + shift
      const renumbered = text
        .replace(/^[0-9]+/, String(pid))
        .replace(/\) S [0-9]+ (?!.*\))/s, `) S ${parent} `)
      return Buffer.from(renumbered, 'latin1')
    }
    if (name === 'status') {
      return Buffer.from(text.replace(/^NSpid:\t/m, `NSpid:\t${pid}\t`), 'latin1')
    }
    return bytes
  }

  *#look(
    kind: 'links' | 'identity',
    pids: readonly number[],
    line: (seen: Seen, name: string) => string,
  ): Generator<Buffer, void, void> {
    const lines = pids.flatMap((pid) => {
      const seen = this.#seen.get(pid)
      if (seen === undefined) return []
      const descriptors = childrenOf(seen.tree, `${seen.process.pid}/fd`).map((path) => `fd/${baseOf(path)}`)
      const names = kind === 'links' ? LINKS : LINKS.slice(0, 3)
      return [...names, ...descriptors].map((name) => line(seen, name))
    })
    yield this.words(`${kind}\n${lines.join('')}`.trimEnd())
    yield this.words('done 0 ')
  }

  #linkLine({ pid, process, tree }: Seen, name: string): string {
    const node = tree.get(`${process.pid}/${name}`)
    return node?.kind === 'symlink' ? `'/proc/${pid}/${name}' -> '${node.target}'\n` : '\n'
  }

  #identityLine({ pid, process, inside, tree }: Seen, name: string): string {
    const node = tree.get(`${process.pid}/${name}`)
    if (node?.kind !== 'symlink') return ''
    const { target } = node
    const open = openFile(process, name)
    const nameless = name === 'exe' ? process.program : open?.content
    const found = lookUp(inside.root, target.replace(/^\//, ''))
    const size = nameless?.length ?? (found?.node.kind === 'file' ? found.node.content.length : 0)
    const isPlain = target.startsWith('/')
    const device = target.startsWith('/memfd:') ? 1 : isPlain ? 59 : 8
    const links = nameless !== undefined ? 0 : 1
    const mode = isPlain ? (found?.node.kind === 'directory' ? 0o40755 : 0o100755) : 0o140777
    const inode = Number.parseInt(createHash('sha256').update(target).digest('hex').slice(0, 7), 16)
    return `/proc/${pid}/${name} ${device} ${inode} ${links} ${mode.toString(16)} ${size} ${Math.floor(inside.bootedAt.getTime() / 1000)}\n`
  }
}

function fileIn(tree: Tree | undefined, path: BytePath): Buffer | undefined {
  const node = tree?.get(path)
  return node?.kind === 'file' ? node.content : undefined
}

function programIn(inside: Inside, { exe }: ContainerProcess): Buffer {
  const found = lookUp(inside.root, exe.replace(/^\//, ''))
  return found?.node.kind === 'file' ? found.node.content : Buffer.alloc(0)
}

function openFile(
  process: ContainerProcess,
  name: string,
): NonNullable<ContainerProcess['openFiles']>[number] | undefined {
  const fd = /^fd\/([0-9]+)$/.exec(name)?.[1]
  return process.openFiles?.find((file) => String(file.fd) === fd)
}
