import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { createLogsCollector } from '../../src/collectors/logs.js'
import { startLab, type Lab } from '../../src/lab/lab.js'
import type { LogsDocument } from '../../src/model/log-documents.js'
import type { JsonObject } from '../../src/model/json.js'
import { until } from '../lab/client.js'
import { LabRun } from './lab-run.js'

const logsCollector = createLogsCollector('')
let lab: Lab
let run: LabRun

beforeEach(async () => {
  lab = await startLab()
  run = await LabRun.open(lab)
})

afterEach(async () => {
  await run.close()
  await lab.close()
})

describe('the logs collector', () => {
  it('keeps each container’s log, and the run before a restart, and says what each covers', async () => {
    const rows = await run.collect(logsCollector)
    expect(rows.map(({ subject, status }) => [subject, status])).toEqual([
      ['logs app current', 'collected'],
      ['logs app previous', 'collected'],
      ['logs log-shipper current', 'collected'],
      ['logs migrate current', 'collected'],
    ])
    const { logs, olderFiles } = run.json('logs.json') as LogsDocument
    expect(olderFiles).toBe('not visible through the API')
    for (const log of logs) {
      const text = run.text(`logs/${log.container}/${log.run}.log`)
      const stamps = text
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ', 1)[0])
      expect(log).toMatchObject({
        lines: stamps.length,
        firstLineAt: stamps[0],
        lastLineAt: stamps.at(-1),
        endsWithNewline: true,
      })
      expect(log.bytes).toBe(Buffer.byteLength(text, 'utf8'))
    }
  })

  it('keeps what came of a log that is cut, marked as such, and goes on with the next', async () => {
    lab.faults.add({
      match: { path: /container=app&/ },
      effect: { kind: 'drop-after', bytes: 1000 },
      times: 1,
    })
    const rows = await run.collect(logsCollector)
    expect(rows.map(({ subject, status, reason }) => [subject, reason ?? status])).toEqual([
      ['logs app current', 'cut'],
      ['logs app previous', 'collected'],
      ['logs log-shipper current', 'collected'],
      ['logs migrate current', 'collected'],
    ])
    expect(run.text('logs/app/current.log').length).toBeGreaterThan(0)
    const cut = (run.json('logs.json') as LogsDocument).logs.find(
      ({ container, run: which }) => container === 'app' && which === 'current',
    )
    expect(cut?.endsWithNewline).toBe(run.text('logs/app/current.log').endsWith('\n'))
  })

  it('keeps the run that a restart ended after the plan was made', async () => {
    const pod = lab.objects.get('pods', 'shop', lab.suspect.name) as JsonObject
    const status = pod['status'] as JsonObject
    const statuses = (status['containerStatuses'] as readonly JsonObject[]).map((one) =>
      one['name'] === 'log-shipper' ? { ...one, restartCount: 1 } : one,
    )
    lab.objects.put({ ...pod, status: { ...status, containerStatuses: statuses } })
    const rows = await run.collect(logsCollector)
    expect(rows.map(({ subject }) => subject)).toContain('logs log-shipper previous')
  })

  it('takes no log of another pod that has the name by now', async () => {
    const pod = lab.objects.get('pods', 'shop', lab.suspect.name) as JsonObject
    lab.objects.put({ ...pod, metadata: { ...(pod['metadata'] as JsonObject), uid: 'another' } })
    const rows = await run.collect(logsCollector)
    expect(rows).toMatchObject([{ subject: 'logs', status: 'failed', reason: 'target-gone' }])
  })

  it('keeps no more than the bound, and says that there was more', async () => {
    const rows = await run.collect(logsCollector, { maxLogBytes: 5_000 })
    expect(rows[0]).toMatchObject({
      subject: 'logs app current',
      status: 'partial',
      reason: 'too-big',
      bytes: 5_000,
    })
  })

  it('gives up a log that stalls, not the others', async () => {
    lab.faults.add({ match: { path: /container=log-shipper/ }, effect: { kind: 'stall', bytes: 10 } })
    const rows = await run.collect(logsCollector, { stallTimeoutMs: 1500 })
    expect(rows.find(({ subject }) => subject === 'logs log-shipper current')).toMatchObject({
      reason: 'stalled',
    })
    expect(rows.filter(({ status }) => status === 'collected')).toHaveLength(3)
  })

  it('ends as interrupted when the run is, keeping what came', async () => {
    lab.faults.add({ match: { path: /container=app&/ }, effect: { kind: 'stall', bytes: 10_000 } })
    void until(() => lab.faults.fired.length > 0).then(() => run.abort())
    const rows = await run.collect(logsCollector)
    expect(rows.map(({ reason }) => reason)).toContain('interrupted')
  })
})
