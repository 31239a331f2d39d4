import type { ContainmentAction } from '../model/containment.js'
import { admissionAction } from './admission-policy.js'
import { literal } from './deny-access.js'
import type { QuarantineOptions } from './options.js'

const NAME = 'block-token'

/** Under this key the API server tells to which pod a token is bound. Source: the reference of service accounts. */
const POD_UID = 'authentication.kubernetes.io/pod-uid'

/** Refuses every write that comes with a token that is bound to this very pod, from wherever. */
export function createBlockToken(options: QuarantineOptions): ContainmentAction {
  return admissionAction(
    {
      name: NAME,
      change: 'refuse writes by tokens that are bound to the pod',
      warnings: () => [
        'reads by the token pass: they see no admission; neither does a token that is bound to no pod (of a Secret, of a TokenRequest), nor that of a sibling',
        'the pod itself can no longer write to the API, reviews of tokens and of access among that',
      ],
      policy: ({ uid, case: caseName }) => ({
        // it is asked of every write in the cluster: one that it could not judge must pass
        failurePolicy: 'Ignore',
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ['*'],
              apiVersions: ['*'],
              operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
              resources: ['*/*'],
            },
          ],
        },
        matchConditions: [
          {
            name: 'its-token',
            expression: `has(request.userInfo.extra) && ${literal(POD_UID)} in request.userInfo.extra && ${literal(uid)} in request.userInfo.extra[${literal(POD_UID)}]`,
          },
        ],
        validations: [
          {
            expression: 'false',
            message: `the token's pod is held for case ${caseName}`,
            reason: 'Forbidden',
          },
        ],
      }),
    },
    options,
  )
}
