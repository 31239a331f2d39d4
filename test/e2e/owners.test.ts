import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { RunPlan } from '../../src/engine/plan.js'
import type { ReleaseResult, RunResult } from '../../src/engine/result.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import type { ReleasePlan } from '../../src/model/release-plan.js'
import type { PodObject } from './shop.js'
import { apply, eventually, impound, kubectl, kubeJson, world } from './world.js'

/** Every kind of owner that this cluster can run, side by side: one run holds a pod of each, one run releases them. */
const namespace = `e2e-own-${randomBytes(3).toString('hex')}`
const home = mkdtempSync(join(tmpdir(), 'impound-e2e-'))
const HOST_PORT = 18_000 + (randomBytes(1)[0] ?? 0)

type Owner = 'rs' | 'rc' | 'sts' | 'ds' | 'ds-port' | 'job' | 'cron' | 'custom' | 'orphaned' | 'bare'
const OWNERS: readonly Owner[] = [
  'rs',
  'rc',
  'sts',
  'ds',
  'ds-port',
  'job',
  'cron',
  'custom',
  'orphaned',
  'bare',
]

const before = new Map<Owner, PodObject>()
const plans = new Map<Owner, QuarantinePlan>()
let held: RunResult

function metadata(name: string, more: object = {}): object {
  return { name, namespace, ...more }
}

function template(name: string, more: object = {}): object {
  return { metadata: { labels: { app: name, team: 'e2e' } }, spec: podSpec(more) }
}

function podSpec(more: object = {}): object {
  return {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'app', image: world.distrolessImage, ...more }],
  }
}

function workload(kind: string, name: string, spec: object, more: object = {}): object {
  const selector = { matchLabels: { app: name } }
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: metadata(name),
    spec: { selector, template: template(name, more), ...spec },
  }
}

function job(name: string, more: object = {}): { readonly spec: object } {
  const spec = { ...podSpec(), restartPolicy: 'Never' }
  const made = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadata(name, more),
    spec: { template: { metadata: { labels: { app: name, team: 'e2e' } }, spec } },
  }
  return made
}

function ownerOf(kind: string, name: string, apiVersion: string): object {
  const { metadata: owner } = kubeJson('get', kind, name, '-n', namespace) as { metadata: { uid: string } }
  return { apiVersion, kind, name, uid: owner.uid, controller: true }
}

function pods(owner: Owner): readonly PodObject[] {
  return podsOf(namespace).filter(
    ({ metadata: { labels, deletionTimestamp } }) =>
      labels['app'] === owner && deletionTimestamp === undefined,
  )
}

function podsOf(where: string): readonly PodObject[] {
  return (kubeJson('get', 'pods', '-n', where) as { items: PodObject[] }).items
}

function suspectOf(owner: Owner): PodObject {
  return kubeJson('get', 'pod', before.get(owner)!.metadata.name, '-n', namespace) as PodObject
}

function ready(pod: PodObject): boolean {
  return pod.status.containerStatuses?.every((container) => container.ready) ?? false
}

/** Pods that the owner has made since, by its own selector. */
function replacements(owner: Owner): Promise<readonly PodObject[]> {
  return eventually(`what replaces the pod of ${owner}`, () => {
    const found = pods(owner).filter(({ metadata: { uid } }) => uid !== before.get(owner)!.metadata.uid)
    return found.length > 0 ? found : undefined
  })
}

const NAMES = (): readonly string[] => OWNERS.map((owner) => before.get(owner)!.metadata.name)

beforeAll(async () => {
  apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const { spec: jobSpec } = job('cron')
  apply(
    workload('ReplicaSet', 'rs', { replicas: 1 }),
    {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: metadata('rc'),
      spec: { replicas: 1, selector: { app: 'rc' }, template: template('rc') },
    },
    workload('StatefulSet', 'sts', { replicas: 1, serviceName: 'sts' }),
    workload('DaemonSet', 'ds', {}),
    workload('DaemonSet', 'ds-port', {}, { ports: [{ containerPort: 80, hostPort: HOST_PORT }] }),
    job('job'),
    {
      apiVersion: 'batch/v1beta1',
      kind: 'CronJob',
      metadata: metadata('cron'),
      spec: { schedule: '0 0 1 1 *', concurrencyPolicy: 'Forbid', jobTemplate: { spec: jobSpec } },
    },
    ...['custom', 'orphaned'].map((name) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadata(name),
    })),
  )
  apply(
    job('cron', { ownerReferences: [ownerOf('CronJob', 'cron', 'batch/v1beta1')] }),
    ...['custom', 'orphaned', 'bare'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: metadata(name, {
        labels: { app: name, 'app.kubernetes.io/instance': 'e2e', 'example.com/a.b': 'x' },
        annotations: { 'example.com/note': 'left as it is' },
        ...(name === 'bare' ? {} : { ownerReferences: [ownerOf('ConfigMap', name, 'v1')] }),
      }),
      spec: podSpec(),
    })),
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: metadata('on-host', { labels: { app: 'on-host' } }),
      spec: { ...podSpec(), hostNetwork: true },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: metadata('done', { labels: { app: 'done' } }),
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'app', image: world.appImage, command: ['true'] }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: metadata('leaving', { labels: { app: 'leaving' }, finalizers: ['example.com/e2e'] }),
      spec: podSpec(),
    },
  )
  for (const owner of OWNERS) {
    const [pod] = await eventually(`the pod of ${owner}`, () => {
      const found = pods(owner)
      return found.length > 0 && found.every(ready) ? found : undefined
    })
    before.set(owner, pod!)
  }
  const args = [...NAMES(), '-n', namespace, '--case', 'E2E-OWN', '--detach-owner', '--max-pods', '20']
  const dry = JSON.parse(
    (await impound(['quarantine', ...args, '--dry-run', '--json'], { home })).stdout,
  ) as RunPlan
  for (const owner of OWNERS) {
    plans.set(owner, dry.targets.find(({ uid }) => uid === before.get(owner)!.metadata.uid)!.quarantine!)
  }
  const ran = await impound(['quarantine', ...args, '--yes', '--json'], { home })
  held = JSON.parse(ran.stdout) as RunResult
})

