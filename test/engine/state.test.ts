import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { caseKey } from '../../src/engine/case-key.js'
import { DEFAULT_NODE_IMAGE } from '../../src/engine/node-image.js'
import { releaseCommand } from '../../src/engine/release-command.js'
import { claimSpool, refuseLiveSpool } from '../../src/engine/spool-owner.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'impound-state-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('the key of a case', () => {
  it('is the same in every run of the case, and another for another case', async () => {
    const first = await caseKey(folder, 'INC-1', randomBytes)
    expect(first).toHaveLength(32)
    expect(await caseKey(folder, 'INC-1', randomBytes)).toEqual(first)
    expect(await caseKey(folder, 'INC-2', randomBytes)).not.toEqual(first)
  })

  it('is for its owner alone', async () => {
    await caseKey(folder, 'INC-1', randomBytes)
    const path = join(folder, 'case-keys', 'INC-1.key')
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is one where two runs begin at once', async () => {
    const keys = await Promise.all([1, 2, 3, 4].map(() => caseKey(folder, 'INC-1', randomBytes)))
    const kept = readFileSync(join(folder, 'case-keys', 'INC-1.key'), 'utf8')
    for (const key of keys) expect(key.toString('hex')).toBe(kept)
  })

  it('is never a torn one: that is said', async () => {
    await caseKey(folder, 'INC-1', randomBytes)
    writeFileSync(join(folder, 'case-keys', 'INC-1.key'), 'ab')
    await expect(caseKey(folder, 'INC-1', randomBytes)).rejects.toMatchObject({ code: 'storage' })
  })
})

describe('a spool that is written to', () => {
  it('is refused to others while its process lives, and free after', async () => {
    const spool = join(folder, 'x.partial')
    const disclaim = await claimSpool(spool)
    await expect(refuseLiveSpool(spool)).rejects.toMatchObject({ code: 'refused' })
    await disclaim()
    await refuseLiveSpool(spool)
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    ['a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }), true],
    ['a process elsewhere', JSON.stringify({ pid: 1, host: 'another-machine' }), false],
    ['a torn line', '{"pid":', true],
  ])('claimed by %s: free is %s', async (_who, claim, free) => {
    writeFileSync(join(folder, 'x.partial.owner'), claim)
    const refused = await refuseLiveSpool(join(folder, 'x.partial')).then(
      () => false,
      () => true,
    )
    expect(refused).toBe(!free)
  })
})

describe('the command that undoes', () => {
  const target = { namespace: 'shop', name: 'web', uid: '1' }

  it('goes to the cluster that the run spoke to, quoted for a shell', () => {
    const cluster = { asGroups: [], requestTimeoutMs: 1, context: 'prod eu', kubeconfig: '/k' }
    expect(releaseCommand({ target, actions: [] }, { cluster, nodePods: { image: 'r/n:1' } })).toBe(
      "impound release web -n shop --kubeconfig /k --context 'prod eu'",
    )
  })

  it('brings the pod on the node where something stands there', () => {
    const freeze = { action: 'freeze', changes: [], warnings: [], refusals: [], missingAccess: [] }
    const actions = [{ ...freeze, needs: 'node' }] as const
    const cluster = { asGroups: [], requestTimeoutMs: 1 }
    const command = (nodePods: { readonly image: string; readonly namespace?: string }): string =>
      releaseCommand({ target, actions }, { cluster, nodePods })
    expect(command({ image: DEFAULT_NODE_IMAGE })).toBe('impound release web -n shop --allow node')
    expect(command({ image: 'r/n:1', namespace: 'ops' })).toBe(
      'impound release web -n shop --allow node --node-image r/n:1 --node-namespace ops',
    )
  })
})
