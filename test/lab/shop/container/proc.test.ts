import { describe, expect, it } from '@jest/globals'

import { containerOf, run, siblingPod, suspectPod } from './running.js'

async function read(path: string, pod = suspectPod): Promise<string> {
  const { stdout } = await run(containerOf(pod, 'app')!, ['cat', path])
  return stdout.toString('latin1')
}

describe('/proc of the suspect', () => {
  it('shows the connection to the outside as the kernel writes it', async () => {
    const lines = (await read('/proc/net/tcp')).split('\n')
    expect(lines[1]).toContain(' 00000000:1F90 00000000:0000 0A ')
    expect(lines[2]).toContain(' 09012A0A:C958 077100CB:01BB 01 ')
  })

  it('does not show it in the healthy sibling', async () => {
    expect(await read('/proc/net/tcp', siblingPod)).not.toContain('077100CB')
  })

  it('joins the socket to the program that holds it, by way of its descriptors', async () => {
    const inode = /077100CB:01BB .* (\d+) 1 0/.exec(await read('/proc/47/net/tcp'))?.[1]
    const { stdout } = await run(containerOf(suspectPod, 'app')!, ['ls', '-l', '/proc/47/fd'])
    expect(stdout.toString('utf8')).toContain(`3 -> socket:[${inode ?? 'none'}]\n`)
    const links = await run(containerOf(suspectPod, 'app')!, ['ls', '-l', '/proc/47'])
    expect(links.stdout.toString('utf8')).toContain('exe -> /tmp/.x/kworker\n')
  })

  it('has a start time that says when the intruder came', async () => {
    const [server, implant] = await Promise.all([read('/proc/1/stat'), read('/proc/47/stat')])
    const startOf = (stat: string): number => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
    expect(implant.startsWith('47 (kworker/u8:2) S 41 ')).toBe(true)
    // 279 s from the restart to the intrusion, 2.12 s more to the implant; 100 ticks a second
    expect(startOf(implant) - startOf(server)).toBe(27_900 + 212)
  })

  it.each([
    ['/proc/47/comm', 'kworker/u8:2\n'],
    ['/proc/47/cmdline', '[kworker/u8:2]\0'],
    ['/proc/1/cmdline', '/app/server\0--config\0/app/config.yaml\0'],
  ])('has %s', async (path, text) => {
    expect(await read(path)).toBe(text)
  })

  it('names the root as an overlay, and every mount once', async () => {
    const lines = (await read('/proc/self/mountinfo')).trimEnd().split('\n')
    const points = lines.map((line) => line.split(' ')[4])
    expect(lines[0]).toMatch(/ \/ \/ .* - overlay .*upperdir=/)
    expect(new Set(points).size).toBe(points.length)
    expect(points).toEqual(expect.arrayContaining(['/', '/proc', '/etc/hosts', '/cache', '/dev/shm']))
  })
})
