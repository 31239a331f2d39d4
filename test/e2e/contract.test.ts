import { describe, expect, it } from '@jest/globals'

import { seenForReal } from '../contract/behaviour.js'
import { BEHAVIOURS } from '../contract/behaviours.js'
import { describeRealContract } from '../contract/describe-contract.js'
import { restartsOf } from '../contract/scene.js'
import type { ContractWorld } from '../contract/world.js'
import { END_SOON, eventually, kubectl, kubeJson, world } from './world.js'

const claimed = seenForReal(BEHAVIOURS)
const seen: string[] = []

describeRealContract({
  title: 'the real 1.20',
  behaviours: claimed,
  open: realWorld,
  done: (name) => seen.push(name),
})

describe('the contract', () => {
  it('was seen on the real server, all of it that says so', () => {
    expect(seen).toEqual(claimed.map(({ name }) => name))
  })

  it('names the version that the real server has', () => {
    const { gitVersion } = JSON.parse(kubectl('get', '--raw', '/version')) as { gitVersion: string }
    expect(gitVersion).toMatch(/^v1\.20\./)
  })
})

async function realWorld(): Promise<ContractWorld> {
  return {
    version: '1.20',
    kubeconfig: world.kubeconfig,
    noRights: world.noRights,
    images: { app: world.appImage, distroless: world.distrolessImage },
    restart: async (namespace, pod) => {
      kubectl('exec', '-n', namespace, pod, '-c', 'app', '--', 'sh', '-c', END_SOON)
      await eventually(`${pod} to restart`, () =>
        restartsOf(kubeJson('get', 'pod', pod, '-n', namespace)) === 1 ? true : undefined,
      )
    },
    close: async () => undefined,
  }
}
