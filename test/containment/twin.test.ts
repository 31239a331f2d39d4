import { randomBytes } from 'node:crypto'

import { afterEach, describe, expect, it } from '@jest/globals'

import {
  actions,
  createContainment,
  entriesFromAnnotation,
  heldPods,
  standingBeside,
} from '../../src/containment/index.js'
import type { QuarantineOptions } from '../../src/containment/options.js'
import { connect, type KubeConnection } from '../../src/kube/connect.js'
import type { AdmissionRule } from '../../src/lab/admission/admission.js'
import { startLab, type Lab, type LabOptions } from '../../src/lab/lab.js'
import type { JournalEntry, Verdict, WriteContext } from '../../src/model/containment.js'
import { ImpoundError } from '../../src/model/errors.js'
import { at } from '../../src/model/json.js'
import type { NetworkPolicy, Pod } from '../../src/model/kubernetes.js'
import type { Clock } from '../../src/model/ports/run-context.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import { Crash } from './memory-api.js'
import { OPTIONS } from './shop.js'

const RUN = '20261122T030033Z-1f3a9c02'
const TWIN: NonNullable<QuarantineOptions['twin']> = {
  image: 'registry.example/debian:1',
  run: RUN,
  owner: { who: 'ana@corp', host: 'laptop', pid: 47 },
  isAlive: () => true,
}

/** Pauses are short, and the deadlines count them. */
const CLOCK: Clock = {
  now: () => new Date(),
  monotonic: () => 0,
  sleep: async (_ms, signal) => {
    signal.throwIfAborted()
    await new Promise((done) => setTimeout(done, 5))
    signal.throwIfAborted()
  },
}

/** A suspect in the lab's shop, and what this machine has written down. */
class Scene {
  readonly journal: JournalEntry[] = []
  readonly lab: Lab
  readonly #kube: KubeConnection
  #interrupt = new AbortController()
  /** Told of each write for the twin before it is sent. */
  before: (step: string, method: string) => void = () => undefined

  private constructor(lab: Lab, kube: KubeConnection) {
    this.lab = lab
    this.#kube = kube
  }

  static async open(options: LabOptions = {}, kubeconfig?: (lab: Lab) => Promise<string>): Promise<Scene> {
    const lab = await startLab({ enforcePolicies: true, pace: { react: 1, start: 5 }, ...options })
    const kube = await connect({
      kubeconfig: (await kubeconfig?.(lab)) ?? lab.kubeconfig,
      requestTimeoutMs: 10_000,
      clock: CLOCK,
      random: randomBytes,
      notice: () => undefined,
    })
    return new Scene(lab, kube)
  }

  async close(): Promise<void> {
    await this.#kube.close()
    await this.lab.close()
  }

  interrupt(): void {
    this.#interrupt.abort(new ImpoundError('aborted', 'interrupted'))
  }

  context(): WriteContext {
    const run = { clock: CLOCK, random: randomBytes, signal: this.#interrupt.signal }
    const nodePods = { on: () => Promise.reject(new ImpoundError('refused', 'no pod on a node is allowed')) }
    const writer = this.#kube.writer({
      intent: (intent) => {
        if (intent.action === 'twin') this.before(intent.step, intent.method)
        this.journal.push({ intent })
        return Promise.resolve()
      },
      result: (outcome) => {
        const index = this.journal.findIndex(({ intent }) => intent.id === outcome.id)
        this.journal[index] = { ...this.journal[index]!, outcome }
        return Promise.resolve()
      },
    })
    return { run, kube: this.#kube.reader, writer, nodePods }
  }

  get suspect(): Pod {
    const { namespace, name } = this.lab.suspect
    return this.lab.objects.get('pods', namespace, name) as unknown as Pod
  }

  plan(options: Partial<QuarantineOptions> = {}): Promise<QuarantinePlan> {
    const target = { ...this.lab.suspect, pod: this.suspect }
    return createContainment({ ...OPTIONS, twin: TWIN, ...options }).plan(this.context(), target)
  }

