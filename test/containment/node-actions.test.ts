import { describe, expect, it } from '@jest/globals'

import { createContainment, entriesFromAnnotation, planRelease } from '../../src/containment/index.js'
import type { QuarantineOptions } from '../../src/containment/options.js'
import type { ActionOutcome, WantedAction, WriteContext } from '../../src/model/containment.js'
import type { JsonObject } from '../../src/model/json.js'
import { fakeNodePods, type FakeNode } from './fake-node.js'
import type { MemoryApi } from './memory-api.js'
import { complaints } from './schemas.js'
import { actionNamed, OPTIONS, pod, shop, SUSPECT, suspect, target, UID } from './shop.js'

const CONTAINER = 'a'.repeat(64)

function running(): MemoryApi {
  const api = shop()
  const { status, spec } = pod(SUSPECT, UID) as { status: JsonObject; spec: JsonObject }
  const containerStatuses = [
    {
      name: 'app',
      containerID: `containerd://${CONTAINER}`,
      state: { running: { startedAt: '2026-11-22T02:00:00Z' } },
    },
  ]
  api.put('pods', pod(SUSPECT, UID, { spec, status: { ...status, containerStatuses } }))
  return api
}

/** A node whose kernel does as it is told. */
function node(): FakeNode & { rules: boolean; frozen: boolean; reachable: boolean } {
  const answer = (({ name, args }) => {
    const [action] = args
    if (name === 'drop-connections') {
      if (action !== 'check') state.rules = action === 'drop'
      return `tool=nft\nrules=${state.rules ? 'yes\ndropped-in=3\ndropped-out=4' : 'no'}\n`
    }
    if (name === 'freeze') {
      if (action !== 'check') state.frozen = action === 'freeze'
      return `${CONTAINER} ${state.frozen ? 'frozen' : 'thawed'}\n`
    }
    const open = state.reachable && !state.rules ? 'connected' : 'silent'
    return ['peer', 'inbound']
      .flatMap((label) => [
        `probe ${label} 10.0.0.9:80 suspect ${open}`,
        `probe ${label} 10.0.0.9:80 control connected`,
      ])
      .concat('end', '')
      .join('\n')
  }) as FakeNode
  const state = Object.assign(answer, { rules: false, frozen: false, reachable: true })
  return state
}

function wanting(...wanted: readonly WantedAction[]): QuarantineOptions {
  return { ...OPTIONS, allowNode: true, wanted: new Set(wanted) }
}

async function contain(context: WriteContext, api: MemoryApi, options: QuarantineOptions) {
  const containment = createContainment(options)
  const plan = await containment.plan(context, target(api))
  const outcomes: ActionOutcome[] = []
  await containment.apply(context, plan, (outcome) => outcomes.push(outcome))
  return { plan, outcomes, verdict: await containment.verify(context, plan) }
}

describe('the verdict with a pod on the node', () => {
  it('is not-enforced where everything still comes about, enforced where nothing does', async () => {
    const [api, far] = [running(), node()]
    const context = { ...api.context, nodePods: fakeNodePods(far).pods }
    const { verdict } = await contain(context, api, wanting())
    expect(verdict).toMatchObject({ kind: 'not-enforced' })
    expect(verdict.inForceAt).toBeUndefined()
    expect(verdict.open).toContain('peer 10.0.0.9:80: still comes about')
    far.reachable = false
    const again = await createContainment(wanting()).verify(
      context,
      (await contain(context, api, wanting())).plan,
    )
    expect(again.kind).toBe('enforced')
  })

  it('is partial where nothing comes about now and a policy allows more', async () => {
    const [api, far] = [running(), node()]
    far.reachable = false
    api.put('networkpolicies', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'all', namespace: 'shop', uid: 'np' },
      spec: { podSelector: {}, ingress: [{}] },
    })
    const context = { ...api.context, nodePods: fakeNodePods(far).pods }
    expect((await contain(context, api, wanting())).verdict.kind).toBe('partial')
  })

  it('is unverified, with the reason, where the try fails', async () => {
    const api = running()
    const context = { ...api.context, nodePods: fakeNodePods(() => undefined).pods }
    const { verdict } = await contain(context, api, wanting())
    expect(verdict).toMatchObject({ kind: 'unverified', why: expect.stringContaining('no tool for it') })
  })
})