afterAll(() => {
  try {
    kubectl(
      'patch',
      'pod',
      'leaving',
      '-n',
      namespace,
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    )
  } catch {
    // it is gone where its finalizer never held it
  }
  kubectl('delete', 'namespace', namespace, '--wait=false')
  rmSync(home, { recursive: true, force: true })
})

describe('a pod of each kind of owner, held', () => {
  it('is cut off, whole, by one run', () => {
    expect(held.exitStatus).toBe(7)
    expect(held.targets).toHaveLength(OWNERS.length)
    for (const { name, containment } of held.targets) {
      expect([name, containment?.error, containment?.verdict?.kind]).toEqual([name, undefined, 'unverified'])
    }
  })

  it.each(OWNERS)('has lost every label and its controller: %s', (owner) => {
    const { metadata: now } = suspectOf(owner)
    const { uid } = before.get(owner)!.metadata
    expect(now.uid).toBe(uid)
    expect(now.labels).toEqual({ 'impound.dev/quarantine': uid.slice(0, 8) })
    expect(now.ownerReferences ?? []).toEqual([])
  })

  it.each<[Owner, string]>([
    ['rs', 'starts a replacement'],
    ['rc', 'starts a replacement'],
    ['ds', 'starts a second one on the node'],
    ['job', 'starts a replacement'],
    ['cron', 'starts a replacement; CronJob cron starts no other Job while this one runs'],
  ])('is replaced where the plan says so: %s', async (owner, says) => {
    expect(plans.get(owner)!.owner.onQuarantine).toContain(says)
    const [fresh] = await replacements(owner)
    expect(fresh?.metadata.ownerReferences?.some(({ controller }) => controller === true)).toBe(true)
  })

  it('of a StatefulSet keeps its name to itself, and the later ones wait', async () => {
    expect(plans.get('sts')!.owner.onQuarantine).toContain(
      'can not create one of the same name while it lives; with OrderedReady the later ones wait too',
    )
    kubectl('scale', 'statefulset', 'sts', '-n', namespace, '--replicas=2')
    await eventually('the StatefulSet to fail', () => {
      const events = kubectl(
        'get',
        'events',
        '-n',
        namespace,
        '--field-selector',
        'reason=FailedCreate',
        '-o',
        'name',
      )
      return events.includes('sts') ? true : undefined
    })
    expect(pods('sts')).toEqual([])
  })

  it('of a DaemonSet with a host port leaves the next one Pending', async () => {
    expect(plans.get('ds-port')!.owner.onQuarantine).toContain(
      `stays Pending, for the suspect holds host port ${HOST_PORT}`,
    )
    const [fresh] = await replacements('ds-port')
    const status = await eventually('the scheduler to refuse it', () => {
      const { status: now } = kubeJson('get', 'pod', fresh!.metadata.name, '-n', namespace) as {
        status: { phase: string; conditions?: readonly { type: string; status: string; message?: string }[] }
      }
      return now.conditions?.some(({ type, status: is }) => type === 'PodScheduled' && is === 'False') ===
        true
        ? now
        : undefined
    })
    expect(status.phase).toBe('Pending')
    expect(JSON.stringify(status.conditions)).toContain('ports')
  })

  it('of nobody’s own kind is detached, and outlives the owner', async () => {
    for (const owner of ['custom', 'orphaned'] as const) {
      expect(plans.get(owner)!.owner.onQuarantine).toContain('not known')
      expect(plans.get(owner)!.actions.flatMap(({ changes }) => changes)).toContain(
        `- ownerReference ConfigMap ${owner} of the pod`,
      )
    }
    kubectl('delete', 'configmap', 'orphaned', '-n', namespace)
    // what the garbage collector would take, it takes with the pods of a ReplicaSet that goes at the same time
    apply(workload('ReplicaSet', 'marker', { replicas: 1 }))
    const marker = await eventually('a pod to be collected', () =>
      podsOf(namespace).find(({ metadata: { labels } }) => labels['app'] === 'marker'),
    )
    kubectl('delete', 'replicaset', 'marker', '-n', namespace)
    await eventually('the garbage collector', () => {
      const now = podsOf(namespace).find(({ metadata: { uid } }) => uid === marker.metadata.uid)
      return now === undefined || now.metadata.deletionTimestamp !== undefined ? true : undefined
    })
    expect(suspectOf('orphaned').metadata.deletionTimestamp).toBeUndefined()
    expect(suspectOf('orphaned').metadata.uid).toBe(before.get('orphaned')!.metadata.uid)
  })
})

