import { setTimeout as wait } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../../src/lab/lab.js'
import type { AccessRuleLike } from '../../../src/lab/access/rules.js'
import { accessOf, exec, openSocket, type Access } from '../client.js'
import { flooded, smallPod, smallSeed } from '../small-seed.js'

const V4 = ['v4.channel.k8s.io']
const path = (command: readonly string[], query = 'container=app&stdout=true&stderr=true'): string =>
  `/api/v1/namespaces/shop/pods/web-6dd6-one/exec?${command.map((word) => `command=${word}&`).join('')}${query}`

let lab: Lab
let admin: Access

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

describe('an exec stream', () => {
  it('begins with an empty frame and ends with the status, then the close', async () => {
    expect(await exec(admin, path(['echo', 'hi']))).toEqual({
      protocol: 'v5.channel.k8s.io',
      stdout: 'hi\n',
      stderr: '',
      channels: [1, 1, 3],
      status: { metadata: {}, status: 'Success' },
      closeCode: 1000,
    })
    expect(lab.requests.at(-1)).toMatchObject({ method: 'GET', status: 101, user: 'lab-admin' })
  })

  it.each([
    ['v4.channel.k8s.io', 'error executing command [fail 3], exit code 3'],
    ['v5.channel.k8s.io', 'command terminated with exit code 3'],
  ])('of a program that fails says so in the words of %s', async (protocol, words) => {
    expect(await exec(admin, path(['fail', '3']), [protocol])).toMatchObject({
      protocol,
      stderr: 'it broke\n',
      status: {
        metadata: {},
        status: 'Failure',
        message: `command terminated with non-zero exit code: ${words}`,
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '3' }] },
      },
    })
  })

  it.each([
    [
      V4,
      /^Internal error occurred: error executing command in container: .*OCI runtime exec failed: .*exec: "nope": executable file not found in \$PATH: unknown$/,
    ],
    [['v5.channel.k8s.io'], /^Internal error occurred: Internal error occurred: error executing command/],
  ])('of a program that is not there fails with %j', async (protocols, message) => {
    expect(await exec(admin, path(['nope']), protocols)).toMatchObject({
      stdout: '',
      status: {
        status: 'Failure',
        reason: 'InternalError',
        code: 500,
        message: expect.stringMatching(message),
      },
      closeCode: 1000,
    })
  })

  it('sends only the outputs that were asked for', async () => {
    const trace = await exec(admin, path(['fail', '1'], 'container=app&stdout=true'))
    expect(trace).toMatchObject({ stderr: '', channels: [1, 3] })
  })

  it.each([
    [
      'no container named',
      path(['echo'], 'stdout=true'),
      400,
      'a container name must be specified for pod web-6dd6-one',
    ],
    ['an unknown container', path(['echo'], 'container=nix&stdout=true'), 400, 'container nix is not valid'],
    ['an unknown pod', path(['echo']).replace('-one', '-nix'), 404, 'pods \\"web-6dd6-nix\\" not found'],
    [
      'no stream',
      path(['echo'], 'container=app'),
      400,
      'you must specify at least 1 of stdin, stdout, stderr',
    ],
  ])('with %s is refused before the upgrade', async (_what, target, code, text) => {
    expect(await exec(admin, target, V4)).toEqual({ refused: code, text: expect.stringContaining(text) })
  })

  it('with no protocol that the server knows is refused', async () => {
    expect(await exec(admin, path(['echo']), ['v1.channel.k8s.io'])).toEqual({ refused: 403, text: '' })
  })

  it('into a container that is not running fails, by v4 before and by v5 after the upgrade', async () => {
    const pod = smallPod('done', '55555555-5555-4555-8555-555555555555', '10.1.2.8')
    const state = { terminated: { exitCode: 0, reason: 'Completed' } }
    lab.objects.put({ ...pod, status: { phase: 'Running', containerStatuses: [{ name: 'app', state }] } })
    const target = path(['echo']).replace('web-6dd6-one', 'done')
    expect(await exec(admin, target, V4)).toEqual({ refused: 500, text: 'container not found ("app")' })
    expect(await exec(admin, target)).toMatchObject({
      status: {
        message: 'Internal error occurred: unable to upgrade connection: container not found ("app")',
      },
    })
  })

  it('waits for a client that does not read', async () => {
    const total = 64 * 1024 * 1024
    const socket = openSocket(admin, path(['flood', String(total)]), V4)
    await new Promise((resolve) => socket.once('open', resolve))
    socket.pause()
    await wait(300)
    const early = flooded.bytes
    expect(early).toBeLessThan(total / 2)
    let received = 0
    socket.on('message', (data: Buffer) => (received += data[0] === 1 ? data.length - 1 : 0))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.resume()
    await closed
    expect(received).toBe(total)
  })

  it('tells the program when its client has gone', async () => {
    let told: (reason: string) => void = () => undefined
    const aborted = new Promise<string>((resolve) => (told = resolve))
    const other = await startLab({
      seed: () => ({
        ...smallSeed(),
        runtime: {
          container: () => ({
            exec: (_argv, _stdout, _stderr, signal) =>
              new Promise((_resolve, reject) =>
                signal.addEventListener('abort', () => {
                  told('gone')
                  reject(new Error('gone'))
                }),
              ),
            log: () => undefined,
          }),
        },
      }),
    })
    try {
      const socket = openSocket(await accessOf(other.kubeconfig), path(['sleep']), V4)
      await new Promise((resolve) => socket.once('open', resolve))
      socket.terminate()
      expect(await aborted).toBe('gone')
    } finally {
      await other.close()
    }
  })
})

describe('the right to exec', () => {
  const GET: AccessRuleLike = {
    verb: 'get',
    group: '',
    resource: 'pods',
    subresource: 'exec',
    namespace: 'shop',
  }

  it('is get and create since 1.35', async () => {
    const onlyGet = await accessOf(await lab.kubeconfigFor('half', [GET]))
    expect(await exec(onlyGet, path(['echo', 'hi']))).toMatchObject({
      refused: 403,
      text: expect.stringContaining('"message":"pods \\"web-6dd6-one\\" is forbidden: "'),
    })
    const both = await accessOf(await lab.kubeconfigFor('whole', [GET, { ...GET, verb: 'create' }]))
    expect(await exec(both, path(['echo', 'hi']))).toMatchObject({ stdout: 'hi\n' })
  })

  it('is not given by a right to pods', async () => {
    const reader = await accessOf(
      await lab.kubeconfigFor('reader', [{ verb: '*', group: '', resource: 'pods' }]),
    )
    expect(await exec(reader, path(['echo', 'hi']))).toMatchObject({
      refused: 403,
      text: expect.stringContaining(
        'User \\"reader\\" cannot get resource \\"pods/exec\\" in API group \\"\\" in the namespace \\"shop\\"',
      ),
    })
  })
})
