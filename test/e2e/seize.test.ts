import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { ReleaseResult, RunResult } from '../../src/engine/result.js'
import type { DiffEntry } from '../../src/model/filesystem-documents.js'
import type { ImageDocument } from '../../src/model/image-document.js'
import type { LogsDocument } from '../../src/model/log-documents.js'
import { Shop, type PodObject } from './shop.js'
import { apply, eventually, impound, kubectl, kubeJson, world, type Ran } from './world.js'

const shop = new Shop()
const home = mkdtempSync(join(tmpdir(), 'impound-e2e-'))
let before: PodObject
let previousLog: string
let ran: Ran
let result: RunResult
let bag: string

function inBag(path: string): Buffer {
  const [target = ''] = readdirSync(join(bag, 'data/targets'))
  return readFileSync(join(bag, 'data/targets', target, path))
}

function hasSkopeo(): boolean {
  try {
    execFileSync('skopeo', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function bagJson(path: string): unknown {
  return JSON.parse(inBag(path).toString('utf8'))
}

beforeAll(async () => {
  await shop.open()
  const [suspect] = await shop.pods(2)
  const name = suspect!.metadata.name
  await shop.restartApp(name)
  shop.exec(
    name,
    [
      'mkdir -p /tmp/.x',
      'printf "\\177ELF-not-really" >/tmp/.x/kworker',
      'chmod 755 /tmp/.x/kworker',
      'touch -r /app/config.yaml /tmp/stamp',
      'printf "listen: 6666\\n" >/app/config.yaml',
      'touch -r /tmp/stamp /app/config.yaml',
      'rm /tmp/stamp /app/old.txt',
      'echo hidden >/scratch/in-a-volume',
    ].join(' && '),
  )
  before = shop.pod(name)
  previousLog = kubectl('logs', '-n', shop.namespace, name, '-c', 'app', '--previous', '--timestamps')
  ran = await impound(
    [
      'seize',
      name,
      '-n',
      shop.namespace,
      '--case',
      'E2E-1',
      '--export-image',
      '--allow',
      'exec',
      '--registry',
      world.registry,
      '--yes',
      '--json',
    ],
    { home },
  )
  result = JSON.parse(ran.stdout) as RunResult
  const unpacked = mkdtempSync(join(home, 'unpacked-'))
  execFileSync('tar', ['xzf', result.archive!.path, '-C', unpacked])
  bag = join(unpacked, readdirSync(unpacked)[0]!)
})

afterAll(() => {
  shop.close()
  rmSync(home, { recursive: true, force: true })
})

describe('seize on a real cluster', () => {
  it('ends with 7: contained, and nothing there could verify it', () => {
    expect(ran).toMatchObject({ status: 7 })
    expect(result.exitStatus).toBe(7)
    expect(result.targets[0]?.containment?.verdict?.kind).toBe('unverified')
  })

  it('keeps the pod as the API says it, but for the secret', () => {
    const names = readdirSync(join(bag, 'data/targets', readdirSync(join(bag, 'data/targets'))[0]!, 'api'))
    const bodies = names.map((name) => inBag(`api/${name}`).toString('utf8'))
    const pods = bodies
      .map((body) => JSON.parse(body) as PodObject)
      .filter(({ metadata }) => metadata.uid === before.metadata.uid)
    const hide = (spec: object): unknown =>
      JSON.parse(JSON.stringify(spec).replace(/canary-7f3c9e1b|hmac:v1:[0-9a-f]+/g, 'hidden'))
    expect(pods.length).toBeGreaterThan(0)
    expect(hide(pods[0]!.spec)).toEqual(hide(before.spec))
    expect(pods[0]!.metadata.labels).toEqual(before.metadata.labels)
    expect(bodies.join('')).not.toContain('canary-7f3c9e1b')
  })

  it('keeps the logs of every container, the run before the restart too', () => {
    const now = kubectl('logs', '-n', shop.namespace, before.metadata.name, '-c', 'app', '--timestamps')
    const current = inBag('logs/app/current.log').toString('utf8')
    expect(current).toContain('started')
    expect(now.startsWith(current)).toBe(true)
    expect(inBag('logs/app/previous.log').toString('utf8')).toBe(previousLog)
    expect(inBag('logs/bare/current.log')).toHaveLength(0)
    expect(
      (bagJson('logs.json') as LogsDocument).logs.map(({ container, run }) => `${container} ${run}`),
    ).toEqual(['app current', 'app previous', 'bare current'])
  })

  it('names the image by the digest that the node runs', () => {
    const image = bagJson('image/app/image.json') as ImageDocument
    const status = before.status.containerStatuses?.find(({ name }) => name === 'app')
    expect(image.digest).toBe(/sha256:[0-9a-f]{64}/.exec(status!.imageID)?.[0])
    expect(image.registry?.layers).toHaveLength(2)
    expect(image.tagNow).toMatchObject({ tag: '1', drifted: false })
  })

  const withSkopeo = hasSkopeo() ? it : it.skip
  withSkopeo('keeps the image itself, as skopeo reads it', () => {
    const { digest } = bagJson('image/app/image.json') as ImageDocument
    const [target = ''] = readdirSync(join(bag, 'data/targets'))
    const copy = join(home, 'image')
    const layout = join(bag, 'data/targets', target, 'image-export')
    execFileSync('skopeo', ['copy', '--quiet', `oci:${layout}:app`, `dir:${copy}`])
    const manifest = readFileSync(join(copy, 'manifest.json'))
    expect(`sha256:${createHash('sha256').update(manifest).digest('hex')}`).toBe(digest)
  })

  it('finds what was dropped, changed and deleted, and nothing that was not', () => {
    const lines = inBag('filesystem/app/diff.jsonl').toString('utf8').trimEnd().split('\n')
    const entries = lines.map((line) => JSON.parse(line) as DiffEntry)
    const files = entries.filter(
      ({ class: kind, after, before: was }) => kind === 'user' && (after ?? was)?.type === 'file',
    )
    expect(files.map(({ change, path }) => `${change} ${path}`)).toEqual([
      'modified /app/config.yaml',
      'deleted /app/old.txt',
      'added /tmp/.x/kworker',
    ])
    expect(lines.join()).not.toContain('in-a-volume')
    const names = execFileSync('tar', ['tf', '-'], {
      input: inBag('filesystem/app/changed.tar'),
      encoding: 'utf8',
    })
    expect(names).toContain('app/config.yaml')
    expect(names).toContain('tmp/.x/kworker')
  })

  it('says of the distroless container that its filesystem could not be had, and why', () => {
    const row = result.evidence.missing.find(
      ({ subject }) => subject.startsWith('filesystem') && subject.includes('bare'),
    )
    expect(row).toMatchObject({ status: 'failed', reason: 'target-refused' })
  })

  it('keeps the events of the pod', () => {
    const events = inBag('events.jsonl').toString('utf8').trimEnd().split('\n')
    const reasons = events
      .map((line) => JSON.parse(line) as { reason: string; about: string })
      .filter(({ about }) => about === 'pod')
    expect(reasons.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['Scheduled', 'Created', 'Started']),
    )
  })

  it('takes the pod out of its labels, its Service and its owner, and a replacement starts', async () => {
    const held = shop.pod(before.metadata.name)
    expect(held.metadata.uid).toBe(before.metadata.uid)
    expect(held.metadata.labels).toEqual({ 'impound.dev/quarantine': before.metadata.uid.slice(0, 8) })
    expect(held.metadata.ownerReferences ?? []).toEqual([])
    const pods = await shop.pods(2)
    expect(pods.map(({ metadata }) => metadata.uid)).not.toContain(before.metadata.uid)
    const endpoints = kubectl('get', 'endpoints', 'web', '-n', shop.namespace, '-o', 'json')
    expect(endpoints).not.toContain(before.metadata.name)
    const name = `impound-${before.metadata.uid.slice(0, 8)}`
    const policy = kubeJson('get', 'networkpolicy', name, '-n', shop.namespace) as { spec: object }
    expect(policy.spec).toEqual({
      podSelector: { matchLabels: { 'impound.dev/quarantine': before.metadata.uid.slice(0, 8) } },
      policyTypes: ['Ingress', 'Egress'],
    })
  })

  it('names the policy that still lets traffic in', () => {
    expect(result.targets[0]?.containment?.verdict?.open.join('\n')).toContain('allow-all')
    expect(result.targets[0]?.containment?.verdict?.open.join('\n')).not.toContain('allow-web')
  })

  it('makes an archive that sha256sum, tar and impound verify agree on', async () => {
    const { path } = result.archive!
    execFileSync('sha256sum', ['-c', `${basename(path)}.sha256`], { cwd: dirname(path) })
    execFileSync(
      'sha256sum',
      ['-c', '--strict', '--quiet', 'tagmanifest-sha256.txt', 'manifest-sha256.txt'],
      { cwd: bag },
    )
    expect(await impound(['verify', path], { home })).toMatchObject({ status: 0 })
  })

  it('is undone by release, byte for byte', async () => {
    const released = await impound(
      ['release', before.metadata.name, '-n', shop.namespace, '--yes', '--json'],
      { home },
    )
    expect(released).toMatchObject({ status: 0 })
    expect((JSON.parse(released.stdout) as ReleaseResult).targets[0]).toMatchObject({
      source: 'state',
      report: { left: [] },
    })
    const policies = kubectl('get', 'networkpolicy', '-n', shop.namespace, '-o', 'name')
    expect(policies).not.toContain('impound-')
    // the owner has one pod too many now and may have chosen the suspect
    await eventually('two pods again', () => {
      const { items } = kubeJson('get', 'pods', '-n', shop.namespace) as { items: PodObject[] }
      return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).length === 2
        ? true
        : undefined
    })
    const { items } = kubeJson('get', 'pods', '-n', shop.namespace) as { items: PodObject[] }
    const suspect = items.find(({ metadata }) => metadata.uid === before.metadata.uid)
    if (suspect === undefined) return
    expect(suspect.metadata.labels).toEqual(before.metadata.labels)
    expect(suspect.metadata.annotations ?? {}).toEqual(before.metadata.annotations ?? {})
  })
})

describe('a pod that nobody owns, on a real cluster', () => {
  it('is after a release byte for byte what it was', async () => {
    const name = 'alone'
    const labels = { app: 'alone', 'example.com/a.b': 'x' }
    const annotations = { 'example.com/note': 'left as it is' }
    apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: shop.namespace, labels, annotations },
      spec: { containers: [{ name: 'app', image: world.appImage }] },
    })
    await eventually('the pod to run', () =>
      shop.pod(name).status.containerStatuses?.[0]?.ready ? true : undefined,
    )
    const was = shop.pod(name)
    const held = await impound(['quarantine', name, '-n', shop.namespace, '--case', 'E2E-3', '--yes'], {
      home,
    })
    expect(held.status).toBe(7)
    expect(shop.pod(name).metadata.labels).toEqual({ 'impound.dev/quarantine': was.metadata.uid.slice(0, 8) })
    const released = await impound(['release', name, '-n', shop.namespace, '--yes'], { home })
    expect(released.status).toBe(0)
    const now = shop.pod(name)
    expect(now.metadata.uid).toBe(was.metadata.uid)
    expect(now.metadata.labels).toEqual(was.metadata.labels)
    expect(now.metadata.annotations).toEqual(was.metadata.annotations)
    expect(now.spec).toEqual(was.spec)
  })
})
