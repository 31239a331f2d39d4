import { execFile, type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'

import { indexImage } from '../../src/filesystem/image-index.js'
import { LayerCache } from '../../src/filesystem/layer-cache.js'
import type { Registry, ResolvedImage } from '../../src/model/ports/registry.js'
import { openDockerConfig } from '../../src/registry/docker-config.js'
import { type ImageArchive, openImageArchive } from '../../src/registry/image-archive.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { tarOf } from '../filesystem/tars.js'
import { asDirectory, ociLayout } from './layouts.js'

const { signal } = new AbortController()
const LINUX = { os: 'linux', architecture: 'amd64' }
const REGISTRY = 'docker-registry'
const LOGIN = { name: 'lab', password: 'lab-password' }
/** bcrypt of that password: the only form that the registry takes. */
const HTPASSWD = 'lab:$2b$04$IE.a4zMGdyDJa1l9mXCYsOvdS/.xuYJeVgssXWVKYWl7AKe5FVB8G\n'
const run = promisify(execFile)

/** Debian's docker-registry and skopeo, where they are installed. */
const real = [REGISTRY, 'skopeo'].every((tool) => spawnSync(tool, ['--version']).status === 0)
  ? describe
  : describe.skip

real('a registry that others wrote, which wants a password', () => {
  let folder: string
  let server: ChildProcess
  let host: string
  let layout: ReturnType<typeof ociLayout>

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'impound-real-registry-'))
    const port = await freePort()
    host = `127.0.0.1:${port}`
    writeFileSync(join(folder, 'htpasswd'), HTPASSWD)
    mkdirSync(join(folder, 'data'))
    writeFileSync(
      join(folder, 'config.yml'),
      JSON.stringify({
        version: 0.1,
        log: { level: 'error' },
        storage: { filesystem: { rootdirectory: join(folder, 'data') } },
        http: { addr: host },
        auth: { htpasswd: { realm: 'lab', path: join(folder, 'htpasswd') } },
      }),
    )
    server = spawn(REGISTRY, ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
    await answers(`http://${host}/v2/`)
    layout = ociLayout([
      await tarOf([
        { name: 'etc/passwd', content: 'root' },
        { name: 'gone', content: 'x' },
      ]),
      await tarOf([
        { name: '.wh.gone', content: '' },
        { name: 'big', content: Buffer.alloc(3_000_000, 'b') },
      ]),
    ])
    asDirectory(layout, join(folder, 'layout'))
    await push(`oci:${join(folder, 'layout')}:registry.test/shop/web:1`, 'shop/web:oci')
  }, 60_000)
  afterAll(async () => {
    server.kill()
    await new Promise((resolve) => server.once('exit', resolve))
    rmSync(folder, { recursive: true })
  })

  const creds = `${LOGIN.name}:${LOGIN.password}`
  const push = (from: string, to: string, ...more: string[]): Promise<unknown> =>
    run('skopeo', [
      ...['copy', '--insecure-policy', '--quiet', '--dest-tls-verify=false', '--dest-creds', creds, ...more],
      ...[from, `docker://${host}/${to}`],
    ])
  const pull = (from: string, to: string): Promise<unknown> =>
    run('skopeo', [
      ...['copy', '--insecure-policy', '--quiet', '--src-tls-verify=false', '--src-creds', creds],
      ...[`docker://${host}/${from}`, to],
    ])

  const archives: ImageArchive[] = []
  afterEach(async () => {
    for (const archive of archives.splice(0)) await archive.close()
  })

  async function openedArchive(path: string): Promise<ImageArchive> {
    const archive = await openImageArchive(path, signal)
    archives.push(archive)
    return archive
  }

  async function registry(auths: object, archive?: string): Promise<Registry> {
    const file = join(folder, 'config.json')
    writeFileSync(file, JSON.stringify({ auths }))
    return createRegistry({
      policy: parseRegistryPolicy(archive === undefined ? [`${host}=http://${host}`] : ['never']),
      timeoutMs: 10_000,
      credentials: [await openDockerConfig(file, { env: process.env, deadlineMs: 1000 })],
      archives: archive === undefined ? [] : [await openedArchive(archive)],
      notice: () => undefined,
    })
  }

  const opened = (): Promise<Registry> =>
    registry({ [host]: { auth: Buffer.from(creds).toString('base64') } })

  async function files(from: Registry, image: ResolvedImage): Promise<readonly string[]> {
    const { tree } = await indexImage(from, image, new LayerCache(), { signal })
    return [...tree.paths()].filter(([, row]) => tree.at(row).type === 'file').map(([key]) => key)
  }

  it('says no without, and yes with the docker configuration', async () => {
    const closed = await registry({})
    await expect(closed.resolve(`${host}/shop/web:oci`, LINUX, signal)).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('none are known'),
    })
    const open = await opened()
    const image = await open.resolve(`${host}/shop/web:oci`, LINUX, signal)
    expect(image.credentials).toBe('the docker configuration')
    expect(image.config.descriptor.digest).toBe(layout.configDigest)
    expect(await files(open, image)).toEqual(['etc/passwd', 'big'])
  })

  it.each([
    ['zstd', ['--dest-compress-format', 'zstd', '--dest-force-compress-format']],
    ['as Docker writes manifests', ['--format', 'v2s2']],
  ])('gives the same files from an image of %s', async (name, flags) => {
    const tag = `shop/web:${name.replaceAll(' ', '-')}`
    const isKnown = await push(`oci:${join(folder, 'layout')}:registry.test/shop/web:1`, tag, ...flags).then(
      () => true,
      (error: unknown) => {
        // an older skopeo has no such flag: then there is nothing to see here
        if (String(error).includes('unknown flag')) return false
        throw error
      },
    )
    if (!isKnown) return
    const open = await opened()
    const image = await open.resolve(`${host}/${tag}`, LINUX, signal)
    expect(await files(open, image)).toEqual(['etc/passwd', 'big'])
  })

  it.each(['oci', 'oci-archive', 'docker-archive'])(
    'is needed no more with an %s of skopeo',
    async (form) => {
      const path = join(folder, `copy-${form}`)
      await pull('shop/web:oci', `${form}:${path}:${form === 'oci' ? '1' : 'registry.test/shop/web:1'}`)
      const archived = await registry({}, path)
      const image = archived.archived({ digest: layout.configDigest, reference: '' }, LINUX)
      expect(image?.archive?.matchedBy).toBe('config-digest')
      expect(await files(archived, image!)).toEqual(['etc/passwd', 'big'])
    },
  )
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits for any answer: 401 is one. */
async function answers(url: string): Promise<void> {
  for (let left = 200; ; left -= 1) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer !== undefined) return
    if (left === 0) throw new Error(`${url} does not answer`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
