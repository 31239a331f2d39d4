import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { podCollector } from '../../src/collectors/pod.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import type { JsonObject } from '../../src/model/json.js'
import type { OwnersDocument, PodDocument } from '../../src/model/documents.js'
import { LabRun } from './lab-run.js'

let lab: Lab
let run: LabRun | undefined

beforeEach(async () => {
  lab = await startLab()
})

afterEach(async () => {
  await run?.close()
  run = undefined
  await lab.close()
})

describe('the pod collector', () => {
  it('keeps the pod, its owners to the root, its namespace, its node and its neighbours', async () => {
    run = await LabRun.open(lab)
    const rows = await run.collect(podCollector)
    expect(rows.map(({ subject, status }) => [subject, status])).toEqual([
      ['owners', 'collected'],
      ['pod', 'collected'],
    ])
    const pod = run.json('pod.json') as PodDocument
    expect(pod).toMatchObject({
      name: lab.suspect.name,
      uid: lab.suspect.uid,
      phase: 'Running',
      serviceAccount: 'web',
    })
    expect(
      pod.containers.map(({ name, role, running, restarts }) => [name, role, running, restarts]),
    ).toEqual([
      ['migrate', 'init', false, 0],
      ['app', 'main', true, 1],
      ['log-shipper', 'main', true, 0],
    ])
    expect(pod.containers[1]?.lastExit).toMatchObject({ code: 137 })
    expect(pod.neighbours?.map(({ name }) => name)).not.toContain(lab.suspect.name)
    const { owners, derivedFrom } = run.json('owners.json') as OwnersDocument
    expect(owners.map(({ kind, name, read }) => [kind, name, read])).toEqual([
      ['ReplicaSet', 'web-6dd6bfc4b', true],
      ['Deployment', 'web', true],
    ])
    for (const path of [...derivedFrom, ...pod.derivedFrom]) expect(run.has(path)).toBe(true)
  })

  it('goes on without what may not be read, and says so of each', async () => {
    const kubeconfig = await lab.kubeconfigFor('few', [{ verb: 'get', group: '', resource: 'pods' }])
    run = await LabRun.open(lab, kubeconfig)
    const rows = await run.collect(podCollector)
    expect(
      Object.fromEntries(rows.map(({ subject, reason, status }) => [subject, reason ?? status])),
    ).toMatchObject({
      pod: 'collected',
      namespace: 'forbidden',
      'pods on the node': 'forbidden',
    })
    expect(run.json('pod.json')).not.toHaveProperty('neighbours')
    const { owners } = run.json('owners.json') as OwnersDocument
    expect(owners).toHaveLength(1)
    expect(owners[0]).toMatchObject({ kind: 'ReplicaSet', read: false })
  })

  it('takes nothing of another pod that has the name by now', async () => {
    run = await LabRun.open(lab)
    const pod = lab.objects.get('pods', 'shop', lab.suspect.name) as JsonObject
    lab.objects.put({ ...pod, metadata: { ...(pod['metadata'] as JsonObject), uid: 'another' } })
    const rows = await run.collect(podCollector)
    expect(rows).toMatchObject([{ subject: 'pod', status: 'failed', reason: 'target-gone' }])
  })

  it('is not led in circles by owners that own each other', async () => {
    const owner = (name: string, by: string): JsonObject => ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name,
        namespace: 'shop',
        uid: `uid-${name}`,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: by, uid: `uid-${by}` }],
      },
      spec: {
        replicas: 0,
        selector: { matchLabels: { x: 'y' } },
        template: { metadata: { labels: { x: 'y' } } },
      },
    })
    run = await LabRun.open(lab)
    lab.objects.put(owner('a', 'b'))
    lab.objects.put(owner('b', 'a'))
    const pod = lab.objects.get('pods', 'shop', lab.suspect.name) as JsonObject
    const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'uid-a' }
    lab.objects.put({
      ...pod,
      metadata: { ...(pod['metadata'] as JsonObject), ownerReferences: [reference] },
    })
    await run.collect(podCollector)
    const { owners } = run.json('owners.json') as OwnersDocument
    const names = owners.map(({ name }) => name)
    // the ReplicaSet may have taken the pod back by now, which is no circle
    expect(names).toEqual(expect.arrayContaining(['a', 'b']))
    expect(new Set(names).size).toBe(names.length)
  })
})
