import { randomBytes } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { systemClock } from '../../src/engine/system.js'
import { resolveTargets, type TargetRequest } from '../../src/engine/targets.js'
import { connect, type KubeConnection } from '../../src/kube/connect.js'
import { startLab, type Lab } from '../../src/lab/lab.js'

let lab: Lab
let kube: KubeConnection

beforeAll(async () => {
  lab = await startLab()
  kube = await connect({
    kubeconfig: lab.kubeconfig,
    asGroups: [],
    requestTimeoutMs: 60_000,
    clock: systemClock,
    random: randomBytes,
    notice: () => undefined,
  })
})

afterAll(async () => {
  await kube.close()
  await lab.close()
})

async function names(request: Partial<TargetRequest>): Promise<readonly string[]> {
  const targets = await resolveTargets(
    kube.reader,
    { names: [], namespace: 'shop', ...request },
    AbortSignal.timeout(60_000),
  )
  for (const { uid } of targets) expect(uid).not.toBe('')
  return targets.map(({ name }) => name)
}

const WEB = ['web-6dd6bfc4b-q8w5z', 'web-6dd6bfc4b-x2x7k']

describe('a target', () => {
  it.each([
    ['web-6dd6bfc4b-x2x7k', [WEB[1]]],
    ['pod/web-6dd6bfc4b-x2x7k', [WEB[1]]],
    ['deploy/web', WEB],
    ['Deployment/web', WEB],
    ['rs/web-6dd6bfc4b', WEB],
  ])('%s means %j', async (name, expected) => {
    expect(await names({ names: [name] })).toEqual(expected)
  })

  it('is refused where what the API sends is no pod', async () => {
    const was = lab.objects.get('pods', 'shop', WEB[0]!)!
    lab.objects.put({ ...was, status: { ...(was['status'] as object), conditions: 5 } })
    await expect(names({ names: [WEB[0]!] })).rejects.toMatchObject({
      code: 'server',
      message: expect.stringContaining('status.conditions'),
    })
    lab.objects.put(was)
  })

  it('can be a selector, and is named once even if it is meant twice', async () => {
    expect(await names({ selector: 'app=web' })).toEqual(WEB)
    expect(await names({ names: ['deploy/web', WEB[0]!], selector: 'tier=frontend' })).toEqual(WEB)
  })

  it.each<[Partial<TargetRequest>, string]>([
    [{}, 'usage'],
    [{ names: [''] }, 'usage'],
    [{ names: ['node/x'] }, 'usage'],
    [{ names: ['pod/'] }, 'usage'],
    [{ names: ['..'] }, 'usage'],
    [{ names: ['a/b/c'] }, 'usage'],
    [{ names: ['nothing'] }, 'not-found'],
    [{ names: ['deploy/nothing'] }, 'not-found'],
    [{ names: ['cronjob/nothing'] }, 'not-found'],
    [{ selector: 'app=nothing' }, 'not-found'],
    [{ names: ['web-6dd6bfc4b-x2x7k'], namespace: 'other' }, 'not-found'],
  ])('%j is refused as %s', async (request, code) => {
    await expect(names(request)).rejects.toMatchObject({ code })
  })
})
