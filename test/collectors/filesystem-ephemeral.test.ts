import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { createFilesystemCollector } from '../../src/collectors/filesystem.js'
import { readScripts, systemClock } from '../../src/engine/system.js'
import { resolveTargets } from '../../src/engine/targets.js'
import { EphemeralSet } from '../../src/ephemeral/index.js'
import { connect, type KubeConnection } from '../../src/kube/connect.js'
import { type Lab, startLab } from '../../src/lab/lab.js'
import type { Allowance } from '../../src/model/collector.js'
import type { WriteIntent } from '../../src/model/acquisition.js'
import type { DiffEntry, FilesystemSummary } from '../../src/model/filesystem-documents.js'
import { at } from '../../src/model/json.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { collectContext, LINUX_NODE } from './collect-context.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

/** The filesystem collector on the lab's suspect, with containers of ours beside it, over the real connection. */
class Beside {
  readonly sink = new MemorySink()
  readonly intents: WriteIntent[] = []
  readonly notices: string[] = []

  async collect(
    lab: Lab,
    kube: KubeConnection,
    allow: readonly Allowance[],
    { paranoid = false, run: name = '20261122T030033Z-1f3a9c02' } = {},
  ): Promise<EphemeralSet> {
    const signal = new AbortController().signal
    const { name: suspect, namespace } = lab.suspect
    const [target] = await resolveTargets(kube.reader, { names: [suspect], namespace }, signal)
    const journal = {
      intent: (intent: WriteIntent) => Promise.resolve(void this.intents.push(intent)),
      result: () => Promise.resolve(),
    }
    const means = {
      kube: kube.reader,
      writer: kube.writer(journal),
      exec: kube.exec,
      notice: (text: string) => void this.notices.push(text),
    }
    const run = { clock: systemClock, random: randomBytes, signal }
    const ephemerals = new EphemeralSet(target!, 'registry.example/tools:1', name, means, run)
    const context = collectContext({
      sink: this.sink,
      exec: kube.exec,
      ephemerals,
      node: LINUX_NODE,
      options: { allow: new Set(allow), paranoid },
      registry: createRegistry({
        policy: parseRegistryPolicy([`${lab.registry.host}=${lab.registry.url}`]),
        timeoutMs: 5000,
        notice: () => undefined,
      }),
    })
    await createFilesystemCollector(await readScripts(), tmpdir()).collect(context, target!, this.sink)
    return ephemerals
  }

  summary(container: string): FilesystemSummary {
    const summary = this.sink.json(`filesystem/${container}/summary.json`) as FilesystemSummary
    expect(objections('filesystem-summary.v1', summary)).toEqual([])
    return summary
  }

  told(): readonly string[] {
    const entries = this.sink.lines('filesystem/app/diff.jsonl') as DiffEntry[]
    expect(entries.flatMap((entry) => objections('diff-entry.v1', entry))).toEqual([])
    return entries
      .filter(({ class: ofClass }) => ofClass === 'user')
      .map(({ change, path, changed, content }) => [change, path, ...changed, content].join(' '))
  }
}

function connected(lab: Lab): Promise<KubeConnection> {
  return connect({
    kubeconfig: lab.kubeconfig,
    asGroups: [],
    requestTimeoutMs: 5000,
    clock: systemClock,
    random: randomBytes,
    notice: () => undefined,
  })
}

