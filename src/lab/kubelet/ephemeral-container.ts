import { asArray, asNumber, asObject, asString, at, type JsonObject } from '../../model/json.js'
import { seconds } from '../api/managed-fields.js'
import type { Inside } from '../shop/container/inside.js'
import { listedCapture, type Wish } from '../shop/container/listed-capture.js'
import { writeAll } from '../shop/container/writing.js'
import { nameOf, namespaceOf, objectsIn } from '../store/object.js'
import type { Store } from '../store/store.js'
import type { LabContainer, LabExecResult, LabRuntime } from '../types.js'

const ROOT_MARK = '# impound ephemeral-root v1\n'
const END = /^echo end >(\/tmp\/impound-end)$/

/** A runtime whose ephemeral containers know impound's own script for them, and how they are ended. */
export function withEphemerals(runtime: LabRuntime, store: Store, now: () => Date): LabRuntime {
  return {
    container(pod, name) {
      const ours = objectsIn(at(pod, 'spec', 'ephemeralContainers')).find((one) => one.name === name)
      if (ours === undefined) return runtime.container(pod, name)
      const target = runtime.container(pod, asString(ours.targetContainerName) ?? '')?.inside
      const end = (): void => ended(store, pod, name, now())
      return { log: (previous) => (previous ? undefined : []), exec: execIn(ours, pod, target, end) }
    },
  }
}

function execIn(
  ours: JsonObject,
  pod: JsonObject,
  target: Inside | undefined,
  end: () => void,
): LabContainer['exec'] {
  return async (argv, stdout, stderr, signal): Promise<LabExecResult> => {
    const [shell, flag, text = '', , id, , ...args] = argv
    const exited = async (exitCode: number, words = ''): Promise<LabExecResult> => {
      if (words !== '') await writeAll(stderr, [words], signal)
      return { kind: 'exited', exitCode }
    }
    if (shell !== 'sh' || flag !== '-c') return exited(127, `${shell ?? ''}: not found\n`)
    if (END.test(text)) {
      end()
      return exited(0)
    }
    if (!text.includes(ROOT_MARK))
      return exited(127, 'sh: the ephemeral containers of this lab know no such script\n')
    if (target === undefined)
      return exited(3, `impound: no process of the container ${id ?? ''} is seen from here\n`)
    const user = userOf(ours, pod)
    if (!user.ptrace && user.uid !== target.uid)
      return exited(4, "impound: the target's root may not be entered: Permission denied\n")
    const capture = listedCapture(target, { uid: user.uid, gid: user.gid }, wishOf(args))
    await writeAll(stderr, [capture.preamble], signal)
    await writeAll(stdout, capture.chunks, signal)
    const { text: words, exitCode } = capture.conclusion()
    return exited(exitCode, words)
  }
}

/** The image of the lab's ephemeral containers runs as root, where the spec does not say otherwise. */
function userOf(
  ours: JsonObject,
  pod: JsonObject,
): { readonly uid: number; readonly gid: number; readonly ptrace: boolean } {
  const from = (field: string): number =>
    asNumber(at(ours, 'securityContext', field)) ?? asNumber(at(pod, 'spec', 'securityContext', field)) ?? 0
  const uid = from('runAsUser')
  const added = asArray(at(ours, 'securityContext', 'capabilities', 'add'))
  return { uid, gid: from('runAsGroup'), ptrace: uid === 0 && added.includes('SYS_PTRACE') }
}

function wishOf([first, ...paths]: readonly string[]): Wish {
  if (first === undefined) return { everything: true }
  if (first !== 'fetch') return { since: Number(first) }
  const decoded = paths.map((path) =>
    path.replaceAll(/\\0([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
  )
  return { paths: decoded.map((path) => path.slice('./'.length)) }
}

/** Its program has ended: it stays in the spec, and in the status as terminated. */
function ended(store: Store, pod: JsonObject, name: string, when: Date): void {
  const current = store.get('pods', { namespace: namespaceOf(pod), name: nameOf(pod) })
  if (current === undefined) return
  const statuses = objectsIn(at(current, 'status', 'ephemeralContainerStatuses')).map((status) =>
    status.name === name
      ? {
          ...status,
          state: {
            terminated: {
              exitCode: 0,
              reason: 'Completed',
              startedAt: asString(at(status, 'state', 'running', 'startedAt')) ?? seconds(when),
              finishedAt: seconds(when),
              containerID: status.containerID ?? '',
            },
          },
        }
      : status,
  )
  store.put('pods', {
    ...current,
    status: { ...asObject(current.status), ephemeralContainerStatuses: statuses },
  })
}
