import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { systemClock } from '../../src/engine/system.js'
import { connect, type KubeConnection } from '../../src/kube/connect.js'
import type { WriteIntent, WriteOutcome } from '../../src/model/acquisition.js'
import type { Lab } from '../../src/lab/lab.js'
import { asString, at } from '../../src/model/json.js'
import type { NodePodLeftover, NodePodPlan } from '../../src/model/node-pod-plan.js'
import type { RunContext } from '../../src/model/ports/run-context.js'
import { missingAccess } from '../../src/engine/access.js'
import { NodePodSet, planNodePods } from '../../src/node-pod/index.js'

const FRAME = readFileSync(resolve(import.meta.dirname, '../../templates/node/frame.sh'), 'utf8')
export const FACTS = readFileSync(resolve(import.meta.dirname, '../../templates/node/facts.sh'), 'utf8')
export const IMAGE = `registry.example/node@sha256:${'a'.repeat(64)}`

/** Node pods of one run, over the real connection, with everything that it noted. */
export class LabPods {
  readonly kube: KubeConnection
  readonly notices: string[] = []
  readonly intents: WriteIntent[] = []
  readonly outcomes: WriteOutcome[] = []
  readonly stop = new AbortController()
  readonly #run: string

  private constructor(kube: KubeConnection, run: string) {
    this.kube = kube
    this.#run = run
  }

  static async open(kubeconfig: string, run = '20261122T030033Z-1f3a9c02'): Promise<LabPods> {
    const kube = await connect({
      kubeconfig,
      asGroups: [],
      requestTimeoutMs: 5_000,
      clock: systemClock,
      random: randomBytes,
      notice: () => undefined,
    })
    return new LabPods(kube, run)
  }

  get context(): RunContext {
    return { clock: systemClock, random: randomBytes, signal: this.stop.signal }
  }

  set(
    options: {
      readonly namespace?: string
      readonly leftovers?: readonly NodePodLeftover[]
      readonly pid?: number
      readonly image?: string
    } = {},
  ): NodePodSet {
    const journal = {
      intent: (intent: WriteIntent) => Promise.resolve(void this.intents.push(intent)),
      result: (outcome: WriteOutcome) => Promise.resolve(void this.outcomes.push(outcome)),
    }
    return new NodePodSet(
      {
        case: 'INC-42',
        run: this.#run,
        owner: { who: 'ana', host: 'laptop', pid: options.pid ?? 1 },
        image: options.image ?? IMAGE,
        namespace: options.namespace ?? `impound-node-${this.#run.slice(-8)}`,
        makeNamespace: options.namespace === undefined,
        frame: FRAME,
        leftovers: options.leftovers ?? [],
      },
      {
        kube: this.kube.reader,
        writer: this.kube.writer(journal),
        exec: this.kube.exec,
        notice: (text) => this.notices.push(text),
      },
      this.context,
    )
  }

  plan(
    nodes: readonly string[],
    options: { readonly namespace?: string; readonly alive?: boolean; readonly now?: Date } = {},
  ): Promise<NodePodPlan> {
    const no = {
      intent: () => Promise.reject(new Error('a plan writes nothing')),
      result: () => Promise.resolve(),
    }
    return planNodePods(
      {
        case: 'INC-42',
        run: this.#run,
        owner: { who: 'ana', host: 'laptop', pid: 1 },
        image: IMAGE,
        nodes,
        ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
      },
      {
        kube: this.kube.reader,
        writer: this.kube.writer(no),
        now: options.now ?? new Date(),
        isAlive: () => options.alive ?? true,
        missingAccess: (rules) => missingAccess(this.kube.reader, rules, this.stop.signal),
        signal: this.stop.signal,
      },
    )
  }

  async close(): Promise<void> {
    await this.kube.close()
  }
}

/** The node that the lab's suspect is on. */
export function suspectNode(lab: Lab): string {
  const pod = lab.objects.get('pods', lab.suspect.namespace, lab.suspect.name)
  return asString(at(pod, 'spec', 'nodeName')) ?? ''
}
