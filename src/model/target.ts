import type { Pod } from './kubernetes.js'

/** A suspect pod, always with its UID: a name alone may belong to another pod a moment later. */
export interface Target {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** The pod as it was when the target was resolved. Not redacted: never write it to an artefact. */
  readonly pod: Pod
}

/** The first eight characters of the UID: what names of ours carry. */
export function uid8(target: Pick<Target, 'uid'>): string {
  return target.uid.slice(0, 8)
}

/** Names of the Secrets that the kubelet pulls the pod's images with; those of its account were copied there at its admission. */
export function pullSecretsOf(pod: Pod): readonly string[] {
  const names = (pod.spec?.imagePullSecrets ?? []).flatMap(({ name }) => (name === undefined ? [] : [name]))
  return [...new Set(names)].filter((name) => name !== '')
}

export type ContainerRole = 'init' | 'sidecar' | 'main' | 'ephemeral'

export interface TargetContainer {
  readonly name: string
  readonly role: ContainerRole
  /** The reference in the spec. */
  readonly image: string
  /** What the runtime says it runs; empty where it never started. */
  readonly imageID: string
  readonly containerID: string
  readonly restartCount: number
  readonly running: boolean
  /** RFC 3339, of the current or, if it is not running, the last run. */
  readonly startedAt: string | undefined
}

/** Every container of the pod, in the order init, main, ephemeral, joined with its status. */
export function containersOf(pod: Pod): readonly TargetContainer[] {
  const statuses = new Map(
    [
      ...(pod.status?.initContainerStatuses ?? []),
      ...(pod.status?.containerStatuses ?? []),
      ...(pod.status?.ephemeralContainerStatuses ?? []),
    ].map((status) => [status.name, status] as const),
  )
  const join =
    (role: (restartPolicy: string | undefined) => ContainerRole) =>
    (container: {
      readonly name?: string
      readonly image?: string
      readonly restartPolicy?: string
    }): TargetContainer => {
      const status = statuses.get(container.name)
      return {
        name: container.name ?? '',
        role: role(container.restartPolicy),
        image: container.image ?? '',
        imageID: status?.imageID ?? '',
        containerID: status?.containerID ?? '',
        restartCount: status?.restartCount ?? 0,
        running: status?.state?.running !== undefined,
        startedAt: status?.state?.running?.startedAt ?? status?.state?.terminated?.startedAt,
      }
    }
  return [
    ...(pod.spec?.initContainers ?? []).map(join((policy) => (policy === 'Always' ? 'sidecar' : 'init'))),
    ...(pod.spec?.containers ?? []).map(join(() => 'main')),
    ...(pod.spec?.ephemeralContainers ?? []).map(join(() => 'ephemeral')),
  ]
}
