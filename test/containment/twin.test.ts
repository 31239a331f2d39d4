import { randomBytes } from 'node:crypto'

import { afterEach, describe, expect, it } from '@jest/globals'

import { createContainment, entriesFromAnnotation } from '../../src/containment/index.js'
import type { QuarantineOptions } from '../../src/containment/options.js'
import { connect, type KubeConnection } from '../../src/kube/connect.js'
import { startLab, type Lab, type LabOptions } from '../../src/lab/lab.js'
import type { JournalEntry, Verdict, WriteContext } from '../../src/model/containment.js'
import { ImpoundError, isCode } from '../../src/model/errors.js'
import { at } from '../../src/model/json.js'
import type { Pod } from '../../src/model/kubernetes.js'
import type { Clock } from '../../src/model/ports/run-context.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
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
  /** Told of each write before it is sent. */
  before: (step: string) => void = () => undefined

  private constructor(lab: Lab, kube: KubeConnection) {
    this.lab = lab
    this.#kube = kube
  }

  static async open(options: LabOptions = {}, kubeconfig?: (lab: Lab) => Promise<string>): Promise<Scene> {
    const lab = await startLab({ pace: { react: 1, start: 5 }, ...options })
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
        this.before(intent.step)
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

const CILIUM = { kind: 'DaemonSet', apiVersion: 'apps/v1' } as const

describe('a canary twin in the lab', () => {
  it('blocked by the label alone makes it partial where nobody knows what becomes of open connections', async () => {
    scene = await Scene.open()
    const verdict = await scene.verdict()
    console.log(verdict)
    expect(verdict).toMatchObject({ kind: 'partial', means: 'twin' })
    expect(verdict.why).toMatch(
      /by a twin of the pod: new connections are blocked \(api, .*inbound\).*those of the suspect that were open go on was not seen/,
    )
    expect(verdict.tried.join('\n')).toMatch(
      /tried inbound [0-9.]+:61000: with the label a twin gets no answer; before it, it connects/,
    )
    expect(verdict.tried.join('\n')).toMatch(/a twin, pod .*\/impound-twin-[0-9a-f]{8} .*; removed \(checked\)/)
    await scene.lab.settled()
    expect(scene.twins()).toEqual([])
    expect(scene.steps()).toEqual(['create', 'create', 'label', 'delete', 'delete'])
  })
})
