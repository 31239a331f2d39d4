import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import { Shop } from './shop.js'
import { apply, impound, kubectl, world } from './world.js'

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

function shopLabels(): string {
  return kubectl('get', 'pods', '-n', shop.namespace, '--show-labels')
}
