import type { Store } from '../store/store.js'
import type { Agenda } from './agenda.js'

/** What the lab's controllers work with. */
export interface ControllerContext {
  readonly store: Store
  readonly agenda: Agenda
  readonly now: () => Date
  readonly pace: Pace
}

/** How fast things happen, in milliseconds. */
export interface Pace {
  /** From a change to what a controller does about it. */
  readonly react: number
  /** From a new pod to its containers running, and from a deleted pod to its end. */
  readonly start: number
}