  async verdict(options: Partial<QuarantineOptions> = {}): Promise<Verdict> {
    const containment = createContainment({ ...OPTIONS, twin: TWIN, ...options })
    const plan = await this.plan(options)
    await containment.apply(this.context(), plan)
    return containment.verify(this.context(), plan)
  }

  release(entries: readonly JournalEntry[] = this.journal) {
    this.#interrupt = new AbortController()
    return createContainment(OPTIONS).undo(this.context(), entries)
  }

  twins(): readonly string[] {
    return this.lab.objects
      .list('pods')
      .filter((pod) => at(pod, 'metadata', 'labels', 'impound.dev/twin') !== undefined)
      .map((pod) => String(at(pod, 'metadata', 'name')))
  }

  steps(): readonly string[] {
    return this.journal.filter(({ intent }) => intent.action === 'twin').map(({ intent }) => intent.step)
  }
}

let scene: Scene

afterEach(() => scene.close())

/** A plugin of which it is known that it cuts open connections too. */
function withCilium({ lab }: Scene): void {
  lab.objects.put({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'cilium', namespace: 'kube-system', uid: 'c1111111-1111-4111-8111-111111111111' },
    spec: { selector: {}, template: { spec: { containers: [{ name: 'cilium-agent' }] } } },
    status: { desiredNumberScheduled: 2, numberReady: 2 },
  })
  lab.objects.put({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'cilium-config',
      namespace: 'kube-system',
      uid: 'c2222222-1111-4111-8111-111111111111',
    },
    data: {},
  })
}

/** Policies of the shop: without the one that lets its pods talk to each other, nothing but the deny-all selects the suspect. */
async function open(options: LabOptions = {}, kubeconfig?: (lab: Lab) => Promise<string>): Promise<Scene> {
  scene = await Scene.open(options, kubeconfig)
  scene.lab.objects.delete('networkpolicies.networking.k8s.io', 'shop', 'allow-same-namespace')
  return scene
}

async function nothingIsLeft(): Promise<void> {
  await scene.lab.settled()
  expect(scene.twins()).toEqual([])
}

const WRITES = ['create', 'create', 'tell', 'tell', 'label', 'delete', 'delete']

describe('what a canary twin in the lab says', () => {
  it('is enforced where what it reached before the label it reaches no more, nor anybody it', async () => {
    await open()
    withCilium(scene)
    const verdict = await scene.verdict()
    expect(verdict).toMatchObject({
      kind: 'enforced',
      means: 'twin',
      why: 'tried by a twin of the pod, blocked: api, metadata, peer, inbound',
    })
    expect(verdict.tried.join('\n')).toMatch(
      /tried inbound [0-9.]+:61000: with the label a twin gets no answer; before it, it connects/,
    )
    expect(verdict.tried.join('\n')).toMatch(
      /a twin, pod shop\/impound-twin-[0-9a-f]{8} on .*; removed \(checked\)/,
    )
    expect([...scene.steps()].sort()).toEqual([...WRITES].sort())
    await nothingIsLeft()
  })

  it('is partial where nobody has seen what becomes of the connections that the suspect has', async () => {
    await open()
    const verdict = await scene.verdict()
    expect(verdict).toMatchObject({ kind: 'partial', means: 'twin' })
    expect(verdict.why).toMatch(/those of the suspect that were open go on was not seen/)
  })

  it('is not-enforced where nothing acts on policies, with what still comes about', async () => {
    await open({ enforcePolicies: false })
    const verdict = await scene.verdict()
    expect(verdict).toMatchObject({ kind: 'not-enforced', means: 'twin' })
    expect(verdict.why).toBe(
      'tried by a twin of the pod, these still come about: api, metadata, peer, inbound',
    )
    expect(verdict.open.join('\n')).toMatch(/inbound [0-9.]+:61000: still comes about/)
    await nothingIsLeft()
  })

  it('is not-enforced by a policy that selects the labels that stay, as it would let the suspect through', async () => {
    scene = await Scene.open()
    const verdict = await scene.verdict()
    expect(verdict.why).toBe('tried by a twin of the pod, these still come about: peer, inbound')
  })

  it('is unverified where it reached nothing before: failing to connect proves nothing', async () => {
    await open()
    scene.lab.objects.put({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'nobody', namespace: 'shop', uid: 'n1111111-1111-4111-8111-111111111111' },
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
    })
    const verdict = await scene.verdict()
    expect(verdict).toMatchObject({ kind: 'unverified', means: 'api' })
    expect(verdict.why).toMatch(
      /the twin reached nothing, and nothing reached it, before it had the quarantine label/,
    )
    expect(scene.steps()).not.toContain('label')
    await nothingIsLeft()
  })
})

