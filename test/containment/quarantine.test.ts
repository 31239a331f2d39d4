import { describe, expect, it } from '@jest/globals'

import { createContainment } from '../../src/containment/index.js'
import type { QuarantineOptions } from '../../src/containment/options.js'
import { isCode } from '../../src/model/errors.js'
import type { JsonObject } from '../../src/model/json.js'
import type { NetworkPolicy } from '../../src/model/kubernetes.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import type { MemoryApi } from './memory-api.js'
import {
  actionNamed,
  endpoint,
  LABELS,
  MARK,
  OPTIONS,
  pod,
  policy,
  shop,
  SUSPECT,
  target,
  UID,
} from './shop.js'

function plan(api: MemoryApi, change: Partial<QuarantineOptions> = {}): Promise<QuarantinePlan> {
  return createContainment({ ...OPTIONS, ...change }).plan(api.context, target(api))
}

function editPod(api: MemoryApi, change: JsonObject): void {
  api.put('pods', pod(SUSPECT, UID, change))
}

const METADATA = pod(SUSPECT, UID)['metadata'] as JsonObject
const SPEC = pod(SUSPECT, UID)['spec'] as JsonObject

describe('the plan of a quarantine', () => {
  it('says what it would change, and changes nothing', async () => {
    const api = shop()
    const before = JSON.stringify([...api.objects])
    const found = await plan(api)
    expect(found).toMatchObject({
      schema: 'impound/quarantine-plan/v1',
      case: 'INC-42',
      target: { namespace: 'shop', name: SUSPECT, uid: UID },
      resumes: false,
      policy: { name: `impound-${MARK}`, state: 'to-create' },
      labels: {
        before: LABELS,
        add: { 'impound.dev/quarantine': MARK },
        remove: ['app', 'app.kubernetes.io/instance', 'pod-template-hash', 'tier'],
        keep: [],
      },
      owner: { kind: 'ReplicaSet', name: 'web-6dd6', chain: ['ReplicaSet web-6dd6', 'Deployment web'] },
      services: [{ name: 'web', readyNow: 2, readyAfter: 1, serves: true }],
      refusals: [],
      missingAccess: [],
    })
    expect(found.dryRuns).toEqual(
      ['lock', 'policy', 'label', 'relabel'].map((step) => ({ step, ok: true, detail: 'accepted' })),
    )
    expect(api.writes).toEqual([])
    expect(JSON.stringify([...api.objects])).toBe(before)
  })

  it('says of a pod that this case holds already that there is nothing to change', async () => {
    const api = shop()
    await createContainment(OPTIONS).apply(api.context, await plan(api))
    const again = await plan(api)
    expect(again).toMatchObject({ resumes: true, labels: { add: {}, remove: [] }, dryRuns: [] })
    expect(again.warnings[0]).toBe(
      'already held by this case since 2026-11-22T03:00:00.000Z (ana@corp); nothing to change',
    )
  })

  it('warns of a quarantine label that somebody else has set', async () => {
    const api = shop()
    editPod(api, {
      metadata: { ...METADATA, labels: { ...LABELS, 'impound.dev/quarantine': MARK } },
    })
    expect((await plan(api)).warnings[0]).toBe(
      'somebody else has set the label impound.dev/quarantine to the very value of this quarantine; release leaves it',
    )
  })

  it('names each policy that still selects the pod afterwards and what it leaves open', async () => {
    const api = shop()
    api.put(
      'networkpolicies',
      policy('allow-all', { podSelector: {}, policyTypes: ['Egress'], egress: [{}] }),
    )
    api.put(
      'networkpolicies',
      policy('web-in', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{}] }),
    )
    const { policies, warnings } = await plan(api)
    expect(policies).toEqual([
      {
        name: 'allow-all',
        selectsNow: true,
        selectsAfter: true,
        residual: true,
        allows: ['egress to anywhere'],
      },
      {
        name: 'web-in',
        selectsNow: true,
        selectsAfter: false,
        residual: false,
        allows: ['ingress from anywhere'],
      },
    ])
    expect(warnings).toContain(
      'NetworkPolicy allow-all still selects the pod and leaves open: egress to anywhere',
    )
  })

  it('warns of a policy that waits for the quarantine label', async () => {
    const api = shop()
    const selector = { matchExpressions: [{ key: 'impound.dev/quarantine', operator: 'Exists' }] }
    api.put('networkpolicies', policy('trap', { podSelector: selector, ingress: [{}] }))
    const { warnings, policies } = await plan(api)
    expect(policies).toMatchObject([{ name: 'trap', selectsNow: false, residual: true }])
    expect(warnings.join()).toContain(
      'trap selects the quarantine label itself and opens: ingress from anywhere',
    )
  })

  it.each<[string, NetworkPolicy['spec']]>(
    [
      ['once and for all', { matchExpressions: [{ key: 'impound.dev/quarantine', operator: 'Exists' }] }],
      [
        'until the other labels are gone',
        {
          matchExpressions: [
            { key: 'impound.dev/quarantine', operator: 'Exists' },
            { key: 'app', operator: 'Exists' },
          ],
        },
      ],
    ].map(([title, podSelector]) => [
      title as string,
      { podSelector, ingress: [{}] } as NetworkPolicy['spec'],
    ]),
  )('refuses where the quarantine label itself would open an isolated pod, %s', async (_title, trap) => {
    const api = shop()
    api.put('networkpolicies', policy('trap', trap))
    expect((await plan(api)).refusals).toEqual([])
    api.put('networkpolicies', policy('isolated', { podSelector: {}, policyTypes: ['Ingress'] }))
    expect((await plan(api)).refusals).toEqual([
      {
        code: 'opens-more',
        message:
          'the quarantine label would make NetworkPolicy trap select the pod and open: ingress from anywhere',
        override: '--patch-residuals',
      },
    ])
    const patched = await plan(api, { wanted: new Set(['patch-residuals']) })
    expect(patched.refusals).toEqual([])
    expect(actionNamed(patched, 'patch-residuals')?.closes).toEqual(['trap'])
  })

  it('says that a policy may select which it can not evaluate', async () => {
    const api = shop()
    const selector = { matchExpressions: [{ key: 'app', operator: 'Matches', values: ['w.*'] }] }
    api.put('networkpolicies', policy('odd', { podSelector: selector, ingress: [{}] }))
    const { warnings, policies } = await plan(api)
    expect(policies).toMatchObject([{ name: 'odd', residual: true }])
    expect(warnings.join()).toMatch(/odd selects by Matches, which this version can't evaluate/)
  })

  it.each<[string, JsonObject, string]>([
    ['host-network', { spec: { ...SPEC, hostNetwork: true } }, 'network of its node'],
    [
      'static-pod',
      { metadata: { ...METADATA, annotations: { 'kubernetes.io/config.mirror': 'x' } } },
      'static pod',
    ],
    [
      'terminating',
      { metadata: { ...METADATA, deletionTimestamp: '2026-11-22T02:59:00Z' } },
      'being deleted',
    ],
    ['completed', { status: { phase: 'Succeeded' } }, 'has ended'],
    ['completed', { status: { phase: 'Failed' } }, 'has ended'],
  ])('refuses a pod that is %s', async (code, change, words) => {
    const api = shop()
    editPod(api, change)
    const { refusals, dryRuns } = await plan(api)
    expect(refusals).toMatchObject([{ code, message: expect.stringContaining(words) }])
    expect(dryRuns).toEqual([])
  })

  it('refuses a pod that another case holds, and says who since when', async () => {
    const api = shop()
    const first = createContainment({ ...OPTIONS, case: 'INC-41', who: 'bo@corp' })
    await first.apply(api.context, await first.plan(api.context, target(api)))
    const { refusals, resumes } = await plan(api)
    expect(resumes).toBe(false)
    expect(refusals).toEqual([
      {
        code: 'other-case',
        message: 'case INC-41 holds the pod: quarantined by bo@corp at 2026-11-22T03:00:00.000Z',
      },
    ])
  })

  it.each([
    '',
    'mine',
    '{"case":"INC-42"}',
    '[1]',
    '{"case":"INC-42","who":"a","when":"b","tool":"c","labels":3}',
  ])('does not take the annotation %j for a lock of its own', async (value) => {
    const api = shop()
    editPod(api, { metadata: { ...METADATA, annotations: { 'impound.dev/quarantine': value } } })
    expect((await plan(api)).refusals).toMatchObject([{ code: 'other-case' }])
  })

  it('refuses a policy of its own name that is not its own', async () => {
    const api = shop()
    api.put('networkpolicies', policy(`impound-${MARK}`, { podSelector: {}, ingress: [{}] }))
    const found = await plan(api)
    expect(found.policy.state).toBe('foreign')
    expect(found.refusals).toMatchObject([{ code: 'foreign-policy' }])
    expect(found.policies).toMatchObject([{ name: `impound-${MARK}`, residual: true }])
  })

  describe('and the last ready endpoint of a Service', () => {
    function alone(): MemoryApi {
      const api = shop()
      api.edit('endpointslices', 'web-abc', (slice) => {
        slice['endpoints'] = [
          endpoint('10.0.3.9', SUSPECT, UID),
          endpoint('fd00::9', SUSPECT, UID),
          endpoint('10.0.3.10', 'web-6dd6-b7b', 'sibling-1', false),
        ]
      })
      return api
    }

    it('refuses to take it, and names the flag', async () => {
      const { refusals, services } = await plan(alone())
      expect(services).toEqual([{ name: 'web', readyNow: 1, readyAfter: 0, serves: true }])
      expect(refusals).toEqual([
        {
          code: 'last-endpoint',
          message: 'it is the last ready endpoint of Service web',
          override: '--allow-outage',
        },
      ])
    })

    it('takes it with the flag, and warns', async () => {
      const { refusals, warnings } = await plan(alone(), { allowOutage: true })
      expect(refusals).toEqual([])
      expect(warnings).toContain('it is the last ready endpoint of Service web')
    })

    it('lets a pod go that is not ready anyway', async () => {
      const api = alone()
      editPod(api, { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } })
      expect((await plan(api)).refusals).toEqual([])
    })

    it('also refuses where endpoints can not be seen', async () => {
      const api = shop()
      api.unreadable.set('endpointslices', 'forbidden')
      const { refusals, services } = await plan(api)
      expect(refusals).toMatchObject([{ code: 'last-endpoint', override: '--allow-outage' }])
      expect(services).toMatchObject([{ name: 'web', unknown: 'its endpoints could not be listed' }])
    })

    it.each<[string, string]>([
      ['v1beta1', 'endpointslices'],
      ['none', 'endpoints'],
    ])('reads endpoints where EndpointSlices are served as %s', async (version, resource) => {
      const api = shop()
      api.served = api.served.flatMap((each) =>
        each.resource !== 'endpointslices' ? [each] : version === 'none' ? [] : [{ ...each, version }],
      )
      api.put('endpoints', {
        metadata: { name: 'web', namespace: 'shop', uid: 'ep-1' },
        subsets: [
          {
            addresses: [{ ip: '10.0.3.9', targetRef: { kind: 'Pod', name: SUSPECT, uid: UID } }],
            notReadyAddresses: [
              { ip: '10.0.3.10', targetRef: { kind: 'Pod', name: 'web-6dd6-b7b', uid: 'sibling-1' } },
            ],
          },
        ],
      })
      const { services } = await plan(api)
      expect(api.reads).toContain(resource)
      expect(services).toMatchObject([{ readyAfter: version === 'none' ? 0 : 1 }])
    })
  })

  it('names the rights that are missing, and does not try what needs them', async () => {
    const api = shop()
    api.denied = ({ verb, resource }) => verb === 'patch' && resource === 'pods'
    const { missingAccess, refusals, dryRuns } = await plan(api)
    expect(missingAccess).toEqual([
      { verb: 'patch', group: '', resource: 'pods', namespace: 'shop', name: SUSPECT },
    ])
    expect(refusals).toEqual([])
    expect(dryRuns.map(({ step }) => step)).toEqual(['policy'])
  })

  it('refuses what admission would refuse, with its words', async () => {
    const api = shop()
    api.admission = (method) => (method === 'POST' ? 'admission webhook "x" denied the request' : undefined)
    expect((await plan(api)).refusals).toMatchObject([
      { code: 'admission', message: expect.stringContaining('step policy: admission webhook "x" denied') },
    ])
  })

  it('does not take a webhook that can not do dry runs for a refusal', async () => {
    const api = shop()
    api.admission = () => 'admission webhook "x" does not support dry run'
    expect((await plan(api)).refusals).toEqual([])
  })

  it('stops where the name belongs to another pod', async () => {
    const api = shop()
    const old = target(api)
    api.put('pods', pod(SUSPECT, 'another-uid'))
    const stopped = await createContainment(OPTIONS)
      .plan(api.context, old)
      .catch((error: unknown) => error)
    expect(isCode(stopped, 'target-changed')).toBe(true)
  })

  it('warns of liveness probes, downward volumes, foreign controllers and policies of other kinds', async () => {
    const api = shop()
    api.served = [
      ...api.served,
      {
        group: 'cilium.io',
        version: 'v2',
        resource: 'ciliumnetworkpolicies',
        kind: 'CiliumNetworkPolicy',
        namespaced: true,
        verbs: [],
        preferred: true,
      },
    ]
    editPod(api, {
      metadata: {
        ...METADATA,
        ownerReferences: [
          { apiVersion: 'db.example/v1', kind: 'Cluster', name: 'pg', uid: 'x', controller: true },
        ],
      },
      spec: {
        ...SPEC,
        containers: [{ name: 'app', livenessProbe: { periodSeconds: 5, failureThreshold: 2 } }],
        volumes: [{ name: 'info', downwardAPI: { items: [{ fieldRef: { fieldPath: 'metadata.labels' } }] } }],
      },
    })
    const { warnings, attackerSees, owner } = await plan(api)
    expect(warnings.join('\n')).toMatch(/liveness probe of container app: .* about 10 s after the cut/)
    expect(warnings.join('\n')).toMatch(/Cluster pg controls the pod.*may delete the pod/)
    expect(warnings.join('\n')).toMatch(/CiliumNetworkPolicy is served here and not evaluated/)
    expect(attackerSees.join('\n')).toContain('downward API volume info')
    expect(owner).toMatchObject({ kind: 'Cluster', chain: ['Cluster pg'] })
  })

  it('warns where labels that stay keep the owner and the Service', async () => {
    const api = shop()
    api.edit('replicasets', 'web-6dd6', (owner) => {
      owner['spec'] = { replicas: 2, selector: { matchLabels: { app: 'web' } } }
    })
    const { warnings } = await plan(api, { keepLabels: ['app'] })
    expect(warnings.join('\n')).toMatch(/ReplicaSet web-6dd6 still selects the pod by the labels that stay/)
    expect(warnings.join('\n')).toMatch(/Service web still selects the pod/)
  })

  it('goes on where policies can not be listed, and says that nothing is known', async () => {
    const api = shop()
    api.unreadable.set('networkpolicies', 'forbidden')
    api.denied = ({ resource, verb }) => resource === 'networkpolicies' && verb === 'list'
    const { warnings, missingAccess } = await plan(api)
    expect(warnings.join()).toContain('what stays open is not known')
    expect(missingAccess).toHaveLength(1)
  })
})
