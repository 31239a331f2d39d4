import { describe, expect, it } from '@jest/globals'

import {
  actions,
  createContainment,
  entriesFromAnnotation,
  planRelease,
} from '../../src/containment/index.js'
import { standingBeside } from '../../src/containment/standing-beside.js'
import { deniedByFamily } from '../../src/containment/cni/deny-reach.js'
import { FAMILIES, PLUGIN_DENY } from '../../src/containment/cni/deny-objects.js'
import type { ActionOutcome } from '../../src/model/containment.js'
import type { HoldStatus } from '../../src/model/hold-status.js'
import type { JsonObject } from '../../src/model/json.js'
import type { NetworkPolicy } from '../../src/model/kubernetes.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import { crdComplaints } from './cni/policy-crds.js'
import { Crash, type Fault, type MemoryApi } from './memory-api.js'
import { complaints } from './schemas.js'
import { actionNamed, LABELS, MARK, OPTIONS, policy, shop, SUSPECT, suspect, target, UID } from './shop.js'

type Family = (typeof FAMILIES)[number]['family']

const KINDS: Readonly<Record<string, string>> = {
  ciliumclusterwidenetworkpolicies: 'CiliumClusterwideNetworkPolicy',
  globalnetworkpolicies: 'GlobalNetworkPolicy',
  tiers: 'Tier',
  clusternetworkpolicies: 'ClusterNetworkPolicy',
  adminnetworkpolicies: 'AdminNetworkPolicy',
}

const DAEMON_SETS: Partial<Readonly<Record<Family, string>>> = {
  cilium: 'cilium',
  calico: 'calico-node',
  antrea: 'antrea-agent',
  'admin-network-policy': 'ovnkube-node',
}

/** A cluster that serves the API of a family, and shows the plugin that acts on it. */
function serving(family: Family, { plugin = true } = {}): MemoryApi {
  const api = shop()
  const { group, versions, resources } = FAMILIES.find((one) => one.family === family)!
  const own = { group, version: versions[0]!, namespaced: false, verbs: [], preferred: true }
  api.served = [...api.served, ...resources.map((resource) => ({ ...own, resource, kind: KINDS[resource]! }))]
  const name = DAEMON_SETS[family]
  if (plugin && name !== undefined) {
    const metadata = { name, namespace: 'kube-system', uid: 'ds-1' }
    api.put('daemonsets', {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata,
      status: { desiredNumberScheduled: 2 },
    })
    api.put('configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'cilium-config', namespace: 'kube-system', uid: 'cm-1' },
      data: {},
    })
  }
  api.put(
    'networkpolicies',
    policy('from-pods', { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] }),
  )
  api.put('networkpolicies', policy('anywhere', { podSelector: {}, egress: [{}], policyTypes: ['Egress'] }))
  return api
}

async function contained(api: MemoryApi): Promise<QuarantinePlan> {
  const containment = createContainment(OPTIONS)
  const plan = await containment.plan(api.context, target(api))
  await containment.apply(api.context, plan)
  return plan
}

function made(api: MemoryApi): readonly JsonObject[] {
  return [...api.objects]
    .filter(([key]) => Object.keys(KINDS).some((resource) => key.startsWith(`${resource}/`)))
    .map(([, object]) => object as unknown as JsonObject)
}

const EVERY = FAMILIES.map(({ family }) => family)

