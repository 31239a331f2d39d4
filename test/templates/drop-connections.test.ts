import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals'

const SCRIPT = readFileSync(resolve(import.meta.dirname, '../../templates/node/drop-connections.sh'), 'utf8')
const NODE = ['10.9.0.1', 'fd00:9::1']
const ELSEWHERE = ['10.9.0.2', 'fd00:9::2']

const pathOf = (program: string): string =>
  spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim()
const has = (program: string): boolean => pathOf(program).startsWith('/')
/** Rules need a network of their own, and somebody who may make one. */
const MAY = process.getuid?.() === 0 && has('ip') && spawnSync('unshare', ['--net', 'true']).status === 0
const TOOLS = [
  { tool: 'nft', programs: ['nft'] },
  { tool: 'iptables', programs: ['iptables', 'ip6tables'] },
].map((one) => ({ ...one, can: MAY && one.programs.every(has) }))

const OTHERS = ['sh', 'awk', 'nsenter', 'readlink', 'tr', 'cat', 'chroot', 'conntrack']

let network: ChildProcess

/** For each tool a folder of programs without the other. */
const home = mkdtempSync(join(tmpdir(), 'impound-drop-'))
const folders = new Map(
  TOOLS.map(({ tool, programs }) => {
    const folder = join(home, tool)
    mkdirSync(folder)
    for (const program of [...programs, ...OTHERS].filter(has)) symlinkSync(pathOf(program), join(folder, program))
    return [tool, folder]
  }),
)

afterAll(() => rmSync(home, { recursive: true }))

/** A network with one interface, whose packets go nowhere. */
beforeEach(async () => {
  if (!MAY) return
  const make =
    'ip link set lo up && ip link add e0 type veth peer name e1 && ip link set e0 up && ip link set e1 up && ip addr add 10.9.0.9/24 dev e0 && ip -6 addr add fd00:9::9/64 dev e0 nodad && echo made && exec sleep 60'
  network = spawn('unshare', ['--net', 'sh', '-c', make], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((made) => network.stdout?.once('data', made))
})

afterEach(() => {
  if (MAY) network.kill('SIGKILL')
})

/** Runs the script, as on the node, with one of the tools in reach; what it says, by its keys. */
async function run(tool: string, action: string): Promise<Readonly<Record<string, string>>> {
  const text = `container_init() { echo "${String(network.pid)} 0"; }\nproc=/proc\n${SCRIPT}`
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-c', text, 'drop', action, '1f3a9c02', 'c', ...NODE],
    { env: { PATH: folders.get(tool) } },
  )
  const lines = stdout.split('\n').filter((line) => line !== '')
  return Object.fromEntries(lines.map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]))
}

function inside(...argv: readonly string[]): string {
  return execFileSync('nsenter', ['-t', String(network.pid), '-n', ...argv], { encoding: 'utf8' })
}

/** Tries to connect out, in vain. */
function connect(address: string): void {
  const script = `timeout 2 bash -c 'exec 3<>/dev/tcp/${address}/80'`
  spawnSync('nsenter', ['-t', String(network.pid), '-n', 'sh', '-c', script])
}

describe.each(TOOLS)('dropping connections with $tool', ({ tool, can }) => {
  const where = can ? it : it.skip
  where('loads rules that drop what goes out, IPv6 too, and takes them away again', async () => {
    expect(await run(tool, 'check')).toMatchObject({ tool, rules: 'no' })
    expect(await run(tool, 'drop')).toMatchObject({ tool, rules: 'yes' })
    const [four, six] = ELSEWHERE as [string, string]
    const before = await run(tool, 'check')
    connect(four)
    const after = await run(tool, 'check')
    expect(Number(after['dropped-out'])).toBeGreaterThan(Number(before['dropped-out']))
    connect(six)
    if (tool === 'nft') expect(Number((await run(tool, 'check'))['dropped-out'])).toBeGreaterThan(Number(after['dropped-out']))
    else expect(inside('ip6tables', '-nvxL', 'impound-1f3a9c02-out')).toMatch(/^ +[1-9]\d* +\d+ DROP/m)
    // again is no other than once
    expect(await run(tool, 'drop')).toMatchObject({ rules: 'yes' })
    expect(await run(tool, 'restore')).toMatchObject({ rules: 'no' })
    expect(tool === 'nft' ? inside('nft', 'list', 'ruleset') : inside('iptables', '-S')).not.toContain('impound')
  })
})
