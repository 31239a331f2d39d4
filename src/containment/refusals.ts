import type { Pod } from '../model/kubernetes.js'
import type { Refusal } from '../model/quarantine-plan.js'
import type { Target } from '../model/target.js'
import { forShell } from '../text/shell.js'
import type { LockState } from './lock.js'

/** Why this pod can't be cut off by a NetworkPolicy at all. */
export function podRefusals(pod: Pod): readonly Refusal[] {
  const found: Refusal[] = []
  if (pod.spec?.hostNetwork === true) {
    found.push({
      code: 'host-network',
      message: `the pod uses the network of its node: NetworkPolicies do not apply to it; the node has to be isolated instead${keptFree(pod)}`,
    })
  }
  if (pod.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
    found.push({
      code: 'static-pod',
      message: `it is a static pod: its labels stand in a file on the node, and what is changed here does not reach it${keptFree(pod)}`,
    })
  }
  if (pod.metadata?.deletionTimestamp !== undefined) {
    found.push({
      code: 'terminating',
      message: `the pod is being deleted since ${pod.metadata.deletionTimestamp}: take a snapshot while it lasts`,
    })
  }
  const phase = pod.status?.phase
  if (phase === 'Succeeded' || phase === 'Failed') {
    found.push({ code: 'completed', message: `the pod has ended (${phase}): nothing runs in it` })
  }
  return found
}

/** What keeps new pods off a node that has to be looked at as a whole. */
function keptFree(pod: Pod): string {
  const node = pod.spec?.nodeName
  return node === undefined ? '' : `; to begin with: kubectl cordon ${forShell(node)}`
}

/** A lock that is not this case's. */
export function lockRefusals(
  lock: LockState,
  target: Pick<Target, 'namespace' | 'name'>,
  caseName: string,
): readonly Refusal[] {
  const takeOff = `kubectl annotate pod ${target.name} -n ${target.namespace} impound.dev/quarantine-`
  switch (lock.state) {
    case 'free':
      return []
    case 'unreadable':
      return [
        {
          code: 'other-case',
          message: `the pod has an annotation impound.dev/quarantine that impound did not write; if nobody holds the pod: ${takeOff}`,
        },
      ]
    case 'held':
      return lock.lock.case === caseName
        ? []
        : [
            {
              code: 'other-case',
              message: `case ${lock.lock.case} holds the pod: quarantined by ${lock.lock.who} at ${lock.lock.when}`,
            },
          ]
  }
}
