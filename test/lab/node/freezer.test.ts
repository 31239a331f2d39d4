import { PassThrough } from 'node:stream'

import { describe, expect, it } from '@jest/globals'

import { Freezer } from '../../../src/lab/node/freezer.js'
import { withNodePods } from '../../../src/lab/node/node-container.js'
import { SUSPECT } from '../../../src/lab/shop/names.js'
import { seedShop } from '../../../src/lab/shop/shop.js'
import { objectsIn, uidOf } from '../../../src/lab/store/object.js'
import { at } from '../../../src/model/json.js'

const seed = seedShop({ now: new Date('2026-11-22T03:00:00Z') })
const pod = seed.objects.find((object) => uidOf(object) === SUSPECT.uid)!
const [status] = objectsIn(at(pod, 'status', 'containerStatuses'))
const name = status!.name as string
const id = (status!.containerID as string).replace(/^.*:\/\//, '')

function world() {
  const freezer = new Freezer()
  const unused = undefined as never
  const runtime = withNodePods({
    runtime: seed.runtime,
    store: unused,
    network: unused,
    freezer,
    profile: '1.36',
    now: () => new Date(),
  })
  const exec = (signal: AbortSignal) =>
    runtime.container(pod, name)!.exec(['cat', '/etc/hostname'], new PassThrough(), new PassThrough(), signal)
  return { freezer, exec }
}

describe('what is started in a frozen container of the lab', () => {
  it('stands still until the container is thawed', async () => {
    const { freezer, exec } = world()
    freezer.freeze(id)
    const running = exec(new AbortController().signal)
    const soon = new Promise((resolve) => setTimeout(() => resolve('still there'), 50))
    expect(await Promise.race([running, soon])).toBe('still there')
    freezer.thaw(id)
    expect(await running).toMatchObject({ kind: 'exited', exitCode: 0 })
  })

  it('goes with who waits for it', async () => {
    const { freezer, exec } = world()
    freezer.freeze(id)
    const stop = new AbortController()
    const running = exec(stop.signal)
    stop.abort()
    await running.catch(() => undefined)
    expect(freezer.isFrozen(id)).toBe(true)
  })

  it('is of no concern to other containers', async () => {
    const { freezer, exec } = world()
    freezer.freeze('0'.repeat(64))
    expect(await exec(new AbortController().signal)).toMatchObject({ kind: 'exited' })
  })
})
