import { afterAll, beforeAll, describe, it } from '@jest/globals'

import type { Behaviour } from './behaviour.js'
import { Scene } from './scene.js'
import type { ContractWorld } from './world.js'

export interface Contract {
  readonly title: string
  readonly behaviours: readonly Behaviour[]
  readonly open: () => Promise<ContractWorld>
  /** Told the name of each behaviour that was seen. */
  readonly done?: (name: string) => void
}

/** Holds the lab against behaviours: where it is known to do otherwise, the test is that it still does. */
export function describeLabContract(contract: Contract): void {
  describeContract(contract, (behaviour) => {
    const { name, seen, labGap } = behaviour
    if (labGap !== undefined) return [it.failing, `${name} (but not the lab: ${labGap})`]
    return [it, seen === 'lab only' ? `${name} (not seen on a real server)` : name]
  })
}

/** Holds a real cluster against behaviours, one test each. */
export function describeRealContract(contract: Contract): void {
  describeContract(contract, ({ name }) => [it, name])
}

function describeContract(
  { title, behaviours, open, done }: Contract,
  testOf: (behaviour: Behaviour) => readonly [test: typeof it | typeof it.failing, title: string],
): void {
  describe(title, () => {
    let world: ContractWorld | undefined
    let scene: Scene | undefined
    beforeAll(async () => {
      world = await open()
      scene = await Scene.open(world)
    })
    afterAll(async () => {
      await scene?.close()
      await world?.close()
    })

    for (const behaviour of behaviours) {
      const [test, name] = testOf(behaviour)
      test(name, async () => {
        await behaviour.check(scene!)
        done?.(behaviour.name)
      })
    }
  })
}
