import { randomBytes } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { systemClock } from '../../src/engine/system.js'
import { connect, type KubeConnection } from '../../src/kube/connect.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import { asString, at } from '../../src/model/json.js'

const POLICIES = { group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies', namespace: 'shop' }

let lab: Lab
let kube: KubeConnection

async function connection(kubeconfig: string): Promise<KubeConnection> {
  return connect({
    kubeconfig,
    asGroups: [],
    requestTimeoutMs: 5_000,
    clock: systemClock,
    random: randomBytes,
    notice: () => undefined,
  })
}

beforeAll(async () => {
  lab = await startLab()
  kube = await connection(lab.kubeconfig)
})

afterAll(async () => {
  await kube.close()
  await lab.close()
})

async function version(): Promise<string> {
  for await (const { body } of kube.reader.list(POLICIES, { signal: AbortSignal.timeout(5_000) }))
    return asString(at(JSON.parse(body.toString('utf8')), 'metadata', 'resourceVersion')) ?? ''
  return ''
}

function watchesOpened(): number {
  return lab.requests.filter(({ path }) => path.includes('watch=1')).length
}

describe('a watch', () => {
  it('waits until the list changes', async () => {
    const before = watchesOpened()
    const changed = kube.watch.changed(POLICIES, {
      signal: AbortSignal.timeout(10_000),
      resourceVersion: await version(),
    })
    while (watchesOpened() === before) await new Promise((next) => setTimeout(next, 10))
    const early = await Promise.race([changed, new Promise((next) => setTimeout(() => next('waits'), 100))])
    expect(early).toBe('waits')
    lab.objects.delete('networkpolicies.networking.k8s.io', 'shop', 'allow-web')
    expect(await changed).toBe('changed')
  })

  it('takes a version that the server does not know any more for a change', async () => {
    const old = await version()
    lab.objects.delete('networkpolicies.networking.k8s.io', 'shop', 'allow-same-namespace')
    lab.compact()
    const changed = kube.watch.changed(POLICIES, {
      signal: AbortSignal.timeout(10_000),
      resourceVersion: old,
    })
    expect(await changed).toBe('changed')
  })

  it('ends with its signal', async () => {
    const stop = new AbortController()
    const changed = kube.watch.changed(POLICIES, { signal: stop.signal, resourceVersion: await version() })
    setTimeout(() => stop.abort(), 50)
    await expect(changed).rejects.toMatchObject({ code: 'aborted' })
  })

  it('names the right that is missing', async () => {
    const poor = await connection(await lab.kubeconfigFor('poor', []))
    const changed = poor.watch.changed(POLICIES, { signal: AbortSignal.timeout(5_000), resourceVersion: '1' })
    await expect(changed).rejects.toMatchObject({ code: 'forbidden' })
    await expect(changed).rejects.toHaveProperty(
      'hints',
      expect.arrayContaining([expect.stringContaining('watch networkpolicies.networking.k8s.io in shop')]),
    )
    await poor.close()
  })
})
