import type { ContainmentAction } from '../../src/model/containment.js'
import { isCode } from '../../src/model/errors.js'
import type { WriteOptions } from '../../src/model/ports/kube-writer.js'

export const EVENT_PATH = { group: '', version: 'v1', resource: 'events', namespace: 'shop' } as const

/** An action that creates one object and deletes it again: what the order of actions is tested with. */
export function noted(name: string, stage: ContainmentAction['stage']): ContainmentAction {
  const path = { ...EVENT_PATH, name: `note-${name}` }
  const there = async (read: () => Promise<unknown>): Promise<boolean> => {
    try {
      await read()
      return true
    } catch (error) {
      if (isCode(error, 'not-found')) return false
      throw error
    }
  }
  const options = (step: string, signal: AbortSignal, target: WriteOptions['target']): WriteOptions => ({
    signal,
    action: name,
    step,
    ...(target === undefined ? {} : { target }),
  })
  return {
    name,
    stage,
    requirements: () => ({ access: [] }),
    plan: () =>
      Promise.resolve({
        action: name,
        changes: [`+ note of ${name}`],
        warnings: [],
        refusals: [],
        missingAccess: [],
      }),
    apply: async ({ writer, run }, _plan, { namespace, name: pod, uid }) => {
      const object = { apiVersion: 'v1', kind: 'Event', metadata: { name: path.name, namespace } }
      await writer.create(EVENT_PATH, object, options('note', run.signal, { namespace, name: pod, uid }))
    },
    verify: async ({ kube, run }) =>
      (await there(() => kube.get(path, { signal: run.signal })))
        ? { tried: [`the note of ${name} is there`], open: [] }
        : { tried: [], open: [], broken: `the note of ${name} is not there` },
    undo: async ({ kube, writer, run }, { namespace, name: pod, uid }, entries, { dryRun }) => {
      if (entries.length === 0 || !(await there(() => kube.get(path, { signal: run.signal }))))
        return { done: [], left: [] }
      if (!dryRun) await writer.delete(path, options('unnote', run.signal, { namespace, name: pod, uid }))
      return { done: [`- note of ${name}`], left: [] }
    },
  }
}