describe.each(EVERY)('a deny of the network plugin’s own (%s)', (family) => {
  it('is what the project’s CRD takes, and selects the quarantine label of this one pod', async () => {
    const api = serving(family)
    const plan = await contained(api)
    expect(complaints('quarantine-plan', plan)).toEqual([])
    expect(made(api)).not.toEqual([])
    for (const object of made(api)) {
      expect(crdComplaints(object as never)).toEqual([])
      expect(JSON.stringify(object)).toContain(MARK)
      expect(object['metadata']).toMatchObject({
        name: expect.stringMatching(`^impound-${MARK}(\\.deny)?$`),
        annotations: { 'impound.dev/case': 'INC-42', 'impound.dev/pod-uid': UID },
      })
    }
  })

  it('stands before the pod carries the label, and goes again after its labels are back', async () => {
    const api = serving(family)
    await contained(api)
    const steps = api.journal.map(({ intent }) => intent.action)
    expect(steps.indexOf(PLUGIN_DENY)).toBeGreaterThan(0)
    expect(api.journal.findLastIndex(({ intent }) => intent.action === PLUGIN_DENY)).toBeLessThan(
      api.journal.findIndex(({ intent }) => intent.step === 'label'),
    )
    const applied = api.journal.length
    const [release] = await planRelease(api.context, api.journal, OPTIONS)
    expect(release?.actions.map(({ action }) => action)).toContain(PLUGIN_DENY)
    expect(await createContainment(OPTIONS).undo(api.context, api.journal)).toMatchObject({ left: [] })
    const released = api.journal.slice(applied).map(({ intent }) => intent.step)
    expect(released.findIndex((step) => step.startsWith('delete '))).toBeGreaterThan(
      released.indexOf('restore-labels'),
    )
    expect(made(api)).toEqual([])
    expect(suspect(api).metadata?.labels).toEqual(LABELS)
  })

  it('is written once: a second run changes nothing', async () => {
    const api = serving(family)
    await contained(api)
    const writes = api.writes.length
    const plan = await contained(api)
    expect(api.writes).toHaveLength(writes)
    expect(actionNamed(plan, PLUGIN_DENY)?.changes).toEqual([])
  })

  it('is taken away by the annotation too, where no journal is left', async () => {
    const api = serving(family)
    await contained(api)
    await createContainment(OPTIONS).undo(api.context, entriesFromAnnotation(suspect(api)))
    expect(made(api)).toEqual([])
  })

  it('of somebody else is left alone, by the quarantine and by the release', async () => {
    const api = serving(family)
    await contained(api)
    const theirs: readonly JsonObject[] = made(api).map((object) => ({
      ...object,
      metadata: { ...(object['metadata'] as JsonObject), annotations: {} },
    }))
    await createContainment(OPTIONS).undo(api.context, api.journal)
    for (const object of theirs) {
      const resource = Object.keys(KINDS).find((each) => KINDS[each] === object['kind'])!
      api.put(resource, object)
    }
    const before = JSON.stringify(made(api).map(({ spec }) => spec))
    const outcomes: ActionOutcome[] = []
    const containment = createContainment(OPTIONS)
    await containment.apply(api.context, await containment.plan(api.context, target(api)), (one) =>
      outcomes.push(one),
    )
    expect(outcomes.find(({ action }) => action === PLUGIN_DENY)?.error).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('is not what this case created'),
    })
    expect(suspect(api).metadata?.labels).toEqual({ 'impound.dev/quarantine': MARK })
    await containment.undo(api.context, api.journal)
    expect(JSON.stringify(made(api).map(({ spec }) => spec))).toBe(before)
  })

  it.each<Fault['kind']>(['crash-before', 'crash-after', 'lost-after'])(
    'stands after a fault (%s) at any of its writes and a second run, and is gone after the release',
    async (kind) => {
      for (const write of [3, 4, 5, 6, 7]) {
        const api = serving(family)
        api.faults.set(
          write,
          kind === 'lost-after' ? { kind, code: 'unreachable' } : { kind: kind as 'crash-before' },
        )
        await contained(api).catch((error: unknown) => {
          if (!(error instanceof Crash)) throw error
        })
        const verdict = await createContainment(OPTIONS).verify(api.context, await contained(api))
        expect(verdict.open.join()).not.toContain('does not stand')
        expect(made(api).length).toBeGreaterThan(0)
        expect(await createContainment(OPTIONS).undo(api.context, api.journal)).toMatchObject({ left: [] })
        expect(made(api)).toEqual([])
        expect(suspect(api).metadata?.labels).toEqual(LABELS)
      }
    },
  )

  it('costs itself alone where the rights are missing', async () => {
    const api = serving(family)
    api.denied = ({ resource, verb }) => Object.hasOwn(KINDS, resource) && verb === 'create'
    const plan = await contained(api)
    expect(plan.missingAccess).toEqual([])
    expect(actionNamed(plan, PLUGIN_DENY)).toMatchObject({ changes: [], refusals: [] })
    expect(actionNamed(plan, PLUGIN_DENY)?.warnings.join()).toContain('no right to create')
    expect(suspect(api).metadata?.labels).toEqual({ 'impound.dev/quarantine': MARK })
  })
})

