import type { ContainmentAction, Finding, Suspect } from '../model/containment.js'
import { ImpoundError } from '../model/errors.js'
import { asArray, asString, at } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import type { NodeSession } from '../model/ports/node-pod.js'
import { uid8 } from '../model/target.js'
import { onNode } from './network-probe.js'
import { anyContainer, nodeAction, nodeAddresses } from './node-action.js'
import type { QuarantineOptions } from './options.js'

const NAME = 'drop-connections'

/**
 * Rules in the pod's own network namespace that drop all but TCP connections that its node begins from now on: what
 * NetworkPolicies do nothing about where no plugin enforces them, or where it leaves open what is open.
 */
export function createDropConnections(options: QuarantineOptions): ContainmentAction {
  const run = async (
    session: NodeSession,
    pod: Pod,
    suspect: Suspect,
    action: 'drop' | 'check' | 'restore',
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> => {
    const args = [action, uid8(suspect), anyContainer(pod), ...nodeAddresses(pod)]
    return facts(await onNode(session, NAME, options.scripts.dropConnections, args, signal))
  }
  return nodeAction(
    {
      name: NAME,
      change: 'rules in the pod’s network namespace: drop all but what its node begins',
      undone: 'rules in the pod’s network namespace taken away',
      warnings: (pod) => [
        'the processes keep their sockets: they see connections that no longer answer',
        ...mayUndo(pod).map((name) => `container ${name} has the capability to take the rules away again`),
      ],
      apply: async (session, pod, suspect, signal) => {
        const said = await run(session, pod, suspect, 'drop', signal)
        if (said.get('rules') !== 'yes') throw new ImpoundError('target-refused', 'the rules do not stand')
      },
      check: async (session, pod, suspect, signal): Promise<Finding> => {
        const said = await run(session, pod, suspect, 'check', signal)
        if (said.get('rules') !== 'yes') {
          return { tried: [], open: [], broken: 'the rules in its network namespace do not stand' }
        }
        const [tool, into, out] = ['tool', 'dropped-in', 'dropped-out'].map((key) => said.get(key) ?? '?')
        return {
          tried: [
            `rules stand in its network namespace (${tool ?? ''}); packets dropped so far: ${into ?? ''} in, ${out ?? ''} out`,
          ],
          open:
            said.get('conntrack') === 'none'
              ? [
                  'connections that its node had begun before: there is no conntrack program to forget them by',
                ]
              : [],
          cuts: true,
        }
      },
      undo: async (session, pod, suspect, signal) => {
        const said = await run(session, pod, suspect, 'restore', signal)
        if (said.get('rules') !== 'no') throw new ImpoundError('target-refused', 'the rules still stand')
      },
    },
    options,
  )
}

const LINE = /^([a-z-]{1,40})=([\w.-]{0,80})$/

function facts(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line): readonly (readonly [string, string])[] => {
      const [, key, value] = LINE.exec(line) ?? []
      return key === undefined || value === undefined ? [] : [[key, value]]
    }),
  )
}

/** Containers that may change the rules of their network. */
function mayUndo(pod: Pod): readonly string[] {
  return (pod.spec?.containers ?? [])
    .filter((container) => {
      const context = at(container, 'securityContext')
      const added = asArray(at(context, 'capabilities', 'add'))
      return (
        at(context, 'privileged') === true ||
        added.some((one) => ['NET_ADMIN', 'CAP_NET_ADMIN', 'ALL'].includes(asString(one) ?? ''))
      )
    })
    .map(({ name = '' }) => name)
}
