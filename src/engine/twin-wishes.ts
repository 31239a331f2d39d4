import type { QuarantineOptions } from '../containment/index.js'
import type { Allowance } from '../model/collector.js'
import type { Scene } from '../model/scene.js'
import { DEFAULT_NODE_IMAGE } from './node-image.js'
import { belonging } from './plan-node-pods.js'
import { isAlive } from './spool-owner.js'

/** The twin that a run may start, where --allow names it. */
export function twinWishes(
  { allow, twinImage }: { readonly allow: readonly Allowance[]; readonly twinImage?: string },
  scene: Scene,
): Pick<QuarantineOptions, 'twin'> {
  if (!allow.includes('twin')) return {}
  const { run, owner } = belonging(scene)
  return { twin: { image: twinImage ?? DEFAULT_NODE_IMAGE, run, owner, isAlive } }
}

/** Of one that is only asked about. */
export const SOME_TWIN: NonNullable<QuarantineOptions['twin']> = {
  image: DEFAULT_NODE_IMAGE,
  run: '',
  owner: { who: '', host: '', pid: 0 },
  isAlive,
}
