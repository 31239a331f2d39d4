import { messageOf } from '../../../model/errors.js'
import type { ContainerProcess, Inside } from './inside.js'
import { contentOf, lookUp } from './lookup.js'
import type { BytePath, Tree, TreeNode } from '../files/tree.js'
import { baseOf, bytePath, childrenOf } from '../files/tree.js'

/** What a program sees and says. It may take its time: `sleep`. */
export interface ProgramCall {
  readonly inside: Inside
  readonly tree: Tree
  /** Without the program's own name. */
  readonly args: readonly string[]
  readonly signal: AbortSignal
  readonly out: (bytes: string | Uint8Array) => Promise<void>
  readonly err: (text: string) => Promise<void>
}

/** Returns its exit status. */
export type Program = (call: ProgramCall) => number | Promise<number>

/** The programs of the lab's containers, by name; which of them a container has, its own tree says. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  true: () => 0,
  false: () => 1,
  cat,
  echo: async ({ args, out }) => {
    const [first, ...rest] = args
    await out(first === '-n' ? rest.join(' ') : `${args.join(' ')}\n`)
    return 0
  },
  hostname: async ({ inside, out }) => {
    await out(`${inside.hostname}\n`)
    return 0
  },
  id: async ({ inside: { uid, gid }, out }) => {
    await out(`uid=${uid} gid=${gid} groups=${gid}\n`)
    return 0
  },
  ls,
  ps: async ({ inside, out }) => {
    await out(`PID   USER     TIME  COMMAND\n${inside.processes.map(psLine).join('')}`)
    return 0
  },
  sleep,
}

async function cat({ args, tree, out, err }: ProgramCall): Promise<number> {
  let status = 0
  for (const name of args) {
    const found = lookUp(tree, bytePath(name))
    const content = found === undefined ? undefined : contentOf(tree, found.node)
    if (content === undefined) {
      status = 1
      await err(
        found?.node.kind === 'directory'
          ? 'cat: read error: Is a directory\n'
          : `cat: can't open '${name}': No such file or directory\n`,
      )
    } else {
      await out(content)
    }
  }
  return status
}

async function ls({ args, tree, out, err }: ProgramCall): Promise<number> {
  const flags = args.filter((word) => word.startsWith('-')).join('')
  const names = args.filter((word) => !word.startsWith('-'))
  let status = 0
  for (const name of names.length === 0 ? ['/'] : names) {
    const found = lookUp(tree, bytePath(name))
    if (found === undefined) {
      status = 1
      await err(`ls: ${name}: No such file or directory\n`)
      continue
    }
    const listed = found.node.kind === 'directory' ? childrenOf(tree, found.path) : [found.path]
    const shown = listed.filter((path) => flags.includes('a') || !baseOf(path).startsWith('.'))
    const lines = shown.map((path) => `${lsLine(tree, path, flags.includes('l'))}\n`)
    await out(Buffer.from(lines.join(''), 'latin1'))
  }
  return status
}

function lsLine(tree: Tree, path: BytePath, long: boolean): string {
  const node = tree.get(path)
  if (!long || node === undefined) return baseOf(path)
  const size = String(contentOf(tree, node)?.length ?? 0).padStart(9)
  const time = new Date(node.mtime * 1000).toISOString().slice(0, 16).replace('T', ' ')
  const arrow = node.kind === 'symlink' ? ` -> ${node.target}` : ''
  return `${modeString(node)} 1 ${node.uid} ${node.gid} ${size} ${time} ${baseOf(path)}${arrow}`
}

function modeString(node: TreeNode): string {
  const type = node.kind === 'directory' ? 'd' : node.kind === 'symlink' ? 'l' : '-'
  const bits = Array.from('rwxrwxrwx', (letter, index) => ((node.mode >> (8 - index)) & 1 ? letter : '-'))
  if (node.mode & 0o4000) bits[2] = bits[2] === 'x' ? 's' : 'S'
  if (node.mode & 0o2000) bits[5] = bits[5] === 'x' ? 's' : 'S'
  if (node.mode & 0o1000) bits[8] = bits[8] === 'x' ? 't' : 'T'
  return `${type}${bits.join('')}`
}

function psLine({ pid, uid, cmdline, comm }: ContainerProcess): string {
  const command = cmdline.length === 0 ? `[${comm}]` : cmdline.join(' ')
  return `${String(pid).padStart(5)} ${String(uid).padEnd(8)}  0:00 ${command}\n`
}

async function sleep({ args, signal, err }: ProgramCall): Promise<number> {
  const seconds = Number(args[0])
  if (args.length === 0 || !Number.isFinite(seconds) || seconds < 0) {
    await err(`sleep: invalid number '${args[0] ?? ''}'\n`)
    return 1
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(new Error(messageOf(signal.reason), { cause: signal.reason }))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve(0)
    }, seconds * 1000)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