describe('what a pod on the node does to the suspect', () => {
  it('makes a cut that nobody enforces one that holds, and takes it back on release', async () => {
    const [api, far] = [running(), node()]
    const { pods, ran } = fakeNodePods(far)
    const context = { ...api.context, nodePods: pods }
    const { plan, verdict, outcomes } = await contain(context, api, wanting('drop-connections', 'freeze'))
    expect(complaints('quarantine-plan', plan)).toEqual([])
    expect(outcomes.every(({ error }) => error === undefined)).toBe(true)
    expect(verdict.kind).toBe('enforced')
    expect(verdict.tried.join('\n')).toContain('packets dropped so far: 3 in, 4 out')
    expect([far.rules, far.frozen]).toEqual([true, true])
    const [release] = await planRelease(context, api.journal, OPTIONS)
    expect(release?.actions.slice(0, 2)).toMatchObject([
      { action: 'freeze', needs: 'node' },
      { action: 'drop-connections', needs: 'node' },
    ])
    expect(complaints('release-plan', release)).toEqual([])
    await createContainment(OPTIONS).undo(context, api.journal)
    expect([far.rules, far.frozen]).toEqual([false, false])
    expect(ran.slice(-2)).toEqual(['freeze thaw', 'drop-connections restore'])
    expect(suspect(api).metadata?.annotations).toBeUndefined()
  })

  it('is found by its mark where only the annotations of the pod are left', async () => {
    const [api, far] = [running(), node()]
    const context = { ...api.context, nodePods: fakeNodePods(far).pods }
    await contain(context, api, wanting('drop-connections'))
    await createContainment(OPTIONS).undo(context, entriesFromAnnotation(suspect(api)))
    expect(far.rules).toBe(false)
    expect(suspect(api).metadata?.annotations).toBeUndefined()
  })

  it('stops a release before anything is opened where no pod may run on the node', async () => {
    const [api, far] = [running(), node()]
    await contain({ ...api.context, nodePods: fakeNodePods(far).pods }, api, wanting('drop-connections'))
    const labels = JSON.stringify(suspect(api).metadata?.labels)
    await expect(createContainment(OPTIONS).undo(api.context, api.journal)).rejects.toMatchObject({
      code: 'refused',
    })
    expect(JSON.stringify(suspect(api).metadata?.labels)).toBe(labels)
    expect(far.rules).toBe(true)
  })

  it('refuses the run where --allow node is not given', async () => {
    const options = { ...wanting('freeze'), allowNode: false }
    const plan = await createContainment(options).plan(running().context, target(running()))
    expect(plan.refusals).toMatchObject([{ code: 'needs-node', override: '--allow node' }])
  })

  it('tells of a failure on the node, and the quarantine stands all the same', async () => {
    const api = running()
    const context = { ...api.context, nodePods: fakeNodePods(() => undefined).pods }
    const { outcomes } = await contain(context, api, wanting('drop-connections'))
    expect(outcomes.at(-1)).toMatchObject({ action: 'drop-connections', error: { code: 'target-refused' } })
    expect(suspect(api).metadata?.labels).toHaveProperty(['impound.dev/quarantine'])
  })

  it('warns of liveness probes and of containers that may take rules away', async () => {
    const api = running()
    api.edit('pods', SUSPECT, (object) => {
      object['spec'] = {
        nodeName: 'node-a',
        containers: [
          { name: 'app', livenessProbe: {}, securityContext: { capabilities: { add: ['NET_ADMIN'] } } },
        ],
      }
    })
    const plan = await createContainment(wanting('drop-connections', 'freeze')).plan(api.context, target(api))
    expect(actionNamed(plan, 'freeze')?.warnings.join()).toContain('the liveness probe of app fails')
    expect(actionNamed(plan, 'drop-connections')?.warnings.join()).toContain(
      'container app has the capability',
    )
  })
})
