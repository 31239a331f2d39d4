import { randomBytes } from 'node:crypto'

import {
  actions,
  createContainment,
  entriesFromAnnotation,
  heldPods,
  standingBeside,
} from '../../src/containment/index.js'
import type { QuarantineOptions } from '../../src/containment/options.js'
import { connect, type KubeConnection } from '../../src/kube/connect.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import type { FaultEffect } from '../../src/lab/faults/fault.js'
import type {
  ActionOutcome,
  JournalEntry,
  UndoReport,
  WantedAction,
  WriteContext,
} from '../../src/model/containment.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { Json, JsonObject } from '../../src/model/json.js'
import type { HoldStatus } from '../../src/model/hold-status.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import type { NetworkPolicy, Pod } from '../../src/model/kubernetes.js'
import type { Journal } from '../../src/model/ports/kube-writer.js'
import type { Clock } from '../../src/model/ports/run-context.js'
import { allowedFlows, type Flow } from './api-semantics.js'
import { fakeNodePods } from './fake-node.js'
import { Crash } from './memory-api.js'
import { OPTIONS } from './shop.js'

export const UID = '11111111-1111-4111-8111-111111111111'
const CONTAINER = 'c'.repeat(64)
const NAME = 'web-1'

export const EVERYTHING: QuarantineOptions = {
  ...OPTIONS,
  allowNode: true,
  wanted: new Set([
    'patch-residuals',
    'cordon',
    'detach-owner',
    'detach-bindings',
    'drop-connections',
    'freeze',
  ]),
}

/** A controller that is none of Kubernetes' own. */
export const OWNERS = [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'controller',
    uid: '22222222-2222-4222-8222-222222222222',
    controller: true,
    blockOwnerDeletion: true,
  },
]

/** A pod that has a value of its own wherever a quarantine writes, and two policies that would leave it open. */
const OBJECTS: readonly JsonObject[] = [
  { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'shop' }, status: { phase: 'Active' } },
  {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: NAME,
      namespace: 'shop',
      uid: UID,
      creationTimestamp: '2026-11-01T10:00:00Z',
      labels: { app: 'web', 'x.example/a.b': 'y' },
      ownerReferences: OWNERS,
      annotations: { note: 'of the owner', 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' },
    },
    spec: { nodeName: 'node-a', containers: [{ name: 'app', image: 'registry.example/web:1' }] },
    status: {
      phase: 'Running',
      podIP: '10.1.2.2',
      hostIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-11-01T10:00:00Z' }],
      containerStatuses: [
        {
          name: 'app',
          image: 'registry.example/web:1',
          imageID: `registry.example/web@sha256:${'0'.repeat(64)}`,
          containerID: `containerd://${CONTAINER}`,
          ready: true,
          restartCount: 0,
          state: { running: { startedAt: '2026-11-01T10:00:00Z' } },
          lastState: {},
        },
      ],
    },
  },
  {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'controller', namespace: 'shop', uid: '22222222-2222-4222-8222-222222222222' },
  },
  {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name: 'node-a', uid: '33333333-3333-4333-8333-333333333333' },
    spec: { podCIDR: '10.1.2.0/24' },
    status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] },
  },
  {
    kind: 'ServiceAccount',
    apiVersion: 'v1',
    metadata: { name: 'default', namespace: 'shop' },
  },
  {
    kind: 'RoleBinding',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    metadata: { name: 'web', namespace: 'shop' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'web' },
    subjects: [
      { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'ana@corp' },
      { kind: 'ServiceAccount', name: 'default', namespace: 'shop' },
      { kind: 'ServiceAccount', name: 'other', namespace: 'shop' },
    ],
  },
  policy('all', { podSelector: {}, policyTypes: ['Egress'], egress: [{}] }),
  policy('others', {
    podSelector: { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['db'] }] },
    policyTypes: ['Ingress'],
    ingress: [{}],
  }),
]

function policy(name: string, spec: JsonObject): JsonObject {
  return {
    kind: 'NetworkPolicy',
    apiVersion: 'networking.k8s.io/v1',
    metadata: { name, namespace: 'shop' },
    spec,
  }
}

/** What befalls one write, or one script on the node. */
export type Blow =
  | FaultEffect
  /** The process ends between its journal and the server, or between the server and its journal. */
  | { readonly kind: 'crash'; readonly when: 'before' | 'after' }

/** Pauses last no time, so that a table of hundreds of faults is done in seconds. */
const CLOCK: Clock = {
  now: () => new Date('2026-11-22T03:00:00.000Z'),
  monotonic: () => 0,
  sleep: (_ms, signal) => {
    signal.throwIfAborted()
    return Promise.resolve()
  },
}

/** The policies of this pod tell no more than directions apart. */
const FLOWS: readonly Flow[] = (['Ingress', 'Egress'] as const).map((direction) => ({
  direction,
  peer: { ip: '203.0.113.7' },
  protocol: 'TCP',
  port: 443,
}))

const KINDS = [
  'pods',
  'networkpolicies.networking.k8s.io',
  'poddisruptionbudgets.policy',
  'rolebindings.rbac.authorization.k8s.io',
  'nodes',
] as const

