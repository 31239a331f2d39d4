import { execFileSync } from 'node:child_process'

import { afterAll, beforeAll, expect, it } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import { seedShop } from '../../src/lab/shop/shop.js'
import type { LabSeed } from '../../src/lab/types.js'
import type { ImageDocument } from '../../src/model/image-document.js'
import { CommandLine } from './command-line.js'

const LOGIN = { username: 'kubelet', password: 'canary-Zq81-of-the-registry' }
let lab: Lab
let cli: CommandLine

/** The shop with a registry that knows its customers, and a suspect that may pull from it. */
function seed(options: Parameters<NonNullable<Parameters<typeof startLab>[0]>['seed'] & object>[0]): LabSeed {
  const shop = seedShop(options)
  const auths = { auths: { '127.0.0.1:*': LOGIN } }
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: shop.suspect.namespace, name: 'regcred' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify(auths)).toString('base64') },
  }
  const objects = shop.objects.map((object) => {
    const { uid } = object['metadata'] as { uid?: string }
    if (uid !== shop.suspect.uid) return object
    const spec = object['spec'] as object
    return { ...object, spec: { ...spec, imagePullSecrets: [{ name: 'regcred' }] } }
  })
  return { ...shop, objects: [...objects, secret] as LabSeed['objects'] }
}

beforeAll(async () => {
  lab = await startLab({ seed, registry: { token: 'lab-token', login: LOGIN } })
  cli = new CommandLine(lab)
})
afterAll(() => lab.close())

const target = (): readonly string[] => [lab.suspect.name, '-n', lab.suspect.namespace]

it('says beforehand which Secret would be read, and reads none', async () => {
  const plan = await cli.run('snapshot', ...target(), '--use-pull-secrets', '--dry-run')
  expect(plan.stdout.toString() + plan.stderr).toMatch(/reads +Secret shop\/regcred/)
  const without = await cli.run('snapshot', ...target(), '--dry-run')
  expect(without.stdout.toString() + without.stderr).not.toContain('regcred')
  expect(lab.requests.some(({ path }) => path.includes('/secrets/'))).toBe(false)
})

it('opens the registry with it, says so, and keeps nothing of it', async () => {
  const argv = ['snapshot', ...target(), '--registry', cli.registry, '--json', '--case', 'P-1']
  const closed = JSON.parse((await cli.run(...argv)).stdout.toString()) as RunResult
  expect(JSON.stringify(closed.evidence)).toContain('wants credentials')
  const ran = await cli.run(...argv, '--use-pull-secrets')
  const result = JSON.parse(ran.stdout.toString()) as RunResult
  const archive = result.archive!.path
  const inside = (pattern: string): string =>
    execFileSync('tar', ['xzOf', archive, '--wildcards', pattern]).toString()
  const image = JSON.parse(inside('*/image/app/image.json')) as ImageDocument
  expect(image.registry?.credentials).toBe('the pull secret regcred')
  expect(inside('*/data/automatic/report.md')).toContain('the pull secret regcred')
  const everything = inside('*')
  const packed = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')
  for (const secret of [LOGIN.password, packed]) expect(everything.includes(secret)).toBe(false)
  expect(ran.stderr).not.toContain(LOGIN.password)
})

it('names the right that is missing, and goes on', async () => {
  const kubeconfig = await lab.kubeconfigFor('reader', [{ verb: 'get', group: '', resource: 'pods' }])
  const limited = new CommandLine(lab, kubeconfig)
  const plan = await limited.run('snapshot', ...target(), '--use-pull-secrets', '--dry-run')
  expect(plan.stdout.toString() + plan.stderr).toMatch(/image: no right to [^\n]*get secrets/)
})
