import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { preflightScreen } from '../../src/cli/preflight-screen.js'
import { preflight, type PreflightRequest } from '../../src/engine/preflight/preflight.js'
import { collectChoices } from '../../src/engine/rbac.js'
import { accessNeeds, anyPod } from '../../src/engine/run-access.js'
import { readScripts, systemContext } from '../../src/engine/system.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import type { AccessRule } from '../../src/model/api-path.js'
import type { Preflight } from '../../src/model/preflight.js'
import { complaints } from '../schemas/schemas.js'

let lab: Lab

beforeAll(async () => {
  lab = await startLab()
}, 60_000)

afterAll(() => lab.close())

const WISHES = { command: 'seize', allow: [], wanted: [], skip: [], usePullSecrets: false } as const

async function look(more: Partial<PreflightRequest> = {}, kubeconfig = lab.kubeconfig): Promise<Preflight> {
  const found = await preflight(
    {
      ...WISHES,
      cluster: { kubeconfig, namespace: 'shop', asGroups: [], requestTimeoutMs: 10_000 },
      names: [lab.suspect.name],
      nodePods: { image: 'debian' },
      imageGiven: false,
      registry: ['never'],
      argv: [],
      ...more,
    },
    systemContext(new AbortController().signal),
    () => undefined,
  )
  expect(complaints('impound/preflight/v1', found)).toEqual([])
  return found
}

/** All that a seizure with --allow exec uses, but for the rights that are named. */
async function responder(
  user: string,
  without: (rule: AccessRule) => boolean = () => false,
): Promise<string> {
  const needs = await accessNeeds(
    {
      command: 'seize',
      collect: collectChoices({ ...WISHES, allow: ['exec'] }),
      wanted: [],
      nodeNamespace: undefined,
      openShift: false,
      served: [],
    },
    { names: [], namespace: 'shop' },
    anyPod('shop'),
    await readScripts(),
  )
  return lab.kubeconfigFor(
    user,
    needs.flatMap(({ rules }) => rules).filter((rule) => !without(rule)),
  )
}

function state({ rows }: Preflight, name: string): unknown {
  return rows.find((row) => row.name === name)?.state
}

