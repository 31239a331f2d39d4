import { randomBytes } from 'node:crypto'

import { END_SOON, apply, eventually, kubectl, kubeJson, world } from './world.js'

export interface PodObject {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
    readonly ownerReferences?: readonly { readonly controller?: boolean }[]
  }
  readonly spec: object
  readonly status: {
    readonly podIP?: string
    readonly containerStatuses?: readonly {
      readonly name: string
      readonly ready: boolean
      readonly restartCount: number
      readonly imageID: string
    }[]
  }
}

/** A namespace with a Deployment of two replicas, each of a container with a shell and one without, a Service and two policies. */
export class Shop {
  readonly namespace = `e2e-${randomBytes(3).toString('hex')}`

  async open(): Promise<void> {
    const labels = { app: 'web', tier: 'frontend' }
    const metadata = (name: string): object => ({ name, namespace: this.namespace })
    apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.namespace } })
    apply(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: metadata('web'),
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: 'web' } },
          template: {
            metadata: { labels },
            spec: {
              terminationGracePeriodSeconds: 1,
              containers: [
                {
                  name: 'app',
                  image: world.appImage,
                  env: [{ name: 'DB_PASSWORD', value: 'canary-7f3c9e1b' }],
                  volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
                },
                { name: 'bare', image: world.distrolessImage },
              ],
              volumes: [{ name: 'scratch', emptyDir: {} }],
            },
          },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: metadata('web'),
        spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
      },
      policy(metadata('allow-web'), { matchLabels: { app: 'web' } }),
      policy(metadata('allow-all'), {}),
    )
    await this.pods(2)
  }

  /** Waits until exactly `count` pods of the Deployment run with both containers ready; sorted by name. */
  pods(count: number): Promise<readonly PodObject[]> {
    return eventually(`${count} ready pods`, () => {
      const { items } = kubeJson('get', 'pods', '-n', this.namespace, '-l', 'app=web') as {
        items: PodObject[]
      }
      const ready = items.filter(
        ({ metadata, status }) =>
          metadata.deletionTimestamp === undefined &&
          status.containerStatuses?.length === 2 &&
          status.containerStatuses.every((container) => container.ready),
      )
      return ready.length === count && items.length === count ? ready : undefined
    })
  }

  pod(name: string): PodObject {
    return kubeJson('get', 'pod', name, '-n', this.namespace) as PodObject
  }

  exec(pod: string, script: string): string {
    return kubectl('exec', '-n', this.namespace, pod, '-c', 'app', '--', 'sh', '-c', script)
  }

  /** Ends the container's first run, so that it has a previous log. */
  async restartApp(pod: string): Promise<void> {
    this.exec(pod, END_SOON)
    await eventually(`${pod} to restart`, () => {
      const app = this.pod(pod).status.containerStatuses?.find(({ name }) => name === 'app')
      return app?.restartCount === 1 && app.ready ? true : undefined
    })
  }

  close(): void {
    kubectl('delete', 'namespace', this.namespace, '--wait=false')
  }
}

function policy(metadata: object, podSelector: object): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: { podSelector, policyTypes: ['Ingress'], ingress: [{}] },
  }
}
