import { describe, expect, it } from '@jest/globals'

import { createContainment, entriesFromAnnotation } from '../../src/containment/index.js'
import type { QuarantineOptions } from '../../src/containment/options.js'
import type { Json, JsonObject } from '../../src/model/json.js'
import type { Target } from '../../src/model/target.js'
import { faultsAt, quarantineWith, releaseWith, surviving } from './faulty-runs.js'
import type { Fault, MemoryApi } from './memory-api.js'
import { complaints } from './schemas.js'
import { actionNamed, MARK, OPTIONS, shop, suspect, target } from './shop.js'

const WANTED: QuarantineOptions = { ...OPTIONS, wanted: new Set(['detach-bindings']) }
const OURS = { kind: 'ServiceAccount', namespace: 'shop', name: 'shop' }
const OTHER = { kind: 'ServiceAccount', namespace: 'shop', name: 'other' }
const AS_USER = {
  kind: 'User',
  apiGroup: 'rbac.authorization.k8s.io',
  name: 'system:serviceaccount:shop:shop',
}

type Name = readonly [resource: string, name: string, namespace: string]

const BINDINGS: readonly (readonly [name: Name, subjects: readonly Json[], metadata?: JsonObject])[] = [
  [
    ['rolebindings', 'web', 'shop'],
    [OTHER, OURS, AS_USER, OTHER],
  ],
  [['rolebindings', 'abroad', 'other'], [OURS]],
  [['rolebindings', 'same-name', 'other'], [{ ...OURS, namespace: 'other' }]],
  [
    ['clusterrolebindings', 'admin', ''],
    [OURS, OTHER],
    { annotations: { 'meta.helm.sh/release-name': 'x' } },
  ],
  [['clusterrolebindings', 'everybody', ''], [{ kind: 'Group', name: 'system:serviceaccounts:shop' }]],
]

function withBindings(): MemoryApi {
  const api = shop()
  for (const [[resource, name, namespace], subjects, metadata = {}] of BINDINGS) {
    api.put(resource, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: resource === 'rolebindings' ? 'RoleBinding' : 'ClusterRoleBinding',
      metadata: { name, uid: `${resource}-${name}`, ...(namespace === '' ? {} : { namespace }), ...metadata },
      subjects,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    })
  }
  return api
}

function subjects(api: MemoryApi, [resource, name, namespace]: Name): unknown {
  return api.find(resource, name, namespace)?.['subjects']
}

/** All bindings, byte for byte but for their versions. */
function face(api: MemoryApi): string {
  return JSON.stringify(
    BINDINGS.map(([[resource, name, namespace]]) => {
      const { metadata, ...rest } = api.find(resource, name, namespace)!
      // where an operation puts a key, no byte of the API shows
      return Object.entries({ ...rest, ...metadata, resourceVersion: '' }).sort(([left], [right]) =>
        left < right ? -1 : 1,
      )
    }),
  )
}

function isDetached(api: MemoryApi): boolean {
  return !face(api).includes(JSON.stringify(OURS)) && !face(api).includes(AS_USER.name + '","')
}

const WEB: Name = ['rolebindings', 'web', 'shop']

function sibling(api: MemoryApi): Target {
  const name = 'web-6dd6-b7b'
  return {
    namespace: 'shop',
    name,
    uid: 'sibling-1',
    pod: api.find('pods', name) as unknown as Target['pod'],
  }
}

