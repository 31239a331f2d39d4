import type { Suspect } from '../../model/containment.js'
import type { JsonObject } from '../../model/json.js'
import type { Pod } from '../../model/kubernetes.js'
import { QUARANTINE_KEY } from '../../model/quarantine-plan.js'
import { uid8 } from '../../model/target.js'
import { TWIN_KEY } from '../../model/twin-label.js'
import type { TwinWishes } from '../options.js'
import { CONTAINER, OWNER_KEY, PEERS_KEY, RUN_KEY, TWIN_PORT } from './names.js'

/** They end by themselves after so long, whoever was to remove them: seconds. */
export const LIFETIME_S = 300

/** What no ReplicaSet's selector and no Service is to find: a condition that nobody ever sets keeps it from being Ready. */
const NEVER_READY = 'impound.dev/never'

/** The volume by which it learns the other's address. */
export const PEERS = 'peers'

export interface TwinPod {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** What it tries from the first: LABEL:ADDRESS:PORT. */
  readonly args: readonly string[]
}

/** The labels that the suspect keeps: those that it has once it is cut off, less the one that cuts it off. */
export function keptLabels(pod: Pod): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(pod.metadata?.labels ?? {}).filter(([key]) => key !== QUARANTINE_KEY),
  )
}

/**
 * A pod that Pod Security admits at its level "restricted": no token, no rights, never Ready. The suspect is said to be its controller: so no other
 * controller adopts it by its labels, and it goes when the suspect goes.
 */
export function twinManifest(
  suspect: Suspect,
  like: Pod,
  { name, labels, args }: TwinPod,
  { image, run, owner, openShift }: TwinWishes & { readonly openShift: boolean },
  script: string,
): JsonObject {
  const { nodeName = '', serviceAccountName } = like.spec ?? {}
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: suspect.namespace,
      labels: { ...labels, [TWIN_KEY]: uid8(suspect) },
      annotations: {
        'impound.dev/case': suspect.case,
        'impound.dev/pod-uid': suspect.uid,
        [RUN_KEY]: run,
        [OWNER_KEY]: JSON.stringify(owner),
        // no mesh may put a container of its own into it
        'sidecar.istio.io/inject': 'false',
        'linkerd.io/inject': 'disabled',
      },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Pod', name: suspect.name, uid: suspect.uid, controller: true },
      ],
    },
    spec: {
      nodeName,
      tolerations: [{ operator: 'Exists' }],
      restartPolicy: 'Never',
      activeDeadlineSeconds: LIFETIME_S,
      terminationGracePeriodSeconds: 1,
      // policies of some plugins go by the account
      ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      readinessGates: [{ conditionType: NEVER_READY }],
      securityContext: {
        runAsNonRoot: true,
        // OpenShift gives each namespace users of its own
        ...(openShift ? {} : { runAsUser: 65_534, runAsGroup: 65_534 }),
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: CONTAINER,
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['sh', '-c', script, 'impound-twin', String(TWIN_PORT), '/peers/list', ...args],
          env: [{ name: 'TWIN_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [{ name: PEERS, mountPath: '/peers', readOnly: true }],
          resources: {
            requests: { cpu: '10m', memory: '32Mi' },
            limits: { cpu: '500m', memory: '128Mi' },
          },
        },
      ],
      volumes: [
        {
          name: PEERS,
          downwardAPI: {
            items: [{ path: 'list', fieldRef: { fieldPath: `metadata.annotations['${PEERS_KEY}']` } }],
          },
        },
      ],
    },
  }
}
