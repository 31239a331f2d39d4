import type { Json } from '../model/json.js'
import {
  CASE_LABEL,
  CONTAINER,
  labelValue,
  NODE_POD_LABEL,
  OWNER_ANNOTATION,
  RUN_LABEL,
  type NodePodOwner,
} from './names.js'

/** It ends by itself after so long, whoever was to remove it: seconds. */
export const LIFETIME_S = 2 * 60 * 60

/** What both the pod and a namespace made for it carry. */
export interface Belonging {
  readonly case: string
  readonly run: string
  readonly owner: NodePodOwner
}

export interface NodePodManifest extends Belonging {
  readonly namespace: string
  readonly name: string
  readonly node: string
  readonly image: string
}

/** The pod of ours on one node, as docs/node-pod.md describes it. */
export function nodePodManifest(of: NodePodManifest): Json {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: of.name,
      namespace: of.namespace,
      // no mesh may put a container of its own into it
      labels: { ...labels(of), 'sidecar.istio.io/inject': 'false' },
      annotations: { ...annotations(of), 'linkerd.io/inject': 'disabled' },
    },
    spec: {
      nodeName: of.node,
      tolerations: [{ operator: 'Exists' }],
      restartPolicy: 'Never',
      activeDeadlineSeconds: LIFETIME_S,
      // 0 would take it out of the API before its processes have ended
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      hostPID: true,
      hostNetwork: false,
      containers: [
        {
          name: CONTAINER,
          image: of.image,
          imagePullPolicy: 'IfNotPresent',
          command: ['sleep', String(LIFETIME_S)],
          securityContext: { privileged: true, runAsUser: 0, runAsNonRoot: false },
          // what it uses stays below what it asks for, so that a node short of memory evicts others first; the limit is for accidents
          resources: {
            requests: { cpu: '10m', memory: '64Mi' },
            limits: { memory: '512Mi' },
          },
          volumeMounts: [
            // no mountPropagation: HostToContainer can't be had where the node's own root is a private mount, and excludes
            // recursiveReadOnly, which servers before 1.30 pass over
            { name: 'host', mountPath: '/host', readOnly: true, recursiveReadOnly: 'IfPossible' },
          ],
        },
      ],
      volumes: [{ name: 'host', hostPath: { path: '/', type: 'Directory' } }],
    },
  }
}

/** A namespace that admits the pod: Pod Security at its most open level, and OpenShift not to set it otherwise. */
export function namespaceManifest(name: string, of: Belonging): Json {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        ...labels(of),
        'pod-security.kubernetes.io/enforce': 'privileged',
        'pod-security.kubernetes.io/audit': 'privileged',
        'pod-security.kubernetes.io/warn': 'privileged',
        'security.openshift.io/scc.podSecurityLabelSync': 'false',
      },
      annotations: annotations(of),
    },
  }
}

function labels(of: Belonging): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/managed-by': 'impound',
    [NODE_POD_LABEL]: 'true',
    [RUN_LABEL]: of.run,
    [CASE_LABEL]: labelValue(of.case),
  }
}

function annotations(of: Belonging): Readonly<Record<string, string>> {
  return { [CASE_LABEL]: of.case, [OWNER_ANNOTATION]: JSON.stringify(of.owner) }
}