describe('the pod that a canary twin is', () => {
  it('is admitted by Pod Security at its level restricted, has no token, and is never ready nor adopted', async () => {
    await open()
    const namespace = scene.lab.objects.get('namespaces', undefined, 'shop')!
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    scene.lab.objects.put({ ...namespace, metadata: { ...(namespace.metadata as object), labels } })
    let seen: object | undefined
    scene.before = (step) => {
      if (step !== 'label') return
      const [name] = scene.twins().filter((one) => !one.endsWith('-caller'))
      seen = scene.lab.objects.get('pods', 'shop', name!)
    }
    await scene.verdict({ keepLabels: ['app', 'tier'] })
    const kept = { app: 'web', tier: 'frontend' }
    expect(at(seen, 'metadata', 'labels')).toMatchObject({
      app: kept.app,
      'impound.dev/twin': expect.any(String),
    })
    expect(at(seen, 'metadata', 'labels', 'pod-template-hash')).toBeUndefined()
    expect(at(seen, 'spec', 'automountServiceAccountToken')).toBe(false)
    expect(at(seen, 'spec', 'nodeName')).toBe(scene.suspect.spec?.nodeName)
    expect(at(seen, 'metadata', 'ownerReferences')).toMatchObject([
      { kind: 'Pod', uid: scene.lab.suspect.uid },
    ])
    const ready = (at(seen, 'status', 'conditions') as { type: string; status: string }[]).find(
      ({ type }) => type === 'Ready',
    )
    expect(ready?.status).toBe('False')
    // its Service goes by a label that stays, and has other pods
    const slices = JSON.stringify(scene.lab.objects.list('endpointslices.discovery.k8s.io', 'shop'))
    expect(slices).not.toContain('impound-twin')
  })

  it('is refused where a Service that publishes what is not ready selects the labels that stay', async () => {
    await open()
    const service = scene.lab.objects.get('services', 'shop', 'web')!
    scene.lab.objects.put({
      ...service,
      spec: { ...(service.spec as object), publishNotReadyAddresses: true },
    })
    const verdict = await scene.verdict({ keepLabels: ['app', 'tier'] })
    expect(verdict).toMatchObject({ kind: 'unverified' })
    expect(verdict.why).toMatch(/Service web selects the labels that stay/)
    expect(scene.steps()).toEqual([])
  })
})

