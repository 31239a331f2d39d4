import { ImpoundError, messageOf } from '../model/errors.js'

interface Refusal {
  readonly says: RegExp
  readonly what: string
  readonly hint: string
}

const ANOTHER_NAMESPACE =
  '--node-namespace NAME: a namespace that admits privileged pods, as kube-system does in most clusters'

/** Who may refuse a privileged pod, told by the words that the server quotes; first match wins. */
const REFUSALS: readonly Refusal[] = [
  {
    says: /GKE Warden|autopilot/i,
    what: 'GKE Autopilot admits no privileged pod',
    hint: 'Autopilot runs allow-listed workloads only: evidence of the node can’t be had there',
  },
  {
    says: /violates? PodSecurity/,
    what: 'Pod Security refuses it',
    hint: ANOTHER_NAMESPACE,
  },
  {
    says: /security context constraint/i,
    what: 'no SecurityContextConstraints admits it',
    hint: 'OpenShift: the right to use the SCC privileged is missing (oc adm policy add-scc-to-user privileged …)',
  },
  {
    says: /PodSecurityPolicy/,
    what: 'no PodSecurityPolicy admits it',
    hint: 'a PodSecurityPolicy that allows privileged, hostPID and hostPath must be usable in the namespace',
  },
  {
    says: /exceeded quota|failed quota/,
    what: 'a quota refuses it',
    hint: '--node-namespace NAME: a namespace whose quota has room, or none',
  },
  {
    says: /failed calling webhook/,
    what: 'an admission webhook can’t be called, and the cluster then admits nothing',
    hint: '--node-namespace NAME: a namespace that the webhook leaves out, as kube-system often is',
  },
  {
    says: /admission webhook|ValidatingAdmissionPolicy/,
    what: 'an admission rule of the cluster refuses it',
    hint: ANOTHER_NAMESPACE,
  },
  {
    says: /is being terminated/,
    what: 'its namespace is on its way out',
    hint: '--node-namespace NAME: another one',
  },
]

/** Why the server did not take the pod, or a namespace for it, told apart, with what can be done about it. */
export function admissionRefusal(error: unknown, what: string): ImpoundError {
  if (!(error instanceof ImpoundError)) {
    return new ImpoundError('bug', `${what}: ${messageOf(error)}`, { cause: error })
  }
  const refusal = REFUSALS.find(({ says }) => says.test(error.message))
  const details = {
    cause: error,
    ...(error.httpStatus === undefined ? {} : { httpStatus: error.httpStatus }),
  }
  if (refusal !== undefined) {
    return new ImpoundError('target-refused', `${what}: ${refusal.what}: ${error.message}`, {
      ...details,
      hints: [refusal.hint],
    })
  }
  if (error.code === 'not-found') {
    return new ImpoundError('target-refused', `${what}: ${error.message}`, {
      ...details,
      hints: ['--node-namespace must name a namespace that is there'],
    })
  }
  const code = error.code === 'invalid' || error.code === 'conflict' ? 'target-refused' : error.code
  return new ImpoundError(code, `${what}: ${error.message}`, { ...details, hints: error.hints })
}
