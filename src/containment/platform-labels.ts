/**
 * Labels that a platform reads from a running pod. Taking one away changes how the pod is run, meshed, audited or logged,
 * and does not cut it off any further. A key that ends in '/' stands for every key below it.
 */
const PLATFORM_LABELS: readonly (readonly [key: string, why: string])[] = [
  ['eks.amazonaws.com/fargate-profile', 'Fargate runs the pod by it'],
  ['topology.kubernetes.io/', 'the API server wrote the place of the node there'],
  ['istio.io/dataplane-mode', 'Istio: mesh mode'],
  ['istio.io/use-waypoint', 'Istio: mesh mode'],
  ['istio.io/rev', 'Istio: which control plane serves the sidecar'],
  ['sidecar.istio.io/inject', 'Istio: mesh mode'],
  ['security.istio.io/tlsMode', 'Istio: without it, peers talk to the pod in plain text'],
  ['topology.istio.io/', 'Istio: mesh network'],
  ['linkerd.io/control-plane-ns', 'Linkerd: which control plane serves the proxy'],
  ['linkerd.io/workload-ns', 'Linkerd: which control plane serves the proxy'],
  ['kuma.io/', 'Kuma: mesh mode'],
  ['azure.workload.identity/use', 'Azure: its admission policy watches the pod by it'],
  ['security.openshift.io/', 'OpenShift: security policy'],
  ['admission.datadoghq.com/', 'Datadog: its admission policy and agent find the pod by it'],
  ['tags.datadoghq.com/', 'Datadog: routes the logs of the pod'],
  ['admission.gatekeeper.sh/', 'Gatekeeper: policy'],
  ['policies.kyverno.io/', 'Kyverno: policy'],
  ['logging.banzaicloud.io/', 'Logging operator: routes the logs of the pod'],
]

export function platformReason(key: string): string | undefined {
  return PLATFORM_LABELS.find(([known]) => (known.endsWith('/') ? key.startsWith(known) : key === known))?.[1]
}

/** Labels by which a controller or a GitOps tool holds its pods: as long as one stays, the pod is not let go. */
const HOLDING_LABELS: Readonly<Record<string, string>> = {
  'pod-template-hash': 'the ReplicaSet selects by it',
  'controller-uid': 'the Job selects by it',
  'batch.kubernetes.io/controller-uid': 'the Job selects by it',
  'job-name': 'the Job selects by it',
  'batch.kubernetes.io/job-name': 'the Job selects by it',
  'batch.kubernetes.io/job-completion-index': 'the Job counts by it',
  'controller-revision-hash': 'the StatefulSet or DaemonSet counts by it',
  'pod-template-generation': 'the DaemonSet counts by it',
  'statefulset.kubernetes.io/pod-name': 'the Service of one replica selects by it',
  'apps.kubernetes.io/pod-index': 'the StatefulSet counts by it',
  'app.kubernetes.io/instance': 'Argo CD prunes pods without an owner that carry it',
  'argocd.argoproj.io/instance': 'Argo CD prunes pods without an owner that carry it',
}

export function holdingReason(key: string): string | undefined {
  return Object.hasOwn(HOLDING_LABELS, key) ? HOLDING_LABELS[key] : undefined
}
