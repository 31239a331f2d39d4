import { describe, expect, it } from '@jest/globals'

import type { FaultTarget, LabFault } from '../../../src/lab/faults/fault.js'
import { Faults } from '../../../src/lab/faults/faults.js'
import { startLab } from '../../../src/lab/lab.js'
import { accessOf, call } from '../client.js'
import { smallSeed } from '../small-seed.js'

const target = (path: string, more: Partial<FaultTarget> = {}): FaultTarget => ({
  server: 'api',
  at: '2026-11-01T00:00:00.000Z',
  method: 'GET',
  path,
  user: 'u',
  auditId: 'a',
  ...more,
})

const SCRIPT: readonly LabFault[] = [
  { match: { path: /\/pods\// }, effect: { kind: 'status', code: 503 }, after: 1, times: 2 },
  { match: { server: 'registry' }, effect: { kind: 'reset' } },
  { match: { method: 'GET' }, effect: { kind: 'html', code: 502 }, times: Infinity },
]
const PATHS = ['/pods/a', '/pods/b', '/nodes', '/pods/c', '/pods/d']

describe('a fault script', () => {
  it('strikes the same way each time', () => {
    const run = (): unknown[] => {
      const faults = new Faults(SCRIPT)
      for (const path of PATHS) faults.strike(target(path))
      return faults.fired.map(({ path, fault }) => [path, fault.effect.kind])
    }
    expect(run()).toEqual([
      ['/pods/a', 'html'],
      ['/pods/b', 'status'],
      ['/nodes', 'html'],
      ['/pods/c', 'status'],
      ['/pods/d', 'html'],
    ])
    expect(run()).toEqual(run())
  })

  it('reports what never struck, or too seldom', () => {
    const faults = new Faults(SCRIPT)
    for (const path of PATHS.slice(0, 2)) faults.strike(target(path))
    expect(faults.unfired().map(({ fired, why }) => [fired, why])).toEqual([
      [1, 'struck 1 of 2 times: 2 requests matched, the first 1 are left alone'],
      [0, 'no request matched'],
    ])
  })

  it('reports a fault that was taken back before it struck, and none that struck first', () => {
    const faults = new Faults()
    const [first, second] = [1, 2].map(() =>
      faults.add({ match: {}, effect: { kind: 'reset' }, times: Infinity }),
    )
    faults.strike(target('/x'))
    first?.()
    second?.()
    expect(faults.unfired()).toMatchObject([{ why: 'no request matched' }])
  })

  it('counts a strike that missed as none', () => {
    const faults = new Faults([{ match: {}, effect: { kind: 'truncate', bytes: 9 } }])
    faults.strike(target('/x'))?.missed('too short')
    expect(faults.unfired()).toMatchObject([{ fired: 0, why: 'GET /x: too short' }])
    expect(faults.fired).toMatchObject([{ path: '/x', missed: 'too short' }])
  })

  it.each([
    [{ match: { method: 'get' }, effect: { kind: 'reset' } }, 'method'],
    [{ match: { path: /x/g }, effect: { kind: 'reset' } }, 'flag g or y'],
    [{ match: { server: 'registry', user: 'x' }, effect: { kind: 'reset' } }, 'matches no user'],
    [{ match: {}, effect: { kind: 'reset' }, times: 0 }, 'times'],
    [{ match: {}, effect: { kind: 'reset' }, after: -1 }, 'after'],
    [{ match: {}, effect: { kind: 'status', code: 200 } }, 'from 400 to 599'],
    [{ match: {}, effect: { kind: 'status', code: 429, retryAfterSeconds: 0.5 } }, 'retryAfterSeconds'],
    [{ match: {}, effect: { kind: 'drop-after', bytes: -1 } }, 'bytes'],
    [{ match: {}, effect: { kind: 'lose-last', bytes: 0 } }, 'bytes'],
    [{ match: {}, effect: { kind: 'wrong-length', by: 0 } }, 'other than 0'],
    [{ match: {}, effect: { kind: 'slow', bytesPerSecond: 0 } }, 'bytesPerSecond'],
    [{ match: {}, effect: { kind: 'nix' } }, 'no such fault'],
    [{ match: { server: 'registry' }, effect: { kind: 'clock-jump', seconds: 5 } }, 'of the API server'],
  ])('refuses to be declared as %j', (fault, words) => {
    expect(() => new Faults([fault as LabFault])).toThrow(words)
  })

  it('is data for the lab, which logs each firing with its request', async () => {
    const faults: LabFault[] = [
      { match: { path: /\/nodes$/ }, effect: { kind: 'status', code: 500 } },
      {
        match: { server: 'registry', path: /\/v2\// },
        effect: { kind: 'status', code: 429, retryAfterSeconds: 3 },
      },
    ]
    const lab = await startLab({ seed: smallSeed, faults })
    try {
      const admin = await accessOf(lab.kubeconfig)
      await call(admin, '/api/v1/nodes', { headers: { 'Audit-ID': 'mine' } })
      const limited = await fetch(`${lab.registry.url}/v2/`)
      expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '3'])
      expect(await limited.json()).toMatchObject({ errors: [{ code: 'TOOMANYREQUESTS' }] })
      expect(lab.faults.fired).toEqual([
        {
          fault: faults[0],
          server: 'api',
          at: expect.stringMatching(/^\d{4}-.*Z$/),
          method: 'GET',
          path: '/api/v1/nodes',
          user: 'lab-admin',
          auditId: 'mine',
        },
        expect.objectContaining({ fault: faults[1], server: 'registry', path: '/v2/' }),
      ])
      expect(lab.faults.unfired()).toEqual([])
    } finally {
      await lab.close()
    }
  })
})
