import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { createNodeTriageCollector } from '../../src/collectors/node-triage.js'
import { diskSnapshot } from '../../src/collectors/triage/disk-snapshot.js'
import { containerFrom, idOfState } from '../../src/collectors/triage/runtime-state.js'
import { parseTriageListing } from '../../src/collectors/triage/triage-listing.js'
import { readScripts } from '../../src/engine/system.js'
import { readTar } from '../../src/formats/tar.js'
import type { CollectOptions } from '../../src/model/collector.js'
import type { NodeTriageDocument } from '../../src/model/node-triage-document.js'
import type { Registry } from '../../src/model/ports/registry.js'
import type { Target } from '../../src/model/target.js'
import { collectContext, targetOf } from './collect-context.js'
import { localNode } from './local-node.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const collector = createNodeTriageCollector((await readScripts()).nodeTriage)
const OLD = new Date('2020-01-01T00:00:00Z')
const SANDBOX = 'a'.repeat(64)
const KNOWN = 'b'.repeat(64)
const STRANGER = 'c'.repeat(64)

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'impound-triage-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function put(path: string, content: string): void {
  const at = join(root, 'host', path)
  mkdirSync(dirname(at), { recursive: true })
  writeFileSync(at, content)
}

const base = targetOf({ name: 'app', image: 'x', imageID: 'y' })
const target: Target = {
  ...base,
  pod: { ...base.pod, metadata: { ...base.pod.metadata, creationTimestamp: new Date().toISOString() } },
}

async function collect(options: Partial<CollectOptions> = {}): Promise<MemorySink> {
  const sink = new MemorySink()
  mkdirSync(join(root, 'proc'), { recursive: true })
  const nodePods = localNode({ host: join(root, 'host'), env: { IMPOUND_PROC: join(root, 'proc') } })
  const context = collectContext({
    sink,
    nodePods,
    registry: undefined as unknown as Registry,
    options: { allow: new Set(['node']), ...options },
    node: { spec: { providerID: 'aws:///eu-west-1a/i-0123456789abcdef0' } },
  })
  const pods = {
    items: [
      {
        metadata: { uid: 'uid-1' },
        status: { containerStatuses: [{ name: 'app', containerID: `containerd://${KNOWN}` }] },
      },
    ],
  }
  const api = {
    ...context.api,
    list: () => Promise.resolve([{ artefact: 'api/0002.json', response: {} as never, json: pods as never }]),
  }
  await collector.collect({ ...context, api }, target, sink)
  return sink
}

function state(id: string, annotations: Record<string, string>): void {
  const path = `run/containerd/io.containerd.runtime.v2.task/k8s.io/${id}/config.json`
  put(path, JSON.stringify({ annotations }))
}

async function inTar(sink: MemorySink): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const source = async function* (bytes: Buffer) {
    yield await Promise.resolve(bytes)
  }
  for (const [name, bytes] of sink.files) {
    if (!name.endsWith('.tar')) continue
    for await (const { header, content } of readTar(source(bytes))) {
      const pieces: Buffer[] = []
      for await (const piece of content) pieces.push(Buffer.from(piece))
      found.set(header.path.toString('utf8'), Buffer.concat(pieces).toString('utf8'))
    }
  }
  return found
}

