import type { AccessRule } from './api-path.js'

/** What it takes to read the owners that Kubernetes' own controllers give a pod; those of other kinds are read where one may. */
export function ownerAccess(namespace: string): readonly AccessRule[] {
  return [
    { verb: 'get', group: 'apps', resource: 'replicasets', namespace },
    { verb: 'get', group: 'apps', resource: 'deployments', namespace },
    { verb: 'get', group: 'apps', resource: 'statefulsets', namespace },
    { verb: 'get', group: 'apps', resource: 'daemonsets', namespace },
    { verb: 'get', group: 'batch', resource: 'jobs', namespace },
    { verb: 'get', group: 'batch', resource: 'cronjobs', namespace },
    { verb: 'get', group: '', resource: 'replicationcontrollers', namespace },
  ]
}