describe('--detach-bindings', () => {
  it('takes the account off each binding that names it, and release puts it back byte for byte', async () => {
    const api = withBindings()
    const before = face(api)
    const containment = createContainment(WANTED)
    const plan = await containment.plan(api.context, target(api))
    expect(complaints('quarantine-plan', plan)).toEqual([])
    expect(actionNamed(plan, 'detach-bindings')).toMatchObject({
      changes: [
        '~ ClusterRoleBinding admin: take account shop/shop off ClusterRole edit',
        '~ RoleBinding other/abroad: take account shop/shop off ClusterRole edit',
        '~ RoleBinding shop/web: take account shop/shop off ClusterRole edit',
        '~ annotation impound.dev/detach-bindings',
      ],
      warnings: [
        'account shop/shop loses its rights in these pods too: web-6dd6-b7b',
        'ClusterRoleBinding admin is kept by Helm, which may put it back as it was',
        'what it may do as one of all accounts stays: ClusterRoleBinding everybody',
        'rights that come from elsewhere than RBAC (a webhook, a cloud identity) stay',
      ],
    })
    await containment.apply(api.context, plan)
    expect(subjects(api, WEB)).toEqual([OTHER, OTHER])
    expect(subjects(api, ['rolebindings', 'abroad', 'other'])).toBeUndefined()
    expect(subjects(api, ['rolebindings', 'same-name', 'other'])).toEqual([{ ...OURS, namespace: 'other' }])
    expect((await containment.verify(api.context, plan)).tried).toContain(
      'read back: the account is off 3 of 3 bindings',
    )
    expect((await createContainment(OPTIONS).undo(api.context, api.journal)).left).toEqual([])
    expect(face(api)).toBe(before)
    expect(suspect(api).metadata?.annotations).toBeUndefined()
  })

  it.each(faultsAt(10))(
    'write %i, %s: the next run does what is left',
    async (write, _title, fault: Fault) => {
      const api = withBindings()
      const before = face(api)
      api.faults.set(write, fault)
      await surviving(() => quarantineWith(api, WANTED))
      await quarantineWith(api, WANTED)
      expect(isDetached(api)).toBe(true)
      const writes = api.writes.length
      await quarantineWith(api, WANTED)
      expect(api.writes).toHaveLength(writes)
      await releaseWith(api, OPTIONS, fault)
      expect(face(api)).toBe(before)
    },
  )

  it.each(faultsAt(10))('write %i, %s: a release puts all back', async (write, _title, fault: Fault) => {
    const api = withBindings()
    const before = face(api)
    api.faults.set(write, fault)
    await surviving(() => quarantineWith(api, WANTED))
    await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(face(api)).toBe(before)
  })

  it('keeps the account off for a second suspect that has it, until the last is released', async () => {
    const api = withBindings()
    const before = face(api)
    await quarantineWith(api, WANTED)
    const ofFirst = api.journal.length
    const other = createContainment({ ...WANTED, case: 'INC-43', allowOutage: true })
    await other.apply(api.context, await other.plan(api.context, sibling(api)))
    const second = api.journal.slice(ofFirst)
    const { done } = await createContainment(OPTIONS).undo(api.context, api.journal.slice(0, ofFirst))
    expect(done).toContain('= RoleBinding shop/web: account shop/shop stays off, another held pod has it')
    expect(isDetached(api)).toBe(true)
    await createContainment(OPTIONS).undo(api.context, second)
    expect(face(api)).toBe(before)
  })

  it('is taken back by the marks alone, and by the journal where the pod is gone', async () => {
    for (const how of ['annotation', 'journal'] as const) {
      const api = withBindings()
      const before = face(api)
      await quarantineWith(api, WANTED)
      const entries = how === 'journal' ? api.journal : entriesFromAnnotation(suspect(api))
      if (how === 'journal') api.remove('pods', target(api).name)
      await createContainment(OPTIONS).undo(api.context, entries)
      expect(face(api)).toBe(before)
    }
  })

  it('keeps what others changed meanwhile, and names what they did to it', async () => {
    const api = withBindings()
    await quarantineWith(api, WANTED)
    const late = { kind: 'User', name: 'late' }
    api.edit('rolebindings', 'web', (object) => (object['subjects'] = [OTHER, late]))
    api.edit('clusterrolebindings', 'admin', (object) => (object['subjects'] = [OURS]), '')
    api.edit('rolebindings', 'abroad', ({ metadata }) => (metadata['annotations'] = {}), 'other')
    const { left } = await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(left).toEqual([
      'ClusterRoleBinding admin: account shop/shop was put back by somebody else',
      'RoleBinding other/abroad no longer says what was taken off it',
    ])
    expect(subjects(api, WEB)).toEqual([OTHER, OURS, AS_USER, late])
  })

  it('puts nobody else on a binding, whatever its annotation was made to say', async () => {
    const api = withBindings()
    await quarantineWith(api, WANTED)
    api.edit('rolebindings', 'web', ({ metadata }) => {
      const key = `impound.dev/detach-bindings-${MARK}`
      const annotations = metadata['annotations'] as Record<string, string>
      annotations[key] = annotations[key]!.replaceAll('"name":"shop"}', '"name":"mallory"}')
    })
    await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(JSON.stringify(subjects(api, WEB))).not.toContain('mallory')
  })

  it('names missing rights, and refuses where the server refuses to change a binding', async () => {
    const api = withBindings()
    api.denied = ({ verb, resource }) => verb === 'patch' && resource === 'clusterrolebindings'
    expect((await createContainment(WANTED).plan(api.context, target(api))).missingAccess).toEqual([
      { verb: 'patch', group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings' },
    ])
    const strict = withBindings()
    strict.admission = (_method, body) =>
      JSON.stringify(body).includes('/subjects') ? 'attempting to grant extra privileges' : undefined
    const { refusals } = await createContainment(WANTED).plan(strict.context, target(strict))
    expect(refusals[0]).toEqual({
      code: 'admission',
      message: 'ClusterRoleBinding admin: attempting to grant extra privileges',
    })
  })

  it('says so where no binding names the account, and changes nothing', async () => {
    const api = shop()
    const plan = await createContainment(WANTED).plan(api.context, target(api))
    expect(actionNamed(plan, 'detach-bindings')).toMatchObject({
      changes: [],
      warnings: expect.arrayContaining(['no binding names account shop/shop: nothing to take off']),
    })
    await quarantineWith(api, WANTED)
    expect(suspect(api).metadata?.annotations).not.toHaveProperty(['impound.dev/detach-bindings'])
  })
})
