import { afterAll, beforeAll, describe, it } from '@jest/globals'

import { type Behaviour, titleOf } from './behaviour.js'
import { Scene } from './scene.js'
import type { ContractWorld } from './world.js'

/** Holds a cluster against behaviours, one test each; `done` is told the name of each that was seen. */
export function describeContract(
  title: string,
  behaviours: readonly Behaviour[],
  openWorld: () => Promise<ContractWorld>,
  done: (name: string) => void = () => undefined,
): void {
  describe(title, () => {
    let world: ContractWorld | undefined
    let scene: Scene | undefined
    beforeAll(async () => {
      world = await openWorld()
      scene = await Scene.open(world)
    })
    afterAll(async () => {
      await scene?.close()
      await world?.close()
    })

    it.each(behaviours.map((behaviour) => [titleOf(behaviour), behaviour] as const))(
      '%s',
      async (_title, behaviour) => {
        await behaviour.check(scene!)
        done(behaviour.name)
      },
    )
  })
}
