import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { killCauses, judge } from '../../src/engine/judgement.js'
import { killTargets } from '../../src/engine/kill.js'
import { killRefusal, planKill } from '../../src/engine/plan-kill.js'
import type { PreparedRun } from '../../src/engine/prepare.js'
import type { ArchiveResult, KillResult } from '../../src/engine/result.js'
import { systemClock } from '../../src/engine/system.js'
import { resolveTargets } from '../../src/engine/targets.js'
import { connect, type KubeConnection } from '../../src/kube/connect.js'
import type { LabFault } from '../../src/lab/faults/fault.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import type { Journal } from '../../src/model/ports/kube-writer.js'
import type { RunContext } from '../../src/model/ports/run-context.js'
import type { Target } from '../../src/model/target.js'
import { samplePlan } from '../cli/sample-plan.js'
import { smallSeed } from '../lab/small-seed.js'

const ARCHIVE: ArchiveResult = {
  path: '/x.tar.gz',
  bytes: 1,
  sha256: '',
  logHead: '',
  incomplete: false,
  verified: true,
  signed: false,
  besides: [],
}
const SILENT: Journal = { intent: () => Promise.resolve(), result: () => Promise.resolve() }

let lab: Lab
let kube: KubeConnection
let target: Target
let run: RunContext
let home: string
const stateHome = process.env['XDG_STATE_HOME']

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'impound-kill-'))
  process.env['XDG_STATE_HOME'] = home
  lab = await startLab({ seed: smallSeed, pace: { react: 5, start: 5 } })
  kube = await connected(lab.kubeconfig)
  run = { clock: systemClock, random: randomBytes, signal: AbortSignal.timeout(20_000) }
  ;[target] = (await resolveTargets(
    kube.reader,
    { names: [lab.suspect.name], namespace: 'shop' },
    run.signal,
  )) as [Target]
})

afterEach(async () => {
  await kube.close()
  await lab.close()
  rmSync(home, { recursive: true, force: true })
  if (stateHome === undefined) delete process.env['XDG_STATE_HOME']
  else process.env['XDG_STATE_HOME'] = stateHome
})

function connected(kubeconfig: string): Promise<KubeConnection> {
  return connect({
    kubeconfig,
    asGroups: [],
    requestTimeoutMs: 10_000,
    clock: systemClock,
    random: randomBytes,
    notice: () => undefined,
  })
}

/** What the run knows of itself, as far as a kill asks. */
async function prepared(): Promise<PreparedRun> {
  const plan = samplePlan(target.name)
  const kill = await planKill(target, kube, SILENT, run)
  const planned = {
    ...plan,
    targets: [{ ...plan.targets[0]!, uid: target.uid, kill: { ...kill, graceSeconds: 0 } }],
  }
  return { plan: planned, targets: [target], kube, scene: { where: {} } } as unknown as PreparedRun
}

async function killed(
  archive: ArchiveResult | undefined,
  faults: readonly LabFault[] = [],
): Promise<KillResult | undefined> {
  const of = await prepared()
  for (const fault of faults) lab.faults.add(fault)
  return (await killTargets(of, archive, run, () => undefined)).get(target.uid)
}

function suspect(): unknown {
  return lab.objects.get('pods', 'shop', target.name)
}

/** The lines of the state file, where the journal of a kill is. */
function journal(): string {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('')
}

describe('killing a pod once its archive stands', () => {
  it('deletes the pod of this very UID, journalled in the state file', async () => {
    expect(await killed(ARCHIVE)).toEqual({ state: 'gone' })
    expect(suspect()).toBeUndefined()
    const [request] = lab.requests.filter(
      ({ method, path }) => method === 'DELETE' && !path.includes('dryRun'),
    )
    expect(request).toBeDefined()
    expect(journal()).toContain('"action":"kill"')
    expect(journal()).toContain(target.uid)
  })

  it.each<[string, ArchiveResult | undefined, string]>([
    ['there is none', undefined, 'there is no archive'],
    ['it does not verify', { ...ARCHIVE, verified: false }, 'does not verify'],
    ['it is incomplete', { ...ARCHIVE, incomplete: true }, 'is incomplete'],
  ])('deletes nothing where %s', async (_why, archive, why) => {
    expect(await killed(archive)).toMatchObject({ state: 'not-done', why: expect.stringContaining(why) })
    expect(suspect()).toBeDefined()
    expect(journal()).toBe('')
  })

  it('leaves another pod of that name alone', async () => {
    const of = await prepared()
    lab.objects.delete('pods', 'shop', target.name)
    lab.objects.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: target.name, namespace: 'shop' },
      spec: { containers: [] },
    })
    const result = (await killTargets(of, ARCHIVE, run, () => undefined)).get(target.uid)
    expect(result).toEqual({ state: 'gone', why: 'somebody else deleted it' })
    expect(suspect()).toBeDefined()
  })

  it('says that it failed, and by which code, where the server refuses', async () => {
    const result = await killed(ARCHIVE, [
      { match: { method: 'DELETE', path: /(?<!dryRun=All)$/ }, effect: { kind: 'status', code: 403 } },
    ])
    expect(result).toMatchObject({ state: 'failed', code: 'forbidden' })
    expect(suspect()).toBeDefined()
  })

  it('is planned by reading and trying alone: what is lost, and how long its processes may end', async () => {
    const plan = await planKill(target, kube, SILENT, run)
    expect(plan).toMatchObject({ graceSeconds: 30, missingAccess: [] })
    expect(plan.losses.join()).toContain('memory, emptyDirs')
    expect(suspect()).toBeDefined()
  })

  it('is refused by the plan, without the right', async () => {
    const weak = await connected(
      await lab.kubeconfigFor('weak', [{ verb: 'get', group: '', resource: 'pods' }]),
    )
    try {
      const kill = await planKill(target, weak, SILENT, run)
      expect(kill.missingAccess).toMatchObject([{ verb: 'delete', resource: 'pods', name: target.name }])
      const [planned] = samplePlan().targets
      expect(killRefusal({ ...planned!, kill })).toMatchObject({ code: 'forbidden' })
    } finally {
      await weak.close()
    }
  })
})

describe('the judgement of a kill', () => {
  it.each<[KillResult | undefined, number]>([
    [undefined, 0],
    [{ state: 'gone' }, 0],
    [{ state: 'being-deleted', why: 'it still ends' }, 7],
    [{ state: 'not-done', why: 'the archive does not verify' }, 7],
    [{ state: 'failed', why: 'no', code: 'forbidden' }, 4],
  ])('%j ends with %i', (kill, status) => {
    const result = {
      namespace: 'shop',
      name: 'web',
      uid: 'u',
      changedFiles: [],
      ...(kill === undefined ? {} : { kill }),
    }
    expect(judge(killCauses(result)).exitStatus).toBe(status)
  })
})