describe('a preflight', () => {
  it('finds that all works for who may do all, and changes nothing', async () => {
    const before = lab.requests.length
    const found = await look()
    expect(found).toMatchObject({ exitStatus: 0, user: 'lab-admin', target: { name: lab.suspect.name } })
    const missing = found.rows.filter((row) => row.asked && row.state !== 'works').map(({ name }) => name)
    expect(missing).toEqual(['network plugin', lab.registry.host])
    const writes = lab.requests
      .slice(before)
      .filter(({ method, path }) => method !== 'GET' && !/reviews|dryRun=All/.test(path))
    expect(writes.map(({ method, path }) => `${method} ${path}`)).toEqual([])
  })

  it('finds exactly nothing missing with the rights that a run declares', async () => {
    const found = await look({ allow: ['exec'] }, await responder('whole'))
    const lacking = found.rows.filter(({ asked, missingAccess }) => asked && missingAccess.length > 0)
    expect([found.exitStatus, lacking.map(({ name }) => name)]).toEqual([0, []])
    const byFlag = found.rows.filter(({ name }) =>
      /^(?:memory|checkpoint|node-triage|image-export)\b/.test(name),
    )
    expect(byFlag.filter(({ asked }) => asked)).toEqual([])
    expect(byFlag.length).toBeGreaterThan(3)
    // nobody asked for it
    expect(state(found, '--cordon')).toBe('missing')
  })

  it.each<
    [what: string, row: string, state: string, exitStatus: number, without: (rule: AccessRule) => boolean]
  >([
    ['bindings', 'access', 'partial', 3, ({ resource }) => resource === 'clusterrolebindings'],
    ['logs', 'logs', 'missing', 3, ({ subresource }) => subresource === 'log'],
    ['exec', 'filesystem by exec', 'missing', 3, ({ subresource }) => subresource === 'exec'],
    ['budgets', 'protect', 'partial', 0, ({ group }) => group === 'policy'],
    ['the patch', 'quarantine', 'missing', 4, ({ verb }) => verb === 'patch'],
    ['the pod', 'find the pod', 'missing', 4, ({ resource }) => resource === 'pods'],
  ])(
    'names what is missing without the right to %s, and ends as a script wants',
    async (what, name, is, exit, without) => {
      const found = await look({ allow: ['exec'] }, await responder(what.replace(' ', '-'), without))
      expect(state(found, name)).toBe(is)
      expect(found.rows.find((row) => row.name === name)?.why.join()).toContain('no right to')
      expect(found.exitStatus).toBe(exit)
    },
  )

  it('says what refuses the quarantine of this pod, and the pod on the node', async () => {
    const found = await look({ nodePods: { image: 'debian', namespace: 'shop' }, wanted: ['freeze'] })
    expect(found.exitStatus).toBe(9)
    expect(found.rows.find(({ name }) => name === 'of this pod')).toMatchObject({
      state: 'missing',
      why: [expect.stringContaining('--allow node')],
    })
    expect(state(found, 'pod on the node')).toMatch(/works|missing/)
  })

  it.each<[row: string, wishes: Partial<PreflightRequest>, resource: string, exit: number]>([
    ['canary twin', { allow: ['twin'] }, 'pods', 7],
    ['--kill', { kill: true }, 'pods', 9],
  ])('tries %s on this pod by a dry run, and says what refuses it', async (row, wishes, resource, exit) => {
    const found = await look(wishes)
    expect(found.rows.find(({ name }) => name === row)).toMatchObject({
      state: 'works',
      asked: true,
      why: ['a dry run was accepted'],
    })
    expect((await look()).rows.find(({ name }) => name === row)).toMatchObject({ asked: false })
    const operation = row === '--kill' ? 'DELETE' : 'CREATE'
    const takeBack = lab.admission.add({
      match: { resource, operation, namespace: 'shop' },
      effect: { kind: 'forbids', message: 'not here' },
    })
    const refused = await look(wishes)
    takeBack()
    expect(refused.rows.find(({ name }) => name === row)).toMatchObject({
      state: 'missing',
      why: [expect.stringContaining('not here')],
    })
    expect(refused.exitStatus).toBe(exit)
  })

  it.each([
    ['canary twin', { allow: ['twin'] }, 'create', 7],
    ['--kill', { kill: true }, 'delete', 4],
  ] as const)('names the right that %s lacks', async (row, wishes, verb, exit) => {
    const kubeconfig = await responder(`no-${verb}`, (rule) => rule.verb === verb && rule.resource === 'pods')
    const found = await look(
      { ...wishes, allow: [...('allow' in wishes ? wishes.allow : []), 'exec'] },
      kubeconfig,
    )
    const lacks = found.rows.find(({ name }) => name === row)
    expect(lacks).toMatchObject({ state: 'missing', asked: true })
    expect(lacks?.why.join()).toContain(`no right to`)
    expect(lacks?.missingAccess.map((rule) => rule.verb)).toContain(verb)
    expect(found.exitStatus).toBe(exit)
  })

  it('knows without a pod what rights there are in the namespace', async () => {
    const found = await look({ names: [] })
    expect(found.target).toBeUndefined()
    expect(state(found, 'filesystem by exec')).toBe('works')
    expect(preflightScreen(found)).toContain('any pod in shop')
  })

  it('says why a registry is not asked', async () => {
    const [row] = (await look()).rows.filter(({ area }) => area === 'registry')
    expect(row).toMatchObject({ name: lab.registry.host, state: 'missing' })
    const named = await look({ registry: [`${lab.registry.host}=${lab.registry.url}`] })
    expect(state(named, lab.registry.host)).toBe('works')
  })
})
