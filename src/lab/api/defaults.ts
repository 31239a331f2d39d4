import { asArray, asObject, type Json, type JsonObject } from '../../model/json.js'
import { withPolicyDefaults } from '../admission/validating-policies.js'
import { qosClassOf } from '../kubelet/qos-class.js'
import type { LabResource } from './resources.js'

/** What the server fills in where the client left it out, for the kinds that the lab's users create. */
export function withDefaults(object: JsonObject, resource: LabResource): JsonObject {
  switch (resource.kind) {
    case 'NetworkPolicy':
      return { ...object, spec: policySpec(asObject(object.spec) ?? {}) }
    case 'Namespace':
      return { ...object, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }
    case 'Pod': {
      const spec = podSpec(asObject(object.spec) ?? {})
      return { ...object, spec, status: { phase: 'Pending', qosClass: qosClassOf(spec) } }
    }
    case 'PodDisruptionBudget':
      return {
        ...object,
        status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
      }
    case 'ValidatingAdmissionPolicy':
    case 'ValidatingAdmissionPolicyBinding':
      return withPolicyDefaults(object)
    default:
      return object
  }
}

/** Without policyTypes a policy is about ingress, and about egress where it has egress rules. */
function policySpec(spec: JsonObject): JsonObject {
  const policyTypes = ['Ingress', ...(asArray(spec.egress).length > 0 ? ['Egress'] : [])]
  return { podSelector: {}, policyTypes, ...spec }
}

function podSpec(spec: JsonObject): JsonObject {
  const containers = asArray(spec.containers).map(withContainerDefaults)
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'default',
    serviceAccount: 'default',
    securityContext: {},
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
    priority: 0,
    ...spec,
    containers,
  }
}

export function withContainerDefaults(container: Json): JsonObject {
  return {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    ...asObject(container),
  }
}
