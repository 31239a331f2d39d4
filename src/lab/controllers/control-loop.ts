import { reconcilePods } from '../kubelet/kubelet.js'
import { uidOf } from '../store/object.js'
import { Agenda } from './agenda.js'
import { reconcileBudgets } from './budgets.js'
import type { ControllerContext } from './context.js'
import { reconcileEndpoints } from './endpoints.js'
import { collectDependents } from './garbage.js'
import { reconcileReplicas } from './replicas.js'

export interface ControlLoop {
  /** Resolves when the controllers and kubelets have nothing left to do. */
  settled(): Promise<void>
  close(): void
}

/** Tables whose changes no controller of the lab looks at. */
const UNWATCHED = new Set(['events', 'leases.coordination.k8s.io', 'configmaps', 'secrets'])

/** Runs the lab's controllers after every change, until nothing changes any more. */
export function startControlLoop(options: Omit<ControllerContext, 'agenda'>): ControlLoop {
  const agenda = new Agenda()
  const context: ControllerContext = { ...options, agenda }
  const soon = (): void =>
    agenda.later('reconcile', context.pace.react, () => {
      reconcilePods(context)
      reconcileReplicas(context)
      reconcileEndpoints(context)
      reconcileBudgets(context)
    })
  const stop = context.store.onChange(({ kind, table, object }) => {
    if (!UNWATCHED.has(table)) soon()
    // events own nothing, and there are many
    if (kind === 'DELETED' && table !== 'events') {
      const uid = uidOf(object)
      agenda.later(`collect ${uid}`, context.pace.react, () => collectDependents(context, uid))
    }
  })
  soon()
  return {
    settled: () => agenda.idle(),
    close: () => {
      stop()
      agenda.close()
    },
  }
}
