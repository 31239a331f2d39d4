import type { Writable } from 'node:stream'

import type { LabContainer, LabExecResult } from '../../types.js'

import { captureFilesystem, captureMount, type Capture } from './capture.js'
import type { Inside } from './inside.js'
import { lookUp, visibleTree } from './lookup.js'
import { processCapture } from './processes.js'
import type { ProgramCall } from './programs.js'
import { PROGRAMS } from './programs.js'
import { readScript } from './shell.js'
import type { Tree } from '../files/tree.js'
import { baseOf, bytePath } from '../files/tree.js'
import { writeAll } from './writing.js'

const PATH = ['usr/local/sbin', 'usr/local/bin', 'usr/sbin', 'usr/bin', 'sbin', 'bin']

/** A running container made of data: no process of the machine's is started for it. */
export function dataContainer(inside: Inside): LabContainer {
  return {
    exec: (argv, stdout, stderr, signal) => execIn(inside, argv, stdout, stderr, signal),
    log: (previous) => (previous ? inside.previousLog : inside.log),
    inside,
  }
}

/** A container that ran to its end: its log is left, nothing can be started in it. */
export function finishedContainer(log: Inside['log']): LabContainer {
  return {
    exec: () => Promise.resolve({ kind: 'unstartable', message: 'container is not running' }),
    log: (previous) => (previous ? undefined : log),
  }
}

async function execIn(
  inside: Inside,
  argv: readonly string[],
  stdout: Writable,
  stderr: Writable,
  signal: AbortSignal,
): Promise<LabExecResult> {
  signal.throwIfAborted()
  const tree = visibleTree(inside)
  const [program = '', ...args] = argv
  const name = programName(tree, program)
  if (name === undefined) return unstartable(program)
  const call: ProgramCall = {
    inside,
    tree,
    args,
    signal,
    out: (bytes) => writeAll(stdout, [bytes], signal),
    err: (text) => writeAll(stderr, [text], signal),
  }
  if (name === 'sh') return { kind: 'exited', exitCode: await shell(call, stdout) }
  const run = PROGRAMS[name]
  if (run !== undefined) return { kind: 'exited', exitCode: await run(call) }
  await call.err(`${program}: this lab has the file, not the program\n`)
  return { kind: 'exited', exitCode: 126 }
}

/** The name by which the table knows a program, if the container's own tree has it where PATH or the path given leads. */
function programName(tree: Tree, program: string): string | undefined {
  const path = bytePath(program)
  const candidates = path.includes('/') ? [path] : PATH.map((directory) => `${directory}/${path}`)
  const there = candidates.some((candidate) => {
    const found = lookUp(tree, candidate)
    return found !== undefined && found.node.kind !== 'directory' && (found.node.mode & 0o111) !== 0
  })
  return there && path !== '' ? baseOf(path) : undefined
}

function unstartable(program: string): LabExecResult {
  const why = program.includes('/')
    ? `stat ${program}: no such file or directory`
    : 'executable file not found in $PATH'
  return {
    kind: 'unstartable',
    message: `OCI runtime exec failed: exec failed: unable to start container process: exec: "${program}": ${why}`,
  }
}

async function shell(call: ProgramCall, stdout: Writable): Promise<number> {
  const [flag, script = ''] = call.args
  if (flag !== '-c') {
    await call.err('sh: this lab has no interactive shell\n')
    return 2
  }
  const request = readScript(script)
  switch (request.kind) {
    case 'capture':
      return runCapture(call, captureFilesystem(call.inside), stdout)
    case 'mount': {
      const capture = captureMount(call.inside, request.point)
      if (capture !== undefined) return runCapture(call, capture, stdout)
      await call.err(`sh: cd: can't cd to ${request.point}: No such file or directory\n`)
      return 3
    }
    case 'processes':
      return readProcesses(call, stdout)
    case 'command': {
      const [program = '', ...args] = request.argv
      const name = programName(call.tree, program)
      const run = name === undefined ? undefined : PROGRAMS[name]
      if (run !== undefined) return run({ ...call, args })
      await call.err(`sh: ${program}: not found\n`)
      return 127
    }
    case 'not-understood':
      await call.err('sh: this lab runs one plain command at a time\n')
      return 127
  }
}

/** The script as it runs here: with the container's own tar, or without one to nothing. */
async function runCapture(call: ProgramCall, capture: Capture, stdout: Writable): Promise<number> {
  if (programName(call.tree, 'tar') === undefined) {
    await call.err('sh: tar: not found\n')
    return 127
  }
  await call.err(capture.preamble)
  await writeAll(stdout, capture.chunks, call.signal)
  const { text, exitCode } = capture.conclusion()
  await call.err(text)
  return exitCode
}

/** The same of the script that reads processes, with the container's own head and stat. */
async function readProcesses(call: ProgramCall, stdout: Writable): Promise<number> {
  if (programName(call.tree, 'head') === undefined || programName(call.tree, 'stat') === undefined) {
    await call.err('impound: no head that works here\n')
    return 126
  }
  // After the script come its name and what it is to do
  await writeAll(
    stdout,
    processCapture([{ inside: call.inside, offset: 0 }], call.args.slice(3)),
    call.signal,
  )
  return 0
}
