import type { CollectContext } from '../../model/collector.js'
import type { Sink } from '../../model/ports/sink.js'
import type { Target } from '../../model/target.js'
import { type Captured, capturesOf } from './captures.js'
import type { ProcessScripts } from './places.js'

/**
 * One reading of a pod's processes that the collectors of the volatile phase share: what they say of it then fits together, and
 * /proc is read once. The first to ask does it, with its sink.
 */
export class VolatileCaptures {
  readonly #scripts: ProcessScripts
  readonly #taken = new WeakMap<Target, Promise<readonly Captured[]>>()

  constructor(scripts: ProcessScripts) {
    this.#scripts = scripts
  }

  of(context: CollectContext, target: Target, sink: Sink): Promise<readonly Captured[]> {
    const taken = this.#taken.get(target)
    if (taken !== undefined) return taken
    const mode = context.options.skip.has('processes') ? 'sockets' : 'all'
    const subject = mode === 'all' ? 'processes' : 'sockets'
    const taking = capturesOf(context, target, this.#scripts, { mode, subject }, sink)
    this.#taken.set(target, taking)
    return taking
  }

  /** A reading of its own, of sockets and who holds them. */
  again(context: CollectContext, target: Target, sink: Sink): Promise<readonly Captured[]> {
    return capturesOf(context, target, this.#scripts, { mode: 'sockets', subject: 'sockets' }, sink)
  }
}
