import type { Json, JsonObject } from '../../../model/json.js'
import { asArray, asObject } from '../../../model/json.js'

/** A pod template as the API server stores it: every field that it defaults filled in. */
export function withTemplateDefaults(template: JsonObject): JsonObject {
  const spec = asObject(template['spec']) ?? {}
  return {
    metadata: template['metadata'] ?? {},
    spec: {
      ...spec,
      ...(spec['initContainers'] === undefined ? {} : { initContainers: containers(spec['initContainers']) }),
      containers: containers(spec['containers']),
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      ...(spec['serviceAccountName'] === undefined ? {} : { serviceAccount: spec['serviceAccountName'] }),
      securityContext: spec['securityContext'] ?? {},
      schedulerName: 'default-scheduler',
    },
  }
}

function containers(list: Json | undefined): readonly Json[] {
  return asArray(list).map((item) => {
    const container = asObject(item) ?? {}
    const probes = ['livenessProbe', 'readinessProbe'].flatMap((name) => {
      const probe = asObject(container[name])
      return probe === undefined ? [] : [[name, withProbeDefaults(probe)] as const]
    })
    return {
      resources: {},
      ...container,
      ...Object.fromEntries(probes),
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: 'IfNotPresent',
    }
  })
}

function withProbeDefaults(probe: JsonObject): JsonObject {
  const http = asObject(probe['httpGet'])
  return {
    ...probe,
    ...(http === undefined ? {} : { httpGet: { ...http, scheme: 'HTTP' } }),
    timeoutSeconds: 1,
    periodSeconds: probe['periodSeconds'] ?? 10,
    successThreshold: 1,
    failureThreshold: 3,
  }
}
