import { describe, expect, it } from '@jest/globals'

import { containerOf, dbPod, NOW, siblingPod, suspectPod } from './running.js'

const app = containerOf(suspectPod, 'app')!

describe.each([
  ['the suspect', app.log(false) ?? []],
  ['its run before', app.log(true) ?? []],
  ['the sibling', containerOf(siblingPod, 'app')?.log(false) ?? []],
])('the log of %s', (_whose, lines) => {
  it('is a few thousand lines long', () => {
    expect(lines.length).toBeGreaterThan(2000)
  })

  it('has nanosecond times that never go back and lie before now', () => {
    const times = lines.map(({ time }) => time)
    for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
    expect(times).toEqual(times.toSorted())
    expect(Date.parse(times.at(-1) ?? '')).toBeLessThan(NOW.getTime())
  })

  it('has one line a line', () => {
    expect(lines.filter(({ text }) => text.includes('\n'))).toEqual([])
  })
})

describe('logs', () => {
  it('of the suspect carry what the intruder wrote for a terminal and for Markdown', () => {
    const text = (app.log(false) ?? []).map((line) => line.text).join('\n')
    for (const hostile of ['\u001b[2J', '\u0007', '\u202e', '](javascript:alert(1))']) {
      expect(text).toContain(hostile)
    }
  })

  it('of an earlier run exist where a container was restarted, and nowhere else', () => {
    expect(app.log(true)?.at(-1)?.text).toBe('shutting down: SIGTERM')
    expect(containerOf(suspectPod, 'log-shipper')?.log(true)).toBeUndefined()
    expect(containerOf(suspectPod, 'migrate')?.log(true)).toBeUndefined()
    expect(containerOf(dbPod, 'postgres')?.log(true)).toBeUndefined()
  })

  it('of a pod that starts later begin with its start', () => {
    const young = {
      metadata: { uid: 'young', name: 'web-young' },
      spec: { containers: [{ name: 'app', image: 'registry.shop.example/shop/web:1.4.2' }] },
      status: { startTime: '2026-11-23T03:00:45Z' },
    }
    expect(containerOf(young, 'app')?.log(false)).toEqual([
      { time: '2026-11-23T03:00:45.000000064Z', text: 'listening on 0.0.0.0:8080, 4 workers' },
    ])
  })
})
