import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../../src/lab/lab.js'
import type { LabLogLine } from '../../../src/lab/log-line.js'
import { accessOf, call, type Access, type Reply } from '../client.js'
import { smallPod, smallSeed } from '../small-seed.js'

const LOG = '/api/v1/namespaces/shop/pods/web-6dd6-one/log'

let lab: Lab
let admin: Access
const log = (query: string): Promise<Reply> => call(admin, `${LOG}${query}`)

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

describe('a log', () => {
  it('is chunked plain text', async () => {
    const reply = await log('?container=app')
    expect(reply.headers).toMatchObject({ 'content-type': 'text/plain', 'transfer-encoding': 'chunked' })
    expect(reply.text).toBe('hello\nwörld\nbye\n')
  })

  it.each([
    ['tailLines=1', 'bye\n'],
    ['tailLines=0', ''],
    ['limitBytes=8', 'hello\nw\u{fffd}'],
    ['timestamps=true&tailLines=1', '2026-11-01T10:00:03.000000000Z bye\n'],
    ['sinceTime=2026-11-01T10:00:02.9Z', 'wörld\nbye\n'],
    ['sinceTime=2026-11-01T10:00:03Z', 'bye\n'],
    ['previous=false', 'hello\nwörld\nbye\n'],
  ])('with %s', async (query, text) => {
    expect((await log(`?container=app&${query}`)).text).toBe(text)
  })

  it.each([
    ['', 400, 'a container name must be specified for pod web-6dd6-one, choose one of: [app side]'],
    ['?container=nix', 400, 'container nix is not valid for pod web-6dd6-one'],
    [
      '?container=app&previous=true',
      400,
      'previous terminated container "app" in pod "web-6dd6-one" not found',
    ],
    ['?container=app&tailLines=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    [
      '?container=app&tailLines=-1',
      422,
      'PodLogOptions "web-6dd6-one" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      '?container=app&limitBytes=0',
      422,
      'PodLogOptions "web-6dd6-one" is invalid: limitBytes: Invalid value: 0: must be greater than 0',
    ],
    [
      '?container=app&sinceTime=foo',
      400,
      'parsing time "foo" as "2006-01-02T15:04:05Z07:00": cannot parse "foo" as "2006"',
    ],
  ])('of %j is a %d', async (query, code, message) => {
    const reply = await log(query)
    expect(reply.json).toMatchObject({ code, message })
  })

  it('of a container that has not started is refused with the reason', async () => {
    const pod = smallPod('waiting', '44444444-4444-4444-8444-444444444444', '10.1.2.9')
    const status = {
      phase: 'Pending',
      containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ImagePullBackOff' } } }],
    }
    lab.objects.put({ ...pod, status })
    const reply = await call(admin, '/api/v1/namespaces/shop/pods/waiting/log?container=app')
    expect(reply.json).toMatchObject({
      code: 400,
      message: 'container "app" in pod "waiting" is waiting to start: ImagePullBackOff',
    })
  })

  it('of many megabytes comes whole', async () => {
    const lines = Array.from({ length: 100_000 }, (_none, index): LabLogLine => ({
      time: '2026-11-01T10:00:00.000000000Z',
      text: `${index} ${'x'.repeat(80)}`,
    }))
    const big = await startLab({
      seed: () => ({
        ...smallSeed(),
        runtime: { container: () => ({ exec: () => Promise.reject(new Error('no')), log: () => lines }) },
      }),
    })
    try {
      const reply = await call(await accessOf(big.kubeconfig), `${LOG}?container=app`)
      expect(reply.text).toBe(lines.map(({ text }) => `${text}\n`).join(''))
    } finally {
      await big.close()
    }
  })
})
