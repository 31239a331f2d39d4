import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { ReleaseResult, RunResult } from '../../src/engine/result.js'
import type { DiffEntry } from '../../src/model/filesystem-documents.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import { SHOP_CANARIES } from '../../src/lab/shop/shop.js'
import { asStringMap, at } from '../../src/model/json.js'
import { CommandLine, type Ran } from './command-line.js'

let lab: Lab
let cli: CommandLine
let ran: Ran
let result: RunResult
let bag: string
let labelsBefore: Readonly<Record<string, string>>

function suspectPod(): unknown {
  return lab.objects.get('pods', lab.suspect.namespace, lab.suspect.name)
}

function files(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

beforeAll(async () => {
  lab = await startLab()
  cli = new CommandLine(lab)
  labelsBefore = asStringMap(at(suspectPod(), 'metadata', 'labels'))
  const { name, namespace } = lab.suspect
  ran = await cli.run(
    'seize',
    name,
    '-n',
    namespace,
    '--case',
    'T-1',
    '--allow',
    'exec',
    '--registry',
    cli.registry,
    '--yes',
    '--json',
  )
  result = JSON.parse(ran.stdout.toString('utf8')) as RunResult
  const unpacked = mkdtempSync(join(cli.home, 'unpacked-'))
  execFileSync('tar', ['xzf', result.archive!.path, '-C', unpacked])
  bag = join(unpacked, readdirSync(unpacked)[0]!)
})

afterAll(async () => {
  await lab.close()
  rmSync(cli.home, { recursive: true, force: true })
})

describe('impound seize, on the lab', () => {
  it('ends with 7 and says why on one JSON document', () => {
    expect(ran.status).toBe(7)
    expect(result).toMatchObject({
      schema: 'impound/result/v1',
      case: 'T-1',
      exitStatus: 7,
      footprint: { changes: 6 },
    })
    expect(result.because.join()).toContain('unverified')
  })

  it('takes every kind of evidence, and says what could not be had', () => {
    expect(result.evidence.counts.collected).toBeGreaterThanOrEqual(16)
    expect(result.evidence.missing.map(({ subject, reason }) => [subject, reason])).toEqual([
      ['filesystem log-shipper', 'target-refused'],
      ['filesystem migrate', 'not-applicable'],
      ['processes log-shipper', 'target-refused'],
      ['processes migrate', 'not-applicable'],
      ['sockets log-shipper', 'target-refused'],
      ['sockets migrate', 'not-applicable'],
    ])
  })

  it('lets no secret of the cluster into an API document or anything made of one', () => {
    const documents = files(join(bag, 'data')).filter((file) => !/\/(?:logs|filesystem)\//.test(file))
    expect(documents.length).toBeGreaterThan(30)
    for (const canary of SHOP_CANARIES) {
      const forms = [
        canary,
        Buffer.from(canary).toString('base64').replace(/=+$/, ''),
        encodeURIComponent(canary),
      ]
      for (const file of documents) {
        const text = readFileSync(file, 'latin1')
        for (const form of forms) expect(`${file}: ${String(text.includes(form))}`).toBe(`${file}: false`)
      }
    }
  })

  it('finds the dropped binary, the edit with its time set back and the deleted log', () => {
    const diff = files(bag).find((file) => file.endsWith('filesystem/app/diff.jsonl'))!
    const entries = readFileSync(diff, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as DiffEntry)
    const byPath = new Map(entries.map((entry) => [entry.path, entry]))
    expect(byPath.get('/tmp/.x/kworker')).toMatchObject({
      change: 'added',
      flags: ['running', 'exec-new'],
      content: 'kept',
    })
    expect(byPath.get('/app/config.yaml')).toMatchObject({ change: 'modified', changed: ['content'] })
    expect(byPath.get('/var/log/app/audit.log')).toMatchObject({ change: 'deleted' })
    expect(byPath.get('/usr/bin/nsenter')).toMatchObject({ change: 'metadata-only', changed: ['mode'] })
  })

  it('leaves a pod without labels but ours, out of its owner, and a replacement in its place', () => {
    const pod = suspectPod()
    expect(at(pod, 'metadata', 'labels')).toEqual({ 'impound.dev/quarantine': lab.suspect.uid.slice(0, 8) })
    expect(at(pod, 'metadata', 'ownerReferences') ?? []).toEqual([])
    expect(result.targets[0]?.after).toMatchObject({
      suspect: 'alive',
      restarts: 0,
      replacements: [{ name: expect.stringMatching(/^web-6dd6bfc4b-/) }],
    })
  })

  it('names the policy that overrides its deny-all', () => {
    expect(result.targets[0]?.containment?.verdict?.open.join('\n')).toContain('allow-same-namespace')
  })

  it('journals every change before it is sent, under the Audit-ID that the server saw', () => {
    const lines = readFileSync(join(bag, 'acquisition.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    const intents = lines
      .filter((line) => at(line, 'type') === 'intent')
      .map((line) => at(line, 'intent', 'auditId'))
    const writes = lab.requests.filter(
      ({ method, dryRun, path }) =>
        ['POST', 'PATCH', 'DELETE'].includes(method) && !dryRun && !path.includes('selfsubject'),
    )
    expect(writes.map(({ auditId }) => auditId)).toEqual(intents)
    expect(intents).toHaveLength(6)
  })

  it('makes an archive that verifies, here and with sha256sum', async () => {
    const checked = await cli.run('verify', result.archive!.path, '--json')
    expect(checked.status).toBe(0)
    execFileSync(
      'sha256sum',
      ['-c', '--strict', '--quiet', 'tagmanifest-sha256.txt', 'manifest-sha256.txt'],
      { cwd: bag },
    )
  })

  it('makes an archive that no longer verifies once a byte is changed', async () => {
    const bytes = readFileSync(result.archive!.path)
    const { writeFileSync } = await import('node:fs')
    bytes[bytes.length >> 1] = bytes[bytes.length >> 1]! ^ 1
    const changed = join(cli.home, 'changed.tar.gz')
    writeFileSync(changed, bytes)
    expect((await cli.run('verify', changed)).status).toBe(6)
  })

  it('is undone from the archive alone, to the byte', async () => {
    const elsewhere = new CommandLine(lab)
    const released = await elsewhere.run('release', '--from', result.archive!.path, '--yes', '--json')
    expect(released.stderr).toContain('RELEASE  T-1')
    expect(released.status).toBe(0)
    const document = JSON.parse(released.stdout.toString('utf8')) as ReleaseResult
    expect(document.targets[0]).toMatchObject({ source: 'archive', report: { left: [] } })
    await lab.settled()
    const pod = suspectPod()
    if (pod !== undefined) expect(at(pod, 'metadata', 'labels')).toEqual(labelsBefore)
    expect(
      lab.objects
        .list('networkpolicies.networking.k8s.io', lab.suspect.namespace)
        .map((policy) => at(policy, 'metadata', 'name')),
    ).toEqual(['allow-same-namespace', 'allow-web'])
    rmSync(elsewhere.home, { recursive: true, force: true })
  })
})
