import { randomBytes } from 'node:crypto'

import { afterEach, describe, expect, it } from '@jest/globals'

import { createContainment } from '../../src/containment/index.js'
import { PLUGIN_DENY } from '../../src/containment/cni/deny-objects.js'
import { systemClock } from '../../src/engine/system.js'
import { resolveTargets } from '../../src/engine/targets.js'
import { NO_NODE_PODS } from '../../src/engine/no-node-pods.js'
import { connect, type KubeConnection } from '../../src/kube/connect.js'
import type { LabPolicyApi } from '../../src/lab/api/policy-apis.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import type { JournalEntry, WriteContext } from '../../src/model/containment.js'
import type { JsonObject } from '../../src/model/json.js'
import type { Target } from '../../src/model/target.js'
import { smallSeed, UID_ONE } from '../lab/small-seed.js'
import { crdComplaints } from './cni/policy-crds.js'
import { OPTIONS } from './shop.js'

/** Against a real connection and the lab's API: what the server makes of the requests, and what is left when an answer is lost. */
interface Bench {
  readonly lab: Lab
  readonly context: WriteContext
  readonly entries: () => readonly JournalEntry[]
  readonly target: () => Promise<Target>
}

const open: { readonly lab: Lab; readonly kube: KubeConnection }[] = []

afterEach(async () => {
  for (const { lab, kube } of open.splice(0)) {
    await kube.close()
    await lab.close()
  }
})

async function bench(api: LabPolicyApi): Promise<Bench> {
  const lab = await startLab({ seed: smallSeed, policyApis: [api], pace: { react: 5, start: 5 } })
  const kube = await connect({
    kubeconfig: lab.kubeconfig,
    asGroups: [],
    requestTimeoutMs: 10_000,
    clock: systemClock,
    random: randomBytes,
    notice: () => undefined,
  })
  open.push({ lab, kube })
  const journal = new Map<string, JournalEntry>()
  const signal = AbortSignal.timeout(20_000)
  const writer = kube.writer({
    intent: (intent) => {
      journal.set(intent.id, { intent })
      return Promise.resolve()
    },
    result: (outcome) => {
      journal.set(outcome.id, { ...journal.get(outcome.id)!, outcome })
      return Promise.resolve()
    },
  })
  const context: WriteContext = {
    run: { clock: systemClock, random: randomBytes, signal },
    kube: kube.reader,
    writer,
    nodePods: NO_NODE_PODS,
  }
  const target = async (): Promise<Target> =>
    (await resolveTargets(kube.reader, { names: [lab.suspect.name], namespace: 'shop' }, signal))[0]!
  return { lab, context, entries: () => [...journal.values()], target }
}

const NAME = `impound-${UID_ONE.slice(0, 8)}`
const OBJECTS: Readonly<Record<LabPolicyApi, readonly (readonly [table: string, name: string])[]>> = {
  cilium: [['ciliumclusterwidenetworkpolicies.cilium.io', NAME]],
  calico: [
    ['tiers.projectcalico.org', NAME],
    ['globalnetworkpolicies.projectcalico.org', `${NAME}.deny`],
  ],
  antrea: [['clusternetworkpolicies.crd.antrea.io', NAME]],
  'cluster-network-policy': [['clusternetworkpolicies.policy.networking.k8s.io', NAME]],
  'admin-network-policy': [['adminnetworkpolicies.policy.networking.k8s.io', NAME]],
}

const APIS = Object.keys(OBJECTS) as readonly LabPolicyApi[]

function stored({ lab }: Bench, api: LabPolicyApi): readonly (JsonObject | undefined)[] {
  return OBJECTS[api].map(([table, name]) => lab.objects.get(table, undefined, name))
}

describe.each(APIS)('a lab that serves %s', (api) => {
  it('takes the deny as the project’s CRD would, and has nothing of it after the release, also where answers are lost', async () => {
    const at = await bench(api)
    at.lab.faults.add({
      match: {
        method: 'POST',
        path: /^\/apis\/(?:cilium|projectcalico|crd\.antrea|policy\.networking).*(?<!dryRun=All)$/,
      },
      effect: { kind: 'answer-lost' },
    })
    const containment = createContainment(OPTIONS)
    const labels = (await at.target()).pod.metadata?.labels
    const plan = await containment.plan(at.context, await at.target())
    await containment.apply(at.context, plan)
    expect(at.lab.faults.fired).toHaveLength(1)
    for (const object of stored(at, api)) expect(crdComplaints(object as never)).toEqual([])
    const verdict = await containment.verify(at.context, plan)
    expect(verdict.tried.join('\n')).toContain('stands; whether anything acts on it is not known')
    const again = await containment.plan(at.context, await at.target())
    expect(again.actions.find(({ action }) => action === PLUGIN_DENY)?.changes).toEqual([])
    const { left } = await containment.undo(at.context, at.entries())
    expect(left).toEqual([])
    expect(stored(at, api).filter((object) => object !== undefined)).toEqual([])
    expect((await at.target()).pod.metadata?.labels).toEqual(labels)
  })

  it('keeps what is there of that name and is not ours', async () => {
    const at = await bench(api)
    const containment = createContainment(OPTIONS)
    await containment.apply(at.context, await containment.plan(at.context, await at.target()))
    const ours = stored(at, api)
    await containment.undo(at.context, at.entries())
    for (const object of ours) {
      const { name } = object?.['metadata'] as { readonly name: string }
      at.lab.objects.put({ ...object, metadata: { name } })
    }
    const outcomes: (readonly [string, boolean])[] = []
    await containment.apply(
      at.context,
      await containment.plan(at.context, await at.target()),
      ({ action, error }) => outcomes.push([action, error === undefined]),
    )
    expect(outcomes).toContainEqual([PLUGIN_DENY, false])
    await containment.undo(at.context, at.entries())
    expect(stored(at, api).filter((object) => object !== undefined)).toHaveLength(ours.length)
  })
})
