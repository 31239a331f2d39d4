import type { KubeConnection } from '../kube/connect.js'
import type { ApiPath } from '../model/api-path.js'
import { ImpoundError, isCode } from '../model/errors.js'
import type { HoldStatus, QuarantineChange, QuarantineStatus } from '../model/hold-status.js'
import type { RunContext } from '../model/ports/run-context.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import { PODS, POLICIES, quarantineStatus, type StatusLook, type StatusRequest } from './quarantine-status.js'

/** Between two looks where the server tells of changes: for what no event speaks of, such as this machine's records. */
const WATCHED_MS = 30_000
/** And where it may not be watched. */
const POLLED_MS = 5_000
/** After an event, for those that belong to it. */
const SETTLE_MS = 500
const MOST_SINGLE_WATCHES = 8

/** What came of one look after the first. */
export type Watched =
  | { readonly changes: readonly QuarantineChange[]; readonly status: QuarantineStatus }
  | { readonly failed: unknown }

/**
 * Looks again whenever pods or policies change, at least every 30 s (every 5 s where watching is not allowed), and says what is
 * different. Ends when the signal aborts. A look that fails is told, and the next one tried.
 */
export async function* watchStatus(
  kube: KubeConnection,
  request: StatusRequest,
  first: StatusLook,
  run: RunContext,
): AsyncGenerator<Watched, void, undefined> {
  let last = first
  for (;;) {
    try {
      await change(kube, last, run)
      await run.clock.sleep(SETTLE_MS, run.signal)
    } catch (error) {
      if (isCode(error, 'aborted')) return
      throw error
    }
    try {
      const next = await quarantineStatus(kube, request, run)
      const changes = changesBetween(last.status, next.status)
      last = next
      if (changes.length > 0) yield { changes, status: next.status }
    } catch (error) {
      if (isCode(error, 'aborted')) return
      yield { failed: error }
      last = { ...last, versions: {} }
    }
  }
}

/** Resolves when it is time to look again. Throws aborted. */
async function change(
  kube: KubeConnection,
  { status, versions }: StatusLook,
  run: RunContext,
): Promise<void> {
  const enough = new AbortController()
  const signal = AbortSignal.any([run.signal, enough.signal])
  const scope = status.namespace === undefined ? {} : { namespace: status.namespace }
  const watched = async (path: ApiPath, version: string, query = {}): Promise<void> => {
    const told = await kube.watch
      .changed({ ...path, ...scope }, { signal, query, resourceVersion: version })
      .catch(() => 'ended' as const)
    // what may not be watched is polled
    if (told === 'ended') await run.clock.sleep(POLLED_MS, signal)
  }
  const { pods, policies } = versions
  try {
    await Promise.race([
      run.clock.sleep(pods === undefined || policies === undefined ? POLLED_MS : WATCHED_MS, signal),
      // a pod that loses the label leaves the selection, which is an event too
      ...(pods === undefined
        ? []
        : [
            watched(PODS, pods, { labelSelector: QUARANTINE_KEY }),
            ...unlabelled(status).map((name) =>
              watched(PODS, pods, { fieldSelector: `metadata.name=${name}` }),
            ),
          ]),
      ...(policies === undefined ? [] : [watched(POLICIES, policies)]),
    ])
  } finally {
    enough.abort(new ImpoundError('aborted', 'one change is enough to look again'))
  }
}

/** Pods that are known to be held and that the label does not find; the next look sees those past the bound. */
function unlabelled({ holds }: QuarantineStatus): readonly string[] {
  return holds
    .filter(({ faults }) => faults.some(({ code }) => code === 'no-label'))
    .flatMap(({ name }) => name ?? [])
    .slice(0, MOST_SINGLE_WATCHES)
}

function changesBetween(before: QuarantineStatus, now: QuarantineStatus): readonly QuarantineChange[] {
  const [old, current] = [before, now].map(({ holds }) => new Map(holds.map((hold) => [keyOf(hold), hold])))
  const head = { schema: 'impound/quarantine-change/v1', at: now.at } as const
  const released = before.holds.filter((hold) => current?.has(keyOf(hold)) === false)
  return [
    ...now.holds.flatMap((hold): readonly QuarantineChange[] => {
      const was = old?.get(keyOf(hold))
      if (was === undefined) return [{ ...head, change: 'held', hold, appeared: hold.faults, mended: [] }]
      if (JSON.stringify(was) === JSON.stringify(hold)) return []
      return [
        {
          ...head,
          change: 'changed',
          hold,
          appeared: hold.faults.filter((one) => !has(was, one)),
          mended: was.faults.filter((one) => !has(hold, one)),
        },
      ]
    }),
    ...released.map((hold): QuarantineChange => ({
      ...head,
      change: 'released',
      hold,
      appeared: [],
      mended: [],
    })),
  ]
}

function has({ faults }: HoldStatus, { code, message }: HoldStatus['faults'][number]): boolean {
  return faults.some((fault) => fault.code === code && fault.message === message)
}

function keyOf({ namespace, uid }: HoldStatus): string {
  return `${namespace}/${uid}`
}