describe('a canary twin that can not be had', () => {
  it.each<[string, AdmissionRule['effect'], RegExp]>([
    ['by a webhook', { kind: 'webhook-denies', webhook: 'guard.example', message: 'not today' }, /not today/],
    ['by a quota', { kind: 'forbids', message: 'exceeded quota: small' }, /exceeded quota: small/],
  ])('is refused beforehand %s, and the plan says so', async (_name, effect, words) => {
    await open()
    scene.lab.admission.add({ match: { operation: 'CREATE', resource: 'pods', namespace: 'shop' }, effect })
    const plan = await scene.plan()
    expect(plan.warnings.concat(plan.actions.flatMap(({ warnings }) => warnings)).join('\n')).toMatch(words)
    const verdict = await scene.verdict()
    expect(verdict).toMatchObject({ kind: 'unverified', means: 'api' })
    expect(verdict.why).toMatch(words)
    expect(scene.steps()).toEqual([])
  })

  it('for want of a right leaves the quarantine as it is, and names the right', async () => {
    const everything = { verb: '*', group: '*', resource: '*' }
    await open({}, (lab) => {
      const rules = ['pods', 'services', 'nodes', 'configmaps', 'serviceaccounts', 'secrets', 'bindings']
      return lab.kubeconfigFor('ana', [
        ...rules.map((resource) => ({ verb: 'get', group: '', resource })),
        ...rules.map((resource) => ({ verb: 'list', group: '', resource })),
        { verb: 'patch', group: '', resource: 'pods' },
        ...['apps', 'batch', 'networking.k8s.io', 'policy', 'discovery.k8s.io'].map((group) => ({
          ...everything,
          group,
        })),
      ])
    })
    const verdict = await scene.verdict()
    expect(verdict).toMatchObject({ kind: 'unverified', means: 'api' })
    expect(verdict.why).toMatch(/no right to create pods in shop/)
    expect(scene.steps()).toEqual([])
  })

  it('is given up and removed where no kubelet takes it up', async () => {
    await open()
    const name = scene.suspect.spec!.nodeName!
    const node = scene.lab.objects.get('nodes', undefined, name)!
    const conditions = [{ type: 'Ready', status: 'Unknown' }]
    scene.lab.objects.put({ ...node, status: { ...(node.status as object), conditions } })
    const verdict = await scene.verdict()
    expect(verdict).toMatchObject({ kind: 'unverified' })
    expect(verdict.why).toMatch(/its node's kubelet has not taken it up/)
    await nothingIsLeft()
  })

  it('is given up where admission puts a container into it', async () => {
    await open()
    scene.lab.admission.add({
      match: { operation: 'CREATE', resource: 'pods', namespace: 'shop' },
      effect: {
        kind: 'webhook-patches',
        patch: [{ op: 'add', path: '/spec/containers/-', value: { name: 'istio-proxy', image: 'proxy' } }],
      },
    })
    const verdict = await scene.verdict()
    expect(verdict.why).toMatch(/admission put into it what it is to be without: istio-proxy/)
    await nothingIsLeft()
  })

  it('is left alone where somebody else made a pod of its name', async () => {
    await open()
    const name = `impound-twin-${scene.lab.suspect.uid.slice(0, 8)}`
    scene.lab.objects.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'shop', uid: 'a1111111-1111-4111-8111-111111111111' },
      spec: { nodeName: scene.suspect.spec!.nodeName!, containers: [{ name: 'app', image: 'x' }] },
      status: { phase: 'Running' },
    })
    const verdict = await scene.verdict()
    expect(verdict).toMatchObject({ kind: 'unverified' })
    expect(verdict.why).toMatch(/is there, and is not this run's/)
    await scene.lab.settled()
    expect(scene.lab.objects.get('pods', 'shop', name)).toBeDefined()
  })
})

