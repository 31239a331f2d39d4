import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import { Shop } from './shop.js'
import { apply, impound, kubectl, world, type Ran } from './world.js'

const shop = new Shop()
const home = mkdtempSync(join(tmpdir(), 'impound-e2e-'))
let name: string

beforeAll(async () => {
  await shop.open()
  name = (await shop.pods(2))[0]!.metadata.name
})

afterAll(() => {
  shop.close()
  rmSync(home, { recursive: true, force: true })
})

/** Gives `responder` these rights in the shop's namespace. */
function allow(rules: readonly object[]): void {
  const metadata = { name: 'responder', namespace: shop.namespace }
  apply(
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'responder' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'responder' }],
    },
  )
}

describe('rights on a real cluster', () => {
  it('none at all end a seizure with 4, before anything is changed, and each missing one is named', async () => {
    const ran = await impound(['seize', name, '-n', shop.namespace, '--yes'], {
      home,
      kubeconfig: world.noRights,
    })
    expect(ran.status).toBe(4)
    for (const right of [
      `get pods in ${shop.namespace}`,
      `patch pods in ${shop.namespace}`,
      `create networkpolicies.networking.k8s.io in ${shop.namespace}`,
      `get pods/log in ${shop.namespace}`,
    ]) {
      expect(ran.stderr).toContain(`missing: ${right}`)
    }
    expect(kubectl('get', 'networkpolicy', '-n', shop.namespace, '-o', 'name')).not.toContain('impound-')
  })

  it('too few give a snapshot of what can be had, and 3', async () => {
    allow([{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }])
    const ran = await impound(['snapshot', name, '-n', shop.namespace, '--case', 'E2E-2', '--json'], {
      home,
      kubeconfig: world.noRights,
    })
    expect(ran.status).toBe(3)
    const { evidence, archive } = JSON.parse(ran.stdout) as RunResult
    expect(archive?.verified).toBe(true)
    expect(evidence.counts.collected).toBeGreaterThan(0)
    const forbidden = evidence.missing
      .filter(({ reason }) => reason === 'forbidden')
      .map(({ collector }) => collector)
    expect(forbidden).toEqual(expect.arrayContaining(['events', 'logs', 'network']))
  })

  it('without those of a quarantine refuse a seizure with 4 and name them', async () => {
    const ran = await impound(['seize', name, '-n', shop.namespace, '--yes'], {
      home,
      kubeconfig: world.noRights,
    })
    expect(ran.status).toBe(4)
    expect(ran.stderr).toContain(`missing: patch pods in ${shop.namespace}`)
    expect(shopLabels()).not.toContain('impound.dev')
  })
})