describe('what such a deny makes of policies that would let the pod through', () => {
  it.each<Family>(['cilium', 'calico', 'antrea'])('is closed, all of it: %s', async (family) => {
    const api = serving(family)
    const plan = await contained(api)
    expect(plan.policies.map(({ name, residual, closedBy }) => [name, residual, closedBy])).toEqual([
      ['anywhere', true, PLUGIN_DENY],
      ['from-pods', true, PLUGIN_DENY],
    ])
    expect(plan.warnings.join('\n')).not.toMatch(/leaves open|not evaluated/)
    const verdict = await createContainment(OPTIONS).verify(api.context, plan)
    expect(verdict.open.join('\n')).not.toMatch(/still selects it|not evaluated/)
    expect(verdict.tried.join('\n')).toContain('still letting the pod through: 0')
    expect(verdict.tried).toContain(
      "overridden by the deny of the network plugin's own: what anywhere, from-pods would allow",
    )
    expect(verdict.tried.join('\n')).toContain('stands: it denies before NetworkPolicies allow')
    expect(complaints('verdict', verdict)).toEqual([])
  })

  it('is closed as far as pods go, where it knows no others', async () => {
    const api = serving('admin-network-policy')
    const plan = await contained(api)
    expect(plan.policies.map(({ name, closedBy }) => [name, closedBy])).toEqual([
      ['anywhere', undefined],
      ['from-pods', PLUGIN_DENY],
    ])
    expect(plan.warnings.join('\n')).toContain('NetworkPolicy anywhere still selects the pod and leaves open')
    const verdict = await createContainment(OPTIONS).verify(api.context, plan)
    expect(verdict.open.join('\n')).toContain('NetworkPolicy anywhere still selects it')
    expect(verdict.open.join('\n')).not.toContain('from-pods')
  })

  it.each<Family>(['cilium', 'cluster-network-policy'])(
    'stays open where nothing shows that anybody acts on it: %s',
    async (family) => {
      const plan = await contained(serving(family, { plugin: false }))
      expect(plan.policies.map(({ closedBy }) => closedBy)).toEqual([undefined, undefined])
      expect(actionNamed(plan, PLUGIN_DENY)?.warnings.join()).toContain('whether anything here acts on')
    },
  )

  it('stays open in the verdict where somebody took the deny away', async () => {
    const api = serving('cilium')
    const plan = await contained(api)
    api.objects.delete(`ciliumclusterwidenetworkpolicies//impound-${MARK}`)
    const { open } = await createContainment(OPTIONS).verify(api.context, plan)
    expect(open.join('\n')).toContain('does not stand as it was made')
    expect(open.join('\n')).toContain('NetworkPolicy anywhere still selects it')
  })

  it.each<[string, NetworkPolicy['spec'], Family, boolean]>([
    ['pods', { ingress: [{ from: [{ podSelector: {} }] }] }, 'admin-network-policy', true],
    [
      'addresses too',
      { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] },
      'admin-network-policy',
      false,
    ],
    ['anybody', { ingress: [{}] }, 'cluster-network-policy', false],
    ['going anywhere', { policyTypes: ['Egress'], egress: [{}] }, 'cluster-network-policy', true],
    ['going anywhere, too', { policyTypes: ['Egress'], egress: [{}] }, 'admin-network-policy', false],
  ])('depends on who is allowed: %s', (_who, spec, name, denied) => {
    const family = FAMILIES.find((one) => one.family === name)!
    expect(deniedByFamily({ spec: spec! }, family)).toBe(denied)
  })
})

