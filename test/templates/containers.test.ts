import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

const FRAGMENT = readFileSync(resolve(import.meta.dirname, '../../templates/node/containers.sh'), 'utf8')
const ID = 'c0ffee'.repeat(10) + 'beef'
const OTHER = '0dd'.repeat(21) + '1'

/** What each shell is, and where it finds its programs: busybox brings its own awk, stat and sort. */
const BUSYBOX = '/usr/bin/busybox'
const home = mkdtempSync(join(tmpdir(), 'impound-containers-'))
const applets = join(home, 'applets')
mkdirSync(applets)
for (const name of ['sh', 'awk', 'stat', 'sort', 'cat']) symlinkSync(BUSYBOX, join(applets, name))
const SHELLS = (
  [
    ['dash', '/usr/bin/dash', process.env['PATH'] ?? ''],
    ['bash', '/usr/bin/bash', process.env['PATH'] ?? ''],
    ['busybox', join(applets, 'sh'), applets],
  ] as const
).filter(([name, path]) => existsSync(name === 'busybox' ? BUSYBOX : path))

afterAll(() => rmSync(home, { recursive: true, force: true }))

function run(shell: (typeof SHELLS)[number], command: string, proc = '/proc'): { status: number | null; lines: string[] } {
  const [, path, PATH] = shell
  const { status, stdout } = spawnSync(path, ['-c', `${FRAGMENT}\n${command}`, 'impound-test'], {
    env: { PATH, IMPOUND_PROC: proc },
    encoding: 'utf8',
  })
  return { status, lines: stdout.split('\n').filter((line) => line !== '') }
}

interface FakeProcess {
  readonly pid: number
  readonly cgroup: string
  readonly starttime?: number
  readonly comm?: string
  readonly nspid?: string
  readonly ppid?: number
}

let proc = 0
/** A /proc made of files; PID namespaces can't be had in it. */
function fakeProc(...processes: readonly FakeProcess[]): string {
  const root = join(home, `proc-${(proc += 1)}`)
  for (const { pid, cgroup, starttime = 100, comm = 'sh', nspid, ppid = 1 } of processes) {
    const directory = join(root, String(pid))
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'cgroup'), cgroup)
    const rest = [ppid, ...Array.from({ length: 17 }, () => 0), starttime, 1, 2, 3]
    writeFileSync(join(directory, 'stat'), `${pid} (${comm}) S ${rest.join(' ')}\n`)
    writeFileSync(
      join(directory, 'status'),
      `Name:\tsh\nPid:\t${pid}\n${nspid === undefined ? '' : `NSpid:\t${nspid}\n`}`,
    )
  }
  return root
}

describe.each(SHELLS)('the container fragment in %s', (...shell) => {
  it.each([
    ['containerd with cgroupfs, v1', `11:pids:/kubepods/besteffort/pod1-2/${ID}\n0::/\n`],
    ['containerd with systemd, v2', `0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/cri-containerd-${ID}.scope\n`],
    ['containerd with cgroupfs under a slice', `3:cpu:/system.slice/containerd.service/kubepods-burstable-pod1_2.slice:cri-containerd:${ID}\n`],
    ['CRI-O', `0::/kubepods.slice/kubepods-pod1_2.slice/crio-${ID}.scope/container\n`],
    ['Docker', `5:memory:/kubepods.slice/kubepods-pod1_2.slice/docker-${ID}.scope\n`],
    ['a reader in a cgroup namespace of its own', `0::/../../kubepods-pod1_2.slice/cri-containerd-${ID}.scope\n`],
    ['a reader next to it', `0::/../cri-containerd-${ID}.scope\n`],
    ['a node that is itself a container', `4:cpu:/docker/${OTHER}/kubelet/kubepods/pod1-2/${ID}\n`],
    ['a cgroup within the container', `0::/kubepods/pod1-2/${ID}/nested/docker-${OTHER}.scope\n`],
    ['one of several hierarchies', `9:name=systemd:/\n8:pids:/kubepods/pod1-2/${ID}\n`],
  ])('finds a process by its cgroup: %s', (_, cgroup) => {
    const root = fakeProc({ pid: 7, cgroup, starttime: 4211, nspid: '7\t1', ppid: 3 })
    expect(run(shell, `container_processes ${ID}`, root)).toEqual({ status: 0, lines: ['7 4211 1 3 cgroup'] })
  })

  it.each([
    ['another container', `0::/kubepods/pod1-2/${OTHER}\n`],
    ['the monitor of CRI-O', `0::/kubepods.slice/kubepods-pod1_2.slice/crio-conmon-${ID}.scope\n`],
    ['a cgroup that a container named after it', `0::/kubepods/pod1-2/${OTHER}/kubepods/pod1-2/${ID}\n`],
    ['the pod', '0::/kubepods/pod1-2\n'],
    ['a longer ID', `0::/kubepods/pod1-2/${ID}0\n`],
    ['no cgroup at all', ''],
  ])('does not take for the container: %s', (_, cgroup) => {
    const root = fakeProc({ pid: 7, cgroup, nspid: '7\t1' })
    expect(run(shell, `container_processes ${ID}`, root)).toEqual({ status: 1, lines: [] })
    expect(run(shell, `container_init ${ID}`, root)).toEqual({ status: 1, lines: [] })
  })

  it('reads past a name that looks like the rest of the line', () => {
    const root = fakeProc({
      pid: 7,
      cgroup: `0::/kubepods/pod1/${ID}\n`,
      comm: ') R 1 2\n3 (x',
      starttime: 9,
      nspid: '7\t1',
    })
    expect(run(shell, `container_processes ${ID}; starttime_of 7; same_process 7 9 && echo same`, root).lines).toEqual([
      '7 9 1 1 cgroup',
      '9',
      'same',
    ])
    expect(run(shell, 'same_process 7 8', root).status).toBe(1)
    expect(run(shell, 'same_process 8 9', root).status).toBe(1)
  })

  it('takes for the first process the one that is 1 in the container, else the oldest', () => {
    const cgroup = `0::/kubepods/pod1/${ID}\n`
    const own = fakeProc(
      { pid: 12, cgroup, starttime: 50, nspid: '12\t1' },
      { pid: 9, cgroup, starttime: 60, nspid: '9\t20\t1' },
      { pid: 4, cgroup, starttime: 50, nspid: '4\t21' },
    )
    expect(run(shell, `container_init ${ID}`, own).lines).toEqual(['12 50'])
    const shared = fakeProc(
      { pid: 9, cgroup, starttime: 60, nspid: '9\t20\t1' },
      { pid: 40, cgroup, starttime: 50, nspid: '40\t7' },
    )
    expect(run(shell, `container_init ${ID}`, shared).lines).toEqual(['40 50'])
    const silent = fakeProc({ pid: 9, cgroup, starttime: 60 }, { pid: 40, cgroup, starttime: 50 })
    expect(run(shell, `container_init ${ID}`, silent).lines).toEqual(['40 50'])
    expect(run(shell, `container_processes ${ID}`, silent).lines[0]).toBe('40 50 - 1 cgroup')
  })
})

