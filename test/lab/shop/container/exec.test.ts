import { PassThrough } from 'node:stream'

import { describe, expect, it } from '@jest/globals'

import type { JsonObject } from '../../../../src/model/json.js'
import { containerOf, dbPod, run, siblingPod, suspectPod } from './running.js'

const app = containerOf(suspectPod, 'app')!

describe('a container of the lab', () => {
  it.each([
    [['true'], 0, '', ''],
    [['false'], 1, '', ''],
    [['/bin/echo', 'a', 'b'], 0, 'a b\n', ''],
    [['echo', '-n', 'a'], 0, 'a', ''],
    [['hostname'], 0, 'web-6dd6bfc4b-x2x7k\n', ''],
    [['id'], 0, 'uid=0 gid=0 groups=0\n', ''],
    [['sleep', '0'], 0, '', ''],
    [['sleep', 'a while'], 1, '', "sleep: invalid number 'a while'\n"],
    [['sh', '-c', 'exec echo "one two" \'three\''], 0, 'one two three\n', ''],
    [['sh', '-c', 'nmap 10.0.0.1'], 127, '', 'sh: nmap: not found\n'],
    [['sh', '-c', 'echo a; echo b'], 127, '', 'sh: this lab runs one plain command at a time\n'],
    [['sh'], 2, '', 'sh: this lab has no interactive shell\n'],
    [['curl', '-s'], 126, '', 'curl: this lab has the file, not the program\n'],
    [
      ['cat', '/etc/hosts/../none'],
      1,
      '',
      "cat: can't open '/etc/hosts/../none': No such file or directory\n",
    ],
    [['cat', '/etc'], 1, '', 'cat: read error: Is a directory\n'],
    [['ls', '/none'], 1, '', 'ls: /none: No such file or directory\n'],
  ])('runs %j', async (argv, exitCode, stdout, stderr) => {
    const ran = await run(app, argv)
    expect([ran.result, ran.stdout.toString('utf8'), ran.stderr]).toEqual([
      { kind: 'exited', exitCode },
      stdout,
      stderr,
    ])
  })

  it('follows links on the way to a file, into mounts too', async () => {
    const { stdout } = await run(app, ['cat', '/var/run/secrets/kubernetes.io/serviceaccount/namespace'])
    expect(stdout.toString('utf8')).toBe('shop')
  })

  it('lists names as their bytes, hidden ones when asked', async () => {
    const plain = await run(app, ['ls', '/tmp'])
    const all = await run(app, ['ls', '-la', '/tmp/.x'])
    expect(plain.stdout.toString('latin1')).toBe('')
    expect(all.stdout.includes(Buffer.from('not-utf8-\xff\xfe\n', 'latin1'))).toBe(true)
    expect(all.stdout.toString('latin1')).toContain('-rwxr-xr-x 1 0 0     36000 2026-11-23 02:13 kworker\n')
  })

  it.each([
    ['nope', 'exec: "nope": executable file not found in $PATH'],
    ['', 'exec: "": executable file not found in $PATH'],
    ['/bin/nope', 'exec: "/bin/nope": stat /bin/nope: no such file or directory'],
    ['/app/config.yaml', 'exec: "/app/config.yaml"'],
  ])('cannot start %j', async (program, words) => {
    const { result } = await run(app, [program])
    expect(result.kind === 'unstartable' ? result.message : '').toContain(words)
  })

  it.each([['sh', '-c', 'true'], ['cat', '/etc/passwd'], ['true']])(
    'cannot start %s where the image has nothing but its own program',
    async (...argv) => {
      const { result } = await run(containerOf(suspectPod, 'log-shipper')!, argv)
      expect(result.kind).toBe('unstartable')
    },
  )

  it('waits for a slow reader, and loses nothing', async () => {
    const quick = await run(app, ['cat', '/app/server', '/etc/passwd'])
    const slow = await run(app, ['cat', '/app/server', '/etc/passwd'], 1)
    expect(slow.stdout).toEqual(quick.stdout)
  })

  it.each([
    ['is told to stop', (stop: AbortController) => stop.abort(new Error('stop'))],
    ['loses its reader', (_stop: AbortController, stdout: PassThrough) => stdout.destroy()],
  ])('ends with an error when it %s in the middle', async (_what, end) => {
    const stop = new AbortController()
    const stdout = new PassThrough({ highWaterMark: 1 })
    const running = app.exec(['cat', '/app/server'], stdout, new PassThrough(), stop.signal)
    setImmediate(() => end(stop, stdout))
    await expect(running).rejects.toThrow(/stop|reader/)
  })

  it('stops sleeping when it is told to', async () => {
    const stop = new AbortController()
    const running = app.exec(['sleep', '600'], new PassThrough(), new PassThrough(), stop.signal)
    stop.abort(new Error('stop'))
    await expect(running).rejects.toThrow('stop')
    const late = app.exec(['sleep', '600'], new PassThrough(), new PassThrough(), stop.signal)
    await expect(late).rejects.toThrow('stop')
  })
})

describe('the runtime', () => {
  it('keeps a container, and gives each pod one of its own', () => {
    expect(containerOf(suspectPod, 'app')).toBe(app)
    expect(containerOf(siblingPod, 'app')).not.toBe(app)
    expect(containerOf(dbPod, 'postgres')).toBeDefined()
  })

  it.each([
    ['a container that the pod has not', suspectPod, 'nope'],
    ['an image that the shop has not', podOf('registry.shop.example/other:1'), 'app'],
    ['something that is no pod', {}, 'app'],
  ])('knows nothing of %s', (_what, pod, name) => {
    expect(containerOf(pod, name)).toBeUndefined()
  })

  it.each([
    'registry.shop.example/shop/web:1.4.2',
    '127.0.0.1:5000/shop/web:1.4.2',
    `127.0.0.1:5000/shop/web@sha256:${'0'.repeat(64)}`,
    `registry.shop.example/shop/web:1.4.2@sha256:${'0'.repeat(64)}`,
  ])('runs a pod that it never saw as a clean one, by its image %s', async (image) => {
    const { stdout } = await run(containerOf(podOf(image), 'app')!, ['ps'])
    expect(stdout.toString('utf8')).toContain('/app/server')
    expect(stdout.toString('utf8')).not.toContain('kworker')
  })

  it('starts nothing in an init container that has finished', async () => {
    const init = containerOf(suspectPod, 'migrate')!
    const { result } = await run(init, ['true'])
    expect(result.kind).toBe('unstartable')
    expect(init.log(false)?.map(({ text }) => text)).toEqual([
      'waiting for db.shop.svc:5432',
      'schema is at 41',
    ])
  })
})

function podOf(image: string): JsonObject {
  return {
    metadata: { uid: `uid of ${image}`, name: 'web-new', creationTimestamp: '2026-11-23T03:00:40Z' },
    spec: { containers: [{ name: 'app', image }] },
  }
}
