import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { eventsCollector } from '../../src/collectors/events.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import type { EventLine } from '../../src/model/documents.js'
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

function lines(text: string): readonly EventLine[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as EventLine)
}

describe('the events collector', () => {
  it('keeps events of the pod, its owners and its node, each once, in the order of their last time', async () => {
    run = await LabRun.open(lab)
    expect(await run.collect(eventsCollector)).toMatchObject([{ subject: 'events', status: 'collected' }])
    const events = lines(run.text('events.jsonl'))
    expect(new Set(events.map(({ about }) => about))).toEqual(new Set(['pod', 'owner', 'node']))
    expect(new Set(events.map(({ uid }) => uid)).size).toBe(events.length)
    const times = events.map(({ last }) => last ?? '')
    expect(times).toEqual([...times].sort())
    for (const { derivedFrom } of events) expect(run.has(derivedFrom)).toBe(true)
  })

  it('keeps an aggregated event as one, with first and last time and its count', async () => {
    run = await LabRun.open(lab)
    await run.collect(eventsCollector)
    const aggregated = lines(run.text('events.jsonl')).find(({ reason }) => reason === 'UnexpectedConnection')
    expect(aggregated?.count).toBe(44)
    expect(aggregated!.first! < aggregated!.last!).toBe(true)
  })

  it('keeps a hostile message as it came', async () => {
    run = await LabRun.open(lab)
    await run.collect(eventsCollector)
    const hostile = lines(run.text('events.jsonl')).find(({ reason }) => reason === 'UnexpectedProcess')
    expect(hostile?.message).toContain('\u001b[2J')
  })

  it('goes on without the node’s events where they may not be read', async () => {
    const kubeconfig = await lab.kubeconfigFor('few', [
      { verb: 'get', group: '', resource: 'pods', namespace: 'shop' },
      { verb: 'list', group: '', resource: 'events', namespace: 'shop' },
      { verb: 'list', group: 'events.k8s.io', resource: 'events', namespace: 'shop' },
    ])
    run = await LabRun.open(lab, kubeconfig)
    const rows = await run.collect(eventsCollector)
    expect(new Map(rows.map(({ subject, status, reason }) => [subject, reason ?? status]))).toEqual(
      new Map([
        ['events', 'collected'],
        ['events of the node', 'forbidden'],
      ]),
    )
  })

  it('fails as a whole where the pod’s events may not be read', async () => {
    const kubeconfig = await lab.kubeconfigFor('few', [{ verb: 'get', group: '', resource: 'pods' }])
    run = await LabRun.open(lab, kubeconfig)
    expect(await run.collect(eventsCollector)).toMatchObject([
      { subject: 'events', status: 'failed', reason: 'forbidden' },
    ])
  })
})