const HIERARCHY = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((path) => existsSync(join(path, 'cgroup.procs')))
const canMakeCgroups =
  HIERARCHY !== undefined &&
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['-p', '-f', 'true']).status === 0 &&
  (() => {
    try {
      mkdirSync(join(HIERARCHY, `impound-${process.pid}`))
      rmdirSync(join(HIERARCHY, `impound-${process.pid}`))
      return true
    } catch {
      return false
    }
  })()
const real = canMakeCgroups ? describe : describe.skip

real('the container fragment and a real process tree', () => {
  const pod = join(HIERARCHY ?? '', `kubepods-impound-${process.pid}`)
  const cgroup = join(pod, ID)
  let tree: ChildProcess

  beforeAll(async () => {
    mkdirSync(cgroup, { recursive: true })
    // its own child stays; one moves itself out of the cgroup; one makes a PID namespace of its own
    const script = [
      `echo 0 >${cgroup}/cgroup.procs`,
      `(sleep 600) &`,
      `sh -c 'echo 0 >${HIERARCHY ?? ''}/cgroup.procs; exec sleep 601' &`,
      `unshare -p -f sleep 602 &`,
      'sleep 0.3; echo ready; wait',
    ].join('\n')
    tree = spawn('unshare', ['-p', '-f', '--kill-child', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((ready) => tree.stdout?.once('data', ready))
  })

  afterAll(async () => {
    const ended = new Promise((done) => tree.once('exit', done))
    tree.kill('SIGKILL')
    await ended
    for (let tries = 0; tries < 50 && existsSync(pod); tries += 1) {
      try {
        rmdirSync(cgroup)
        rmdirSync(pod)
      } catch {
        await new Promise((next) => setTimeout(next, 100))
      }
    }
  })

  it.each(SHELLS)('finds the same processes in %s', (...shell) => {
    const { lines } = run(shell, `container_processes ${ID}`)
    const seen = lines.map((line) => {
      const [pid = '', , inner, , how] = line.split(' ')
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').slice(0, 4).join(' ').split('\n')[0]
      return `${how ?? ''} ${inner === '1' ? 'first ' : ''}${argv ?? ''}`.trim()
    })
    expect(seen.sort()).toEqual([
      'cgroup first sh -c echo 0 >' + cgroup + '/cgroup.procs',
      'cgroup sleep 600',
      'cgroup sleep 602',
      'cgroup unshare -p -f sleep',
      'pidns sleep 601',
    ])
  })

  it.each(SHELLS)('finds its first process in %s, and knows it again', (...shell) => {
    const [init = ''] = run(shell, `container_init ${ID}`).lines
    const [pid = '', starttime = ''] = init.split(' ')
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(new RegExp(`^NSpid:\\t${pid}\\t1$`, 'm'))
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19]).toBe(starttime)
    expect(run(shell, `same_process ${pid} ${starttime}`).status).toBe(0)
    expect(run(shell, `same_process ${pid} 1`).status).toBe(1)
  })
})
