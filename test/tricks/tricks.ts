import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const SOURCE = resolve(import.meta.dirname, 'tricks.c')

/** Why the tricks can't be done here; undefined where they can. */
export function noTricks(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux'
  if (spawnSync('gcc', ['--version']).status !== 0) return 'needs gcc'
  if (spawnSync('unshare', ['-pfmn', '--mount-proc', 'true']).status !== 0) return 'needs namespaces'
  return undefined
}

/** tricks.c, as one static binary. */
export function compileTricks(file: string): void {
  const { status, stderr } = spawnSync('gcc', ['-static', '-O1', '-o', file, SOURCE])
  if (status !== 0) throw new Error(`gcc failed: ${String(stderr)}`)
}

/** The tricks at work, in PID, mount and network namespaces of their own, as in a container. */
export class Tricks {
  /** By name: PID in its namespace. */
  readonly pids: ReadonlyMap<string, number>
  /** Of its first process, as it is called here. */
  readonly init: number
  readonly binary: string
  readonly #child: ChildProcess
  readonly #directory: string

  private constructor(
    child: ChildProcess,
    directory: string,
    init: number,
    pids: ReadonlyMap<string, number>,
  ) {
    this.#child = child
    this.#directory = directory
    this.binary = join(directory, 'tricks')
    this.init = init
    this.pids = pids
  }

  static async start(...names: readonly string[]): Promise<Tricks> {
    const directory = mkdtempSync(join(tmpdir(), 'impound-tricks-'))
    const [binary, list] = [join(directory, 'tricks'), join(directory, 'list')]
    compileTricks(binary)
    const child = spawn(
      'unshare',
      [
        '-pfmn',
        '--kill-child',
        '--mount-proc',
        'sh',
        '-c',
        'mkdir "$1/work"; mount -t tmpfs work "$1/work"; ip link set lo up; shift; exec "$@"',
        'sh',
        directory,
        binary,
        join(directory, 'work'),
        list,
        ...names,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    for (let waited = 0; !existsSync(list); waited += 1) {
      if (waited > 400 || child.exitCode !== null) throw new Error('the tricks did not begin')
      await sleep(25)
    }
    const pids = readFileSync(list, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name = '', pid = '']) => [name, Number(pid)] as const)
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()
    return new Tricks(child, directory, Number(children.split(' ')[0]), new Map(pids))
  }

  /** What a runtime would put before a program's name to start it in there. */
  get enter(): readonly string[] {
    return ['nsenter', '-t', String(this.init), '-p', '-m', '-n']
  }

  stop(): void {
    this.#child.kill('SIGKILL')
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