describe('its place among others of its kind', () => {
  function rival(api: MemoryApi, resource: string, spec: JsonObject, name = 'theirs'): void {
    api.put(resource, {
      apiVersion: 'x/v1',
      kind: KINDS[resource]!,
      metadata: { name, namespace: '', uid: name },
      spec,
    })
  }

  it('is a priority that nobody has, since equal ones are undefined', async () => {
    const api = serving('admin-network-policy')
    rival(api, 'adminnetworkpolicies', { priority: 0 })
    rival(api, 'adminnetworkpolicies', { priority: 1 }, 'others')
    const plan = await contained(api)
    expect(api.find('adminnetworkpolicies', `impound-${MARK}`, '')?.['spec']).toMatchObject({ priority: 2 })
    const says = 'what adminnetworkpolicies others, theirs allows comes before the deny, and is not evaluated'
    expect(actionNamed(plan, PLUGIN_DENY)?.warnings).toContain(says)
    expect((await createContainment(OPTIONS).verify(api.context, plan)).open).toContain(says)
  })

  it('is the tier of order 1, and nothing is claimed where one may come before it', async () => {
    const api = serving('calico')
    rival(api, 'tiers', { order: 0.5 })
    const plan = await contained(api)
    expect(api.find('tiers', `impound-${MARK}`, '')?.['spec']).toEqual({ order: 1, defaultAction: 'Pass' })
    expect(actionNamed(plan, PLUGIN_DENY)?.overrides).toBeUndefined()
    expect(actionNamed(plan, PLUGIN_DENY)?.warnings.join()).toContain('what tiers theirs allows comes before')
  })

  it('counts those of its own tier alone', async () => {
    const api = serving('antrea')
    rival(api, 'clusternetworkpolicies', { tier: 'application', priority: 1 })
    expect(actionNamed(await contained(api), PLUGIN_DENY)?.overrides).toBe('all')
  })
})

describe('a release where the API of the deny is served no more', () => {
  it('says that it is left', async () => {
    const api = serving('calico')
    await contained(api)
    api.served = api.served.filter(({ group }) => group !== 'projectcalico.org')
    const { left } = await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(left).toEqual([
      'Tier of the suspect is left: this cluster does not serve its API now',
      'GlobalNetworkPolicy of the suspect is left: this cluster does not serve its API now',
    ])
  })
})

describe('the status of a hold with such a deny', () => {
  function hold(api: MemoryApi): Promise<HoldStatus> {
    const faults = ['anywhere', 'from-pods'].map((name) => ({
      code: 'residual' as const,
      policy: name,
      message: `NetworkPolicy ${name} selects the pod`,
    }))
    const status: HoldStatus = {
      namespace: 'shop',
      name: SUSPECT,
      uid: UID,
      case: 'INC-42',
      knownFrom: ['annotation'],
      state: 'does-not-hold',
      stands: [],
      faults,
      notSeen: [],
    }
    return standingBeside(api.context, status, [], actions(OPTIONS))
  }

  it('holds where it overrides what policies allow, and names them', async () => {
    const api = serving('cilium')
    await contained(api)
    const found = await hold(api)
    expect(found).toMatchObject({ state: 'holds', faults: [] })
    expect(found.stands).toContain(
      "overridden by the deny of the network plugin's own: NetworkPolicy anywhere",
    )
  })

  it('does not hold as far as it does not reach', async () => {
    const api = serving('admin-network-policy')
    await contained(api)
    expect(await hold(api)).toMatchObject({ state: 'does-not-hold', faults: [{ policy: 'anywhere' }] })
  })

  it('does not hold where it is gone, or nothing shows that anybody acts on it', async () => {
    const api = serving('cilium')
    await contained(api)
    api.objects.delete(`ciliumclusterwidenetworkpolicies//impound-${MARK}`)
    expect((await hold(api)).faults).toHaveLength(2)
    const unknown = serving('cilium', { plugin: false })
    await contained(unknown)
    expect((await hold(unknown)).faults).toHaveLength(2)
  })
})