describe('the triage of a node', () => {
  it('takes what is there, says what is not, and follows no symlink', async () => {
    put('etc/kubernetes/manifests/evil.yaml', 'kind: Pod\n')
    put('etc/cron.d/job', '* * * * * root /tmp/x\n')
    put('etc/passwd', 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n')
    put('root/.ssh/authorized_keys', 'ssh-ed25519 AAAA root\n')
    put('home/ann/.ssh/authorized_keys2', 'ssh-ed25519 AAAA ann\n')
    put('etc/systemd/system/new.service', '[Service]\n')
    put('secret', 'not to be read\n')
    symlinkSync('/secret', join(root, 'host/etc/cron.d/link'))
    put('data/log/journal/0123/system.journal', 'LPKSHHRH')
    put('data/log/syslog', 'line\n')
    mkdirSync(join(root, 'host/var'), { recursive: true })
    symlinkSync('/data/log', join(root, 'host/var/log'))
    const sink = await collect()
    const document = sink.json('node-triage.json') as NodeTriageDocument
    expect(objections('node-triage.v1', document)).toEqual([])
    expect(document.files.map(({ kind, path, kept, link }) => [kind, path, kept, link])).toEqual(
      [
        ['static-pod', '/etc/kubernetes/manifests/evil.yaml', 'whole', undefined],
        ['ssh-keys', '/home/ann/.ssh/authorized_keys2', 'whole', undefined],
        ['ssh-keys', '/root/.ssh/authorized_keys', 'whole', undefined],
        ['cron', '/etc/cron.d/link', 'no', '/secret'],
        ['cron', '/etc/cron.d/job', 'whole', undefined],
        ['systemd-unit', '/etc/systemd/system/new.service', 'whole', undefined],
        ['journal', '/data/log/journal/0123/system.journal', 'whole', undefined],
        ['node-log', '/data/log/syslog', 'whole', undefined],
      ].map((row) => expect.arrayContaining(row)),
    )
    expect(document.absent).toEqual(['preload', 'kubelet-config', 'container'])
    const tar = await inTar(sink)
    expect(tar.get('./root/.ssh/authorized_keys')).toBe('ssh-ed25519 AAAA root\n')
    expect([...tar.values()].join('')).not.toContain('not to be read')
    expect(document.diskSnapshot).toMatchObject({ provider: 'AWS' })
  })

  it('leaves out units and logs that are older than the pod', async () => {
    put('var/log/syslog', 'line\n')
    // a change time can't be set back: the pod is of tomorrow instead
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString()
    utimesSync(join(root, 'host/var/log/syslog'), OLD, OLD)
    Object.assign(target.pod.metadata!, { creationTimestamp: tomorrow })
    const document = (await collect()).json('node-triage.json') as NodeTriageDocument
    expect(document.files).toEqual([])
    Object.assign(target.pod.metadata!, { creationTimestamp: new Date().toISOString() })
  })

  it('names the containers of the runtime, and which of them no pod of the API explains', async () => {
    state(SANDBOX, {
      'io.kubernetes.cri.container-type': 'sandbox',
      'io.kubernetes.cri.sandbox-uid': 'uid-1',
    })
    state(KNOWN, {
      'io.kubernetes.cri.container-type': 'container',
      'io.kubernetes.cri.sandbox-uid': 'uid-1',
    })
    mkdirSync(join(root, 'proc/7'), { recursive: true })
    writeFileSync(join(root, 'proc/7/cgroup'), `0::/kubepods/besteffort/pod1/${KNOWN}\n`)
    mkdirSync(join(root, 'proc/8'), { recursive: true })
    writeFileSync(join(root, 'proc/8/cgroup'), `0::/system.slice/docker-${STRANGER}.scope\n`)
    const document = (await collect()).json('node-triage.json') as NodeTriageDocument
    expect(document.containers.map(({ id, type, processes, inApi }) => [id, type, processes, inApi])).toEqual(
      [
        [SANDBOX, 'sandbox', 0, true],
        [KNOWN, 'container', 1, true],
        [STRANGER, undefined, 1, false],
      ],
    )
  })

  it('finds the state of a containerd that has it elsewhere, by what is mounted', async () => {
    const path = `data/state/io.containerd.runtime.v2.task/k8s.io/${KNOWN}`
    put(`${path}/config.json`, JSON.stringify({ annotations: { 'io.kubernetes.cri.sandbox-name': 'web' } }))
    mkdirSync(join(root, 'proc/1'), { recursive: true })
    writeFileSync(join(root, 'proc/1/mountinfo'), `77 27 0:61 / /${path}/rootfs rw - overlay overlay rw\n`)
    const document = (await collect()).json('node-triage.json') as NodeTriageDocument
    expect(document.containers).toMatchObject([{ id: KNOWN, state: `/${path}/config.json`, podName: 'web' }])
  })

  it('takes nothing that does not fit, and says so', async () => {
    put('etc/crontab', 'x'.repeat(5000))
    const document = (await collect({ maxContentBytes: 1000 })).json('node-triage.json') as NodeTriageDocument
    expect(document.files).toMatchObject([{ path: '/etc/crontab', kept: 'no', reason: 'too-big' }])
  })

  it('is not taken where the node may not be looked at', async () => {
    const sink = await collect({ allow: new Set() })
    expect(sink.rows).toMatchObject([{ subject: 'node-triage', status: 'skipped', reason: 'not-allowed' }])
  })
})

describe('what a node says in its triage', () => {
  it('is read or refused, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const outcome = await parseTriageListing(Buffer.from(bytes)).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: expect.any(String) })
        expect(containerFrom(KNOWN, '/x', Buffer.from(bytes)).id).toBe(KNOWN)
      }),
    )
  })

  it.each([
    [`/run/containerd/io.containerd.runtime.v2.task/k8s.io/${KNOWN}/config.json`, KNOWN],
    [`/var/lib/docker/containers/${KNOWN}/config.v2.json`, KNOWN],
    [`/run/containers/storage/overlay-containers/${KNOWN}/userdata/config.json`, KNOWN],
    ['/var/lib/docker/containers/x/config.v2.json', undefined],
  ])('%s is of a container', (path, id) => {
    expect(idOfState(path)).toBe(id)
  })
})

describe('the command for snapshots of the disks', () => {
  it.each([
    ['aws:///eu-west-1a/i-0123456789abcdef0', 'AWS', 'aws ec2 create-snapshots --region eu-west-1 '],
    ['gce://project-1/europe-west1-b/node-1', 'GCE', 'gcloud compute instances describe node-1 '],
    [
      'azure:///subscriptions/s-1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1',
      'Azure',
      'az vm show --ids /subscriptions/s-1/',
    ],
    [
      'azure:///subscriptions/s-1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/set/virtualMachines/3',
      'Azure',
      'az vmss show --subscription s-1 ',
    ],
    ['openstack:///0a1b', 'OpenStack', 'openstack server image create '],
    ['hcloud://123', 'Hetzner Cloud', 'hcloud server create-image '],
    ['digitalocean://123', 'DigitalOcean', 'doctl compute droplet-action snapshot 123 '],
  ])('is found from %s', (id, provider, command) => {
    const found = diskSnapshot(id, 'web')
    expect(found?.provider).toBe(provider)
    expect(found?.commands[0]?.startsWith(command)).toBe(true)
  })

  it.each(['aws:///eu-west-1a/i-1; rm -rf /', 'gce://p/z/$(id)', 'azure:///x', 'kind://docker/x/y'])(
    'has nothing of %s in it',
    (id) => {
      expect(diskSnapshot(id, 'web')).toMatchObject({ provider: 'unknown', commands: [] })
    },
  )
})