describe('a pod that no policy can hold', () => {
  it('is refused with the reason, by the plan alone', async () => {
    await eventually('the pod that is done', () => {
      const { status } = kubeJson('get', 'pod', 'done', '-n', namespace) as { status: { phase: string } }
      return status.phase === 'Succeeded' ? true : undefined
    })
    kubectl('delete', 'pod', 'leaving', '-n', namespace, '--wait=false')
    // the API's side of a static pod: no kubelet gets to see this one
    apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: metadata('static', {
        labels: { app: 'static' },
        annotations: { 'kubernetes.io/config.mirror': 'e2e' },
      }),
      spec: { ...podSpec(), nodeName: 'e2e-none', automountServiceAccountToken: false },
    })
    const names = ['on-host', 'done', 'leaving', 'static']
    const ran = await impound(
      ['quarantine', ...names, '-n', namespace, '--max-pods', '9', '--dry-run', '--json'],
      { home },
    )
    expect(ran.status).toBe(9)
    const { targets } = JSON.parse(ran.stdout) as RunPlan
    const codes = targets.map(({ name, quarantine }) => [name, quarantine?.refusals[0]?.code])
    expect(Object.fromEntries(codes)).toEqual({
      'on-host': 'host-network',
      done: 'completed',
      leaving: 'terminating',
      static: 'static-pod',
    })
  })
})

describe('a pod of each kind of owner, released', () => {
  let planned: readonly ReleasePlan[]

  beforeAll(async () => {
    for (const owner of ['rs', 'rc', 'ds', 'job', 'cron'] as const) {
      await eventually(`the replacement of ${owner} to be ready`, () =>
        pods(owner).every(ready) ? true : undefined,
      )
    }
    const args = ['release', ...NAMES(), '-n', namespace]
    const dry = await impound([...args, '--dry-run', '--json'], { home })
    planned = (JSON.parse(dry.stdout) as { plans: readonly ReleasePlan[] }).plans
    const ran = await impound([...args, '--yes', '--json'], { home })
    const { targets } = JSON.parse(ran.stdout) as ReleaseResult
    const left = targets.flatMap(({ report }) => report.left)
    expect(left).toEqual([expect.stringContaining('ownerReference ConfigMap orphaned is not put back')])
  })

  it.each(OWNERS)('has every label and annotation back: %s', (owner) => {
    const was = before.get(owner)!
    const now = suspectOf(owner)
    expect(now.metadata.uid).toBe(was.metadata.uid)
    expect(now.metadata.labels).toEqual(was.metadata.labels)
    expect(now.metadata.annotations ?? {}).toEqual(was.metadata.annotations ?? {})
    expect(now.spec).toEqual(was.spec)
  })

  it.each<Owner>(['rs', 'rc', 'ds', 'ds-port', 'job', 'cron'])(
    'is adopted again, and the pod that the plan named goes: %s',
    async (owner) => {
      const { uid } = before.get(owner)!.metadata
      const { adoption } = planned.find(({ target }) => target.uid === uid)!
      expect(adoption.suspectDies).toBe(false)
      expect(adoption.dies).toHaveLength(1)
      await eventually(`one pod of ${owner}`, () => {
        const now = pods(owner)
        return now.length === 1 && now[0]?.metadata.uid === uid ? true : undefined
      })
      expect(pods(owner).map(({ metadata: now }) => now.uid)).not.toContain(adoption.dies[0]?.uid)
      expect(suspectOf(owner).metadata.ownerReferences).toHaveLength(1)
    },
  )

  it('of a StatefulSet is adopted, nothing dies, and the next one comes', async () => {
    const { adoption } = planned.find(({ target }) => target.uid === before.get('sts')!.metadata.uid)!
    expect(adoption).toMatchObject({ dies: [], suspectDies: false })
    await eventually('both pods of the StatefulSet', () => (pods('sts').length === 2 ? true : undefined))
    expect(pods('sts').map(({ metadata: { uid } }) => uid)).toContain(before.get('sts')!.metadata.uid)
  })

  it('has its owner back, unless that is gone', () => {
    expect(suspectOf('custom').metadata.ownerReferences).toEqual(
      before.get('custom')!.metadata.ownerReferences,
    )
    expect(suspectOf('orphaned').metadata.ownerReferences ?? []).toEqual([])
  })
})
