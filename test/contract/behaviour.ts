import type { LabVersion } from '../../src/lab/api/resources.js'
import type { Scene } from './scene.js'

/**
 * Something that a Kubernetes API does and that impound relies on. Every claim to know it from a real server is held
 * against one: what says 'real 1.20' is run in the end-to-end tests too.
 */
export interface Behaviour {
  /** Continues 'a Kubernetes API …'. */
  readonly name: string
  readonly seen: 'real 1.20' | 'lab only'
  /** The versions that behave so; all that the lab plays where it is absent. */
  readonly on?: LabVersion
  /** What the lab does otherwise: its tests must fail until it does not, and then say that this line has to go. */
  readonly labGap?: string
  readonly check: (scene: Scene) => Promise<void>
}

/** What an API of this version does, as far as it was said. */
export function behavioursOf(all: readonly Behaviour[], version: LabVersion): readonly Behaviour[] {
  return all.filter(({ on }) => on === undefined || on === version)
}

/** What was seen on the real server that the end-to-end tests have. */
export function seenForReal(all: readonly Behaviour[]): readonly Behaviour[] {
  return all.filter(({ seen }) => seen === 'real 1.20')
}
