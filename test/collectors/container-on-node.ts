import { execFileSync } from 'node:child_process'
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A container's ID that no container has. */
export const CONTAINER_ID = 'c0ffee'.padEnd(64, '0')
export const PID = '4242'
export const START_TIME = '777'

/** A line of mountinfo for what is mounted at `point` of the container, which here lies at `path`. */
export function mountLine(point: string, path: string, type: string, options = 'rw,relatime'): string {
  const { dev } = statSync(path)
  const major = (dev >> 8) & 0xfff
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00)
  const escaped = point.replaceAll(' ', '\\040')
  return `36 35 ${major}:${minor} / ${escaped} ${options} master:1 - ${type} ${type} rw`
}

/** A /proc in which one container runs, with `root` as its root; mountinfo is what `mounts` says. */
export function procWith(proc: string, root: string, mounts: readonly string[]): void {
  const own = join(proc, PID)
  mkdirSync(join(own, 'ns'), { recursive: true })
  writeFileSync(join(own, 'cgroup'), `0::/kubepods/burstable/pod1f3a9c02/${CONTAINER_ID}\n`)
  const fields = ['S', '1', ...Array.from({ length: 17 }, () => '0'), START_TIME, '0']
  writeFileSync(join(own, 'stat'), `${PID} (app) ${fields.join(' ')}\n`)
  writeFileSync(join(own, 'status'), `Name:\tapp\nNSpid:\t${PID}\t1\n`)
  writeFileSync(join(own, 'ns/pid'), '')
  writeFileSync(join(own, 'mountinfo'), `${mounts.join('\n')}\n`)
  symlinkSync(root, join(own, 'root'))
}

/** Whether this test may mount: it takes root and CAP_SYS_ADMIN. */
export function canMount(at: string): boolean {
  try {
    mkdirSync(at, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'impound-test', at], { stdio: 'ignore' })
    execFileSync('umount', [at], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