describe('the rights that impound rbac prints, on a real cluster', () => {
  const roles = `impound-${shop.namespace}`
  let granted: readonly RoleObject[] = []
  /** When runs with exactly the printed rights began and ended. */
  const spans: { readonly from: string; readonly to: string }[] = []

  async function grant(...flags: readonly string[]): Promise<void> {
    revoke()
    const argv = ['rbac', '-n', shop.namespace, ...flags, '--user', 'responder', '--name', roles, '--json']
    const { stdout } = await impound(argv, { home, kubeconfig: '/nowhere' })
    granted = (JSON.parse(stdout) as { objects: RoleObject[] }).objects
    apply(...granted)
  }

  function revoke(): void {
    for (const { kind, metadata } of granted) {
      const where = metadata.namespace === undefined ? [] : ['-n', metadata.namespace]
      kubectl('delete', kind, metadata.name, ...where, '--ignore-not-found')
    }
    granted = []
  }

  const responder = (...argv: readonly string[]): Promise<Ran> =>
    impound(argv, { home, kubeconfig: world.noRights })

  async function seized(...flags: readonly string[]): Promise<RunResult> {
    const ran = await responder(
      ...['seize', name, '-n', shop.namespace, '--case', 'E2E-R', '--registry', world.registry],
      ...[...flags, '--yes', '--json'],
    )
    expect([0, 7]).toContain(ran.status)
    return JSON.parse(ran.stdout) as RunResult
  }

  beforeAll(() => {
    kubectl('delete', 'role,rolebinding', 'responder', '-n', shop.namespace)
    const subjects = [{ kind: 'ServiceAccount', name: 'default', namespace: shop.namespace }]
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }
    const metadata = { name: 'view', namespace: shop.namespace }
    apply({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata, roleRef, subjects })
  })

  afterAll(revoke)

  it.each([
    [['--allow', 'exec'], []],
    [
      ['--allow', 'node', '--patch-residuals', '--drop-connections', '--detach-bindings'],
      ['--node-image', world.nodeImage],
    ],
  ])('are enough for a whole seizure with %j and its release', async (flags, run) => {
    await grant(...flags)
    const from = new Date().toISOString()
    const { evidence, targets } = await seized(...flags, ...run)
    expect(evidence.missing.filter(({ reason }) => reason === 'forbidden')).toEqual([])
    expect(targets[0]?.containment?.error).toBeUndefined()
    expect(targets[0]?.containment?.actions.filter(({ error }) => error !== undefined)).toEqual([])
    const release = ['release', name, '-n', shop.namespace, '--yes', '--json']
    const released = await responder(...release, ...(run.length === 0 ? [] : ['--allow', 'node', ...run]))
    expect(released).toMatchObject({ status: 0 })
    spans.push({ from, to: new Date().toISOString() })
    // the owner has one too many then, and may have chosen the suspect
    name = (await shop.pods(2))[0]!.metadata.name
  })

  const withAuditLog = world.auditLog === undefined ? it.skip : it
  withAuditLog('leave the API server nothing to refuse, as its audit log says', () => {
    expect(spans).toHaveLength(2)
    for (const span of spans) expect(refused(world.auditLog ?? '', span)).toEqual([])
  })

  const missingEvidence = async (): Promise<string> => {
    const flags = ['--allow', 'exec', '--registry', 'never', '--case', 'E2E-L', '--json']
    const { stdout } = await responder('snapshot', name, '-n', shop.namespace, ...flags)
    const { evidence } = JSON.parse(stdout) as RunResult
    return evidence.missing
      .filter(({ reason }) => reason === 'forbidden')
      .map(({ collector, subject }) => `${collector} ${subject}`)
      .join('\n')
  }
  const plan = async (...flags: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await responder(
      ...['quarantine', name, '-n', shop.namespace, '--dry-run', '--allow', 'node', ...flags],
    )
    return stdout + stderr
  }

  /** What is said with all of the rights. */
  const whole = new Map<() => Promise<string>, string>()
  const detaching = (): Promise<string> => plan('--detach-bindings')

  it.each<[verb: string, resource: string, says: RegExp, ask: () => Promise<string>]>([
    ['list', 'events', /^events /m, missingEvidence],
    ['get', 'pods/log', /^logs /m, missingEvidence],
    ['list', 'services', /^network /m, missingEvidence],
    ['list', 'rolebindings', /^access /m, missingEvidence],
    ['get', 'nodes', /^pod node /m, missingEvidence],
    ['get', 'pods/exec', /^filesystem /m, missingEvidence],
    ['patch', 'pods', /missing: patch pods in /, plan],
    ['create', 'networkpolicies', /missing: create networkpolicies/, plan],
    ['delete', 'networkpolicies', /missing: delete networkpolicies/, plan],
    ['create', 'poddisruptionbudgets', /no right to create it/, plan],
    ['delete', 'namespaces', /no right +delete namespaces/, plan],
    ['patch', 'clusterrolebindings', /missing: patch clusterrolebindings/, detaching],
  ])('are one too few without "%s %s", and that is named', async (verb, resource, says, ask) => {
    if (whole.size === 0) await grant('--allow', 'exec,node', '--detach-bindings')
    if (!whole.has(ask)) whole.set(ask, await ask())
    expect(whole.get(ask)).not.toMatch(says)
    apply(...granted.map((role) => without(role, verb, resource)))
    try {
      expect(await ask()).toMatch(says)
    } finally {
      apply(...granted)
    }
  })
})

interface RoleObject {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules?: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[]
}

/** The role less one verb on one resource. */
function without({ rules, ...role }: RoleObject, verb: string, resource: string): object {
  if (rules === undefined) return role
  const left = rules.flatMap((rule) =>
    rule.resources.map((one) => ({
      ...rule,
      resources: [one],
      verbs: rule.verbs.filter((each) => one !== resource || each !== verb),
    })),
  )
  return { ...role, rules: left.filter(({ verbs }) => verbs.length > 0) }
}

/** What the API server refused the responder meanwhile. */
function refused(auditLog: string, { from, to }: { from: string; to: string }): readonly string[] {
  return readFileSync(auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"responder"') && line.includes('"code":403'))
    .map((line) => JSON.parse(line) as { requestReceivedTimestamp: string; verb: string; requestURI: string })
    .filter(({ requestReceivedTimestamp: at }) => at >= from && at <= to)
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`)
}

function shopLabels(): string {
  return kubectl('get', 'pods', '-n', shop.namespace, '--show-labels')
}