describe('a canary twin and what befalls its run', () => {
  it('is removed when the run is interrupted', async () => {
    await open()
    scene.before = (step) => {
      if (step === 'label') scene.interrupt()
    }
    await expect(scene.verdict()).rejects.toMatchObject({ code: 'aborted' })
    await nothingIsLeft()
  })

  it.each([403, 500])('says what it could not remove where its deletion ends with %i', async (code) => {
    await open()
    scene.lab.faults.add({
      match: { server: 'api', method: 'DELETE', path: /impound-twin-[0-9a-f]+-caller/ },
      effect: { kind: 'status', code },
      times: Infinity,
    })
    const verdict = await scene.verdict()
    expect(verdict).toMatchObject({ kind: 'partial', means: 'twin' })
    expect(verdict.open.join('\n')).toMatch(
      /may still be there .*: kubectl delete pod impound-twin-[0-9a-f]+-caller -n shop/,
    )
  })

  it.each([...WRITES.slice(0, 5).keys()])(
    'at its write %i: one that the server refuses proves nothing',
    async (at) => {
      await open()
      let count = 0
      scene.before = (_step, method) => {
        if (count === at) {
          scene.lab.faults.add({
            match: { server: 'api', method, path: /impound-twin|\/pods(?:\?|$)/ },
            effect: { kind: 'status', code: 403 },
          })
        }
        count += 1
      }
      expect(await scene.verdict()).toMatchObject({ kind: 'unverified', means: 'api' })
      await nothingIsLeft()
    },
  )

  it.each([...WRITES.keys()])('at its write %i: an answer that is lost changes nothing', async (at) => {
    await open()
    loseAnswer(at)
    const verdict = await scene.verdict()
    expect(verdict).toMatchObject({ kind: 'partial', means: 'twin' })
    await nothingIsLeft()
  })

  it.each([...WRITES.keys()])(
    'at its write %i: what a run that dies there leaves, the next one removes, and tries by one of its own',
    async (at) => {
      await open()
      crash(at)
      await expect(scene.verdict()).rejects.toBeInstanceOf(Crash)
      scene.before = () => undefined
      const next = { ...TWIN, run: '20261122T040000Z-99999999', isAlive: () => false }
      const left = scene.twins()
      const plan = await scene.plan({ twin: next })
      expect(
        plan.actions.flatMap(({ changes }) => changes).filter((line) => /^- pod .*of the run/.test(line)),
      ).toHaveLength(left.length)
      expect(await scene.verdict({ twin: next })).toMatchObject({ kind: 'partial', means: 'twin' })
      await nothingIsLeft()
    },
  )

  it.each(['journal', 'annotation'])('what is left a release by the %s removes', async (by) => {
    await open()
    crash(4)
    await expect(scene.verdict()).rejects.toBeInstanceOf(Crash)
    scene.before = () => undefined
    expect(scene.twins()).toHaveLength(2)
    const report = await scene.release(
      by === 'journal' ? scene.journal : entriesFromAnnotation(scene.suspect),
    )
    expect(report.left).toEqual([])
    expect(report.done.filter((line) => /^- pod shop\/impound-twin-/.test(line))).toHaveLength(2)
    await nothingIsLeft()
  })
})

describe('what is held, where a run has left its twin', () => {
  it.each(['with the record', 'without it'])('is one pod, and the twin is named %s', async (how) => {
    await open()
    crash(5)
    await expect(scene.verdict()).rejects.toBeInstanceOf(Crash)
    scene.before = () => undefined
    const entries = how === 'without it' ? [] : scene.journal
    const pods = scene.lab.objects.list('pods', 'shop') as unknown as readonly Pod[]
    const policies = (): readonly NetworkPolicy[] =>
      scene.lab.objects.list('networkpolicies.networking.k8s.io', 'shop')
    const holds = heldPods({ pods, policies, entries }, ['shop'])
    expect(holds).toHaveLength(1)
    const status = await standingBeside(scene.context(), holds[0]!, entries, actions(OPTIONS))
    expect(status).toMatchObject({ state: 'holds', name: scene.lab.suspect.name })
    expect(status.stands.filter((line) => /^still there: pod shop\/impound-twin-/.test(line))).toHaveLength(2)
  })
})

/** Loses the answer to the twin's write of this number, from 0. */
function loseAnswer(number: number): void {
  let count = 0
  scene.before = (_step, method) => {
    if (count === number) {
      scene.lab.faults.add({
        match: { server: 'api', method, path: /impound-twin|\/pods(?:\?|$)/ },
        effect: { kind: 'answer-lost' },
      })
    }
    count += 1
  }
}

/** The process ends before the twin's write of this number: it and all that come after are not sent. */
function crash(number: number): void {
  let count = 0
  scene.before = () => {
    if (count >= number) throw new Crash()
    count += 1
  }
}