export type Kind = (typeof KINDS)[number]

export interface Edited {
  readonly metadata: {
    readonly labels: Record<string, string>
    readonly annotations: Record<string, string>
  }
  readonly spec: Record<string, Json>
}

interface Snapshot {
  readonly objects: readonly JsonObject[]
  readonly journal: readonly JournalEntry[]
  readonly node: { readonly rules: boolean; readonly frozen: boolean }
}

/** A pod in the lab, what its node does to it, and all that runs on this machine have written down. */
export class LabHold {
  journal: JournalEntry[] = []
  /** Runs before a write, whose number from 0 it is told: somebody else at the same time. */
  meanwhile: ((at: number) => Promise<void>) | undefined
  /** Every write so far by its step, scripts on the node among them. */
  steps: string[] = []
  /** Strikes the write of this number, from 0. */
  blow: { readonly at: number; readonly effect: Blow } | undefined
  readonly #lab: Lab
  readonly #kube: KubeConnection
  readonly #node: { rules: boolean; frozen: boolean }
  #start: ReadonlySet<Flow> = new Set()

  private constructor(lab: Lab, kube: KubeConnection, node = { rules: false, frozen: false }) {
    this.#lab = lab
    this.#kube = kube
    this.#node = node
  }

  /** Another responder's machine, before the same cluster. */
  colleague(): LabHold {
    const other = new LabHold(this.#lab, this.#kube, this.#node)
    other.#start = this.#start
    return other
  }

  static async open(): Promise<LabHold> {
    const suspect = { namespace: 'shop', name: NAME, uid: UID }
    const runtime = { container: () => undefined }
    const lab = await startLab({ seed: () => ({ objects: OBJECTS, images: [], runtime, suspect }) })
    const kube = await connect({
      kubeconfig: lab.kubeconfig,
      requestTimeoutMs: 10_000,
      clock: CLOCK,
      random: randomBytes,
      notice: () => undefined,
    })
    const hold = new LabHold(lab, kube)
    hold.#start = new Set(hold.open())
    return hold
  }

  async close(): Promise<void> {
    await this.#kube.close()
    await this.#lab.close()
  }

  snapshot(): Snapshot {
    const { objects } = this.#lab
    return {
      objects: KINDS.flatMap((kind) => objects.list(kind, kind === 'nodes' ? undefined : 'shop')),
      journal: [...this.journal],
      node: { ...this.#node },
    }
  }

  /** As it was then, with no fault in wait. */
  restore({ objects: kept, journal, node }: Snapshot): void {
    const { objects, faults } = this.#lab
    faults.clear()
    for (const kind of ['networkpolicies.networking.k8s.io', 'poddisruptionbudgets.policy'])
      for (const { metadata } of objects.list(kind, 'shop'))
        objects.delete(kind, 'shop', (metadata as { name: string }).name)
    for (const object of kept) objects.put(object)
    Object.assign(this.#node, node)
    this.journal = [...journal]
    this.steps = []
    this.blow = undefined
    this.meanwhile = undefined
  }

  get pod(): Pod {
    return this.#lab.objects.get('pods', 'shop', NAME) as unknown as Pod
  }

  put(object: JsonObject): void {
    this.#lab.objects.put(object)
  }

  find(kind: Kind, name: string): JsonObject | undefined {
    return this.#lab.objects.get(kind, kind === 'nodes' ? undefined : 'shop', name)
  }

  /** Changes an object as somebody else would, where it is there. */
  edit(kind: Kind, name: string, change: (object: Edited) => void): void {
    const found = this.find(kind, name)
    if (found === undefined) return
    const object = JSON.parse(JSON.stringify(found)) as Edited
    change(object)
    this.#lab.objects.put(object as unknown as JsonObject)
  }

  delete(kind: Kind, name: string): void {
    this.#lab.objects.delete(kind, 'shop', name)
  }

  /** Everything that a quarantine may touch, and that a release gives back to the letter. */
  state(): string {
    const { objects } = this.#lab
    const sorted = (map: object = {}): unknown => Object.entries(map).sort()
    return JSON.stringify({
      labels: sorted(this.pod.metadata?.labels),
      annotations: sorted(this.pod.metadata?.annotations),
      policies: this.#policies().map(({ metadata, spec }) => [metadata?.name, spec]),
      budgets: objects
        .list('poddisruptionbudgets.policy', 'shop')
        .map(({ metadata, spec }) => [(metadata as { name: string }).name, spec]),
      owners: this.pod.metadata?.ownerReferences,
      bindings: objects
        .list('rolebindings.rbac.authorization.k8s.io', 'shop')
        .map(({ metadata, subjects }) => [sorted((metadata as Edited['metadata']).annotations), subjects]),
      nodes: objects
        .list('nodes')
        .map(({ metadata, spec }) => [sorted((metadata as Edited['metadata']).annotations), spec]),
      node: this.#node,
    })
  }

  /** What the policies let through. */
  open(): readonly Flow[] {
    return allowedFlows(this.#policies(), this.pod.metadata?.labels ?? {}, FLOWS)
  }

  #policies(): readonly NetworkPolicy[] {
    return this.#lab.objects.list('networkpolicies.networking.k8s.io', 'shop')
  }

  #neverMoreOpen(): void {
    const more = this.open().filter((flow) => !this.#start.has(flow))
    if (more.length > 0) throw new Error(`more open than before: ${JSON.stringify(more[0])}`)
  }

  plan(options = EVERYTHING): Promise<QuarantinePlan> {
    const target = { namespace: 'shop', name: NAME, uid: UID, pod: this.pod }
    const context = { ...this.#context(), writer: this.#kube.writer(NO_JOURNAL) }
    return createContainment(options).plan(context, target)
  }

  /** Plans, where no plan is given, and applies as a new process would; what stopped it comes back. */
  async quarantine(
    options = EVERYTHING,
    plan?: QuarantinePlan,
  ): Promise<{ readonly stopped?: unknown; readonly failed: readonly string[] }> {
    const outcomes: ActionOutcome[] = []
    try {
      await createContainment(options).apply(this.#context(), plan ?? (await this.plan(options)), (outcome) =>
        outcomes.push(outcome),
      )
      return { failed: failed(outcomes) }
    } catch (stopped) {
      return { stopped: expected(stopped), failed: failed(outcomes) }
    } finally {
      this.#neverMoreOpen()
    }
  }

  /** From what this machine has written down, or from the pod's annotation alone. */
  async release(
    from: 'journal' | 'annotation' = 'journal',
  ): Promise<UndoReport | { readonly stopped: unknown }> {
    const entries = from === 'journal' ? [...this.journal] : entriesFromAnnotation(this.pod)
    try {
      return await createContainment({ ...EVERYTHING, wanted: new Set() }).undo(this.#context(), entries)
    } catch (stopped) {
      return { stopped: expected(stopped) }
    } finally {
      this.#neverMoreOpen()
    }
  }

  #context(): WriteContext {
    const run = { clock: CLOCK, random: randomBytes, signal: new AbortController().signal }
    const { pods } = fakeNodePods(({ name, args }) => this.#onNode(name, args))
    return { run, kube: this.#kube.reader, writer: this.#kube.writer(this.#journal()), nodePods: pods }
  }

  /** What status says of it, with this machine's record or without. */
  async status(record = true): Promise<HoldStatus> {
    const entries = record ? this.journal : []
    const policies = this.#policies()
    const [hold] = heldPods({ pods: [this.pod], policies: () => policies, entries }, ['shop'])
    const context = { ...this.#context(), writer: this.#kube.writer(NO_JOURNAL) }
    const wishes = { ...EVERYTHING, allowNode: false, wanted: new Set<WantedAction>() }
    return standingBeside(context, hold!, entries, actions(wishes))
  }

  /** The blow where it is this write's turn. */
  #turn(step: string): Blow | undefined {
    const number = this.steps.push(step) - 1
    this.#neverMoreOpen()
    return this.blow?.at === number ? this.blow.effect : undefined
  }

  #journal(): Journal {
    let crashed = false
    return {
      intent: async (intent) => {
        const effect = this.#turn(intent.step)
        await this.meanwhile?.(this.steps.length - 1)
        this.journal.push({ intent })
        if (effect === undefined) return
        if (effect.kind !== 'crash')
          this.#lab.faults.add({ match: { server: 'api', method: intent.method }, effect })
        else if (effect.when === 'before') throw new Crash()
        else crashed = true
      },
      result: async (outcome) => {
        if (crashed) throw new Crash()
        const at = this.journal.findIndex(({ intent }) => intent.id === outcome.id)
        this.journal[at] = { ...this.journal[at]!, outcome }
        await Promise.resolve()
      },
    }
  }

  #onNode(name: string, [action = '']: readonly string[]): string | undefined {
    const looks = action === 'check'
    const effect = looks ? undefined : this.#turn(`${name} ${action}`)
    if (effect?.kind === 'crash' && effect.when === 'before') throw new Crash()
    if (effect !== undefined && effect.kind !== 'crash' && effect.kind !== 'answer-lost') return undefined
    if (name === 'drop-connections' && !looks) this.#node.rules = action === 'drop'
    if (name === 'freeze' && !looks) this.#node.frozen = action === 'freeze'
    if (effect?.kind === 'crash') throw new Crash()
    if (effect !== undefined) return undefined
    return name === 'freeze'
      ? `${CONTAINER} ${this.#node.frozen ? 'frozen' : 'thawed'}\n`
      : `tool=nft\nconntrack=own\nrules=${this.#node.rules ? 'yes\ndropped-in=0\ndropped-out=0' : 'no'}\n`
  }
}

const NO_JOURNAL: Journal = {
  intent: () => Promise.reject(new Error('a plan wrote')),
  result: () => Promise.resolve(),
}

function failed(outcomes: readonly ActionOutcome[]): readonly string[] {
  return outcomes.filter(({ error }) => error !== undefined).map(({ action }) => action)
}

function expected(stopped: unknown): unknown {
  if (stopped instanceof Crash || (stopped instanceof ImpoundError && stopped.code !== 'bug')) return stopped
  throw stopped
}
