import type { ContainmentAction } from '../model/containment.js'
import { admissionAction } from './admission-policy.js'
import type { QuarantineOptions } from './options.js'

const NAME = 'deny-access'

/**
 * Refuses to delete or evict the suspect, to run or attach to anything in it, to forward its ports and to add containers, to all but the
 * responder and the pod's own kubelet.
 */
export function createDenyAccess(options: QuarantineOptions): ContainmentAction {
  return admissionAction(
    {
      name: NAME,
      change:
        'refuse delete, eviction, exec, attach, port-forward and ephemeral containers on the pod to others',
      warnings: ({ namespace }, { responder, node }) => [
        `only ${responder}${node === undefined ? '' : ` and the kubelet of ${node}`} may delete the pod or enter it: no other responder, no controller; namespace ${namespace} can't be deleted meanwhile`,
        'what happens on the node does not pass admission: a container runtime there still obeys',
      ],
      namespaceOf: ({ namespace }) => namespace,
      policy: ({ namespace, name, uid, case: caseName }, { responder, node }) => ({
        // an expression that failed would refuse: it is asked of this namespace alone
        failurePolicy: 'Fail',
        matchConstraints: {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          resourceRules: [
            rule(['DELETE'], ['pods']),
            rule(['CREATE'], ['pods/eviction']),
            rule(['UPDATE'], ['pods/ephemeralcontainers']),
            rule(['CONNECT'], ['pods/exec', 'pods/attach', 'pods/portforward']),
          ],
        },
        matchConditions: [
          {
            name: 'the-suspect',
            // a request for many pods carries no name, and one to connect no object
            expression: `request.namespace == ${literal(namespace)} && (oldObject == null ? request.name == ${literal(name)} : oldObject.metadata.uid == ${literal(uid)})`,
          },
        ],
        validations: [
          {
            expression: `request.userInfo.username in [${[responder, ...(node === undefined ? [] : [`system:node:${node}`])].map(literal).join(', ')}]`,
            message: `the pod is held for case ${caseName}`,
            reason: 'Forbidden',
          },
        ],
      }),
    },
    options,
  )
}

function rule(
  operations: readonly string[],
  resources: readonly string[],
): {
  readonly apiGroups: string[]
  readonly apiVersions: string[]
  operations: string[]
  resources: string[]
} {
  return { apiGroups: [''], apiVersions: ['v1'], operations: [...operations], resources: [...resources] }
}

/** A string of CEL: its escapes are those of JSON. Source: the CEL language definition, "String and Bytes Values". */
export function literal(text: string): string {
  return JSON.stringify(text)
}