describe('the suspect of the lab, read from an ephemeral container', () => {
  let lab: Lab
  let kube: KubeConnection
  const [own, beside] = [new Beside(), new Beside()]
  let set: EphemeralSet
  beforeAll(async () => {
    lab = await startLab({ pace: { react: 5, start: 20 } })
    kube = await connected(lab)
    await own.collect(lab, kube, ['exec'])
    set = await beside.collect(lab, kube, ['exec', 'ephemeral'])
  })
  afterAll(async () => {
    await kube.close()
    await lab.close()
  })
  const pod = (): unknown => lab.objects.get('pods', lab.suspect.namespace, lab.suspect.name)

  it('tells what its own tar told, though it read only what changed since the container started', () => {
    expect(beside.told()).toContain('deleted /var/log/app/audit.log ')
    expect(beside.told()).toEqual(own.told())
    const { capture, method, trust } = beside.summary('app')
    expect([method, trust, capture.complete]).toEqual(['ephemeral', 'merged-view', true])
    expect(capture.unread).toBeGreaterThan(5)
    expect(capture.bytes).toBeLessThan(own.summary('app').capture.bytes / 2)
  })

  it('reads a container that has no shell', () => {
    expect(own.sink.files.has('filesystem/log-shipper/summary.json')).toBe(false)
    expect(beside.summary('log-shipper')).toMatchObject({ method: 'ephemeral', capture: { complete: true } })
  })

  it('says that it stays, and as whom it read', () => {
    const { disturbance, ephemeral, degraded } = beside.summary('app')
    expect(ephemeral).toEqual({
      container: 'impound-1f3a9c02-0',
      image: 'registry.example/tools:1',
      user: 'as-target',
    })
    expect(disturbance[0]).toContain("it stays in the pod's spec")
    // the namespace enforces baseline: SYS_PTRACE is not admitted
    expect(degraded.join('\n')).toContain("as the target's own user")
    expect(degraded.join('\n')).toMatch(/\d+ files were not read, .* ctime of before the container started/)
  })

  it('adds one beside each running container, for this very pod, with a journalled write', () => {
    expect(at(pod(), 'spec', 'ephemeralContainers')).toMatchObject([
      { name: 'impound-1f3a9c02-0', targetContainerName: 'app' },
      { name: 'impound-1f3a9c02-1', targetContainerName: 'log-shipper' },
    ])
    expect(beside.intents.map(({ action, step }) => `${action} ${step}`)).toEqual([
      'ephemeral add',
      'ephemeral add',
    ])
    expect(at(beside.intents[0], 'body', '0')).toEqual({
      op: 'test',
      path: '/metadata/uid',
      value: lab.suspect.uid,
    })
  })

  it('ends their programs with the run, as their status then says', async () => {
    await set.close()
    expect(at(pod(), 'status', 'ephemeralContainerStatuses')).toMatchObject([
      { state: { terminated: { exitCode: 0 } } },
      { state: { terminated: { exitCode: 0 } } },
    ])
  })

  it('reads every file with --paranoid, and tells the same', async () => {
    const all = new Beside()
    const another = await all.collect(lab, kube, ['ephemeral'], {
      paranoid: true,
      run: '20261122T030133Z-2a3a9c02',
    })
    await another.close()
    expect(all.told()).toEqual(own.told())
    expect(all.summary('app').capture).toMatchObject({
      complete: true,
      entries: own.summary('app').capture.entries,
    })
    expect(all.summary('app').capture.unread).toBeUndefined()
  })
})

describe('where no ephemeral container can be had', () => {
  it('goes down to the container’s own tools only if that was allowed', async () => {
    const lab = await startLab({ version: '1.20', pace: { react: 5, start: 20 } })
    const kube = await connected(lab)
    try {
      const [down, stays] = [new Beside(), new Beside()]
      await down.collect(lab, kube, ['exec', 'ephemeral'])
      await stays.collect(lab, kube, ['ephemeral'])
      expect(down.summary('app')).toMatchObject({
        method: 'exec',
        passedOver: [{ method: 'ephemeral', why: expect.stringContaining('no ephemeral containers') }],
      })
      expect(stays.sink.row('filesystem app')).toMatchObject({ status: 'failed', reason: 'unsupported' })
      expect(stays.sink.files.has('filesystem/app/summary.json')).toBe(false)
      expect(down.intents).toEqual([])
    } finally {
      await kube.close()
      await lab.close()
    }
  })
})

describe('where Pod Security is at its most open', () => {
  it('reads as root with SYS_PTRACE: every file, and out of the reach of lesser users', async () => {
    const lab = await startLab({ pace: { react: 5, start: 20 } })
    const kube = await connected(lab)
    try {
      const namespace = lab.objects.get('namespaces', undefined, lab.suspect.namespace)!
      const metadata = { ...(at(namespace, 'metadata') as object), labels: {} }
      lab.objects.put({ ...namespace, metadata })
      const beside = new Beside()
      const set = await beside.collect(lab, kube, ['ephemeral'])
      await set.close()
      expect(beside.summary('app').ephemeral).toMatchObject({ user: 'root-ptrace' })
      expect(beside.summary('app').degraded.join('\n')).not.toContain("target's own user")
      expect(at(beside.intents[0], 'body', '1', 'value', '0', 'securityContext')).toMatchObject({
        runAsUser: 0,
        runAsNonRoot: false,
        capabilities: { add: ['SYS_PTRACE'] },
      })
    } finally {
      await kube.close()
      await lab.close()
    }
  })
})
