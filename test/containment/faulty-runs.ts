import { expect } from '@jest/globals'

import { createContainment } from '../../src/containment/index.js'
import type { QuarantineOptions } from '../../src/containment/options.js'
import { ImpoundError } from '../../src/model/errors.js'
import { Crash, type Fault, type MemoryApi } from './memory-api.js'
import { target } from './shop.js'

const FAULTS: readonly (readonly [title: string, fault: Fault])[] = [
  ['crash before it', { kind: 'crash-before' }],
  ['crash after it', { kind: 'crash-after' }],
  ['lost before it', { kind: 'lost-before', code: 'cut' }],
  ['answer lost', { kind: 'lost-after', code: 'timeout' }],
  ['conflict', { kind: 'refused', code: 'conflict', status: 422 }],
  ['forbidden', { kind: 'refused', code: 'forbidden', status: 403 }],
]

/** A fault at each of so many writes: for `it.each`, as [write, title, fault]. */
export function faultsAt(writes: number): readonly (readonly [write: number, title: string, fault: Fault])[] {
  return Array.from({ length: writes }, (_none, at) => at + 1).flatMap((write) =>
    FAULTS.map(([title, fault]) => [write, title, fault] as const),
  )
}

export async function quarantineWith(api: MemoryApi, options: QuarantineOptions): Promise<void> {
  const containment = createContainment(options)
  await containment.apply(api.context, await containment.plan(api.context, target(api)))
}

/** Whatever a fault makes of it: a crash or an error of ours, nothing else. */
export async function surviving(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    expect(error instanceof Crash || error instanceof ImpoundError).toBe(true)
  }
}

/** Releases until it comes to its end, with a fault at each write of the release in turn. */
export async function releaseWith(api: MemoryApi, options: QuarantineOptions, fault: Fault): Promise<void> {
  for (let run = 1; run <= 30; run += 1) {
    api.faults.clear()
    api.faults.set(api.journal.length + run, fault)
    await surviving(() => createContainment(options).undo(api.context, api.journal))
  }
  api.faults.clear()
  await createContainment(options).undo(api.context, api.journal)
}
