import { detectNetworkPlugin } from '../../containment/index.js'
import type { KubeConnection } from '../../kube/connect.js'
import type { KubeReader, ServedResource } from '../../model/ports/kube-reader.js'
import { networkLines } from '../../model/network-plugin.js'
import type { RunContext } from '../../model/ports/run-context.js'
import type { PreflightRow, PreflightState } from '../../model/preflight.js'
import type { Scene } from '../../model/scene.js'
import type { Target } from '../../model/target.js'

/** What the cluster is, who one is there, and what it has that a run can use. */
export async function clusterRows(
  scene: Scene,
  target: Target,
  kube: KubeConnection,
  served: readonly ServedResource[],
  contains: boolean,
  run: RunContext,
): Promise<readonly PreflightRow[]> {
  const { who, where, missing } = scene
  const user = who.impersonating ?? who.user
  return [
    row('API server', where.version === undefined ? 'not-known' : 'works', [
      `${where.version ?? 'version not known'} at ${where.server}`,
    ]),
    row('who you are', user === undefined ? 'not-known' : 'works', [
      user ?? 'this API server does not say: it has no SelfSubjectReview (before Kubernetes 1.26)',
    ]),
    row('which cluster', where.clusterUid === undefined ? 'missing' : 'works', [
      ...(where.clusterUid === undefined ? missing.filter((line) => line.startsWith('identity')) : []),
    ]),
    await networkRow({ run, kube: kube.reader }, target, contains),
    row('ephemeral containers', isServed(served, '', 'pods/ephemeralcontainers') ? 'works' : 'missing', [
      isServed(served, '', 'pods/ephemeralcontainers') ? 'served' : 'not served',
    ]),
    checkpointRow(where.version),
  ]
}

function row(name: string, state: PreflightState, why: readonly string[], asked = false): PreflightRow {
  return { area: 'cluster', name, state, asked, why, missingAccess: [] }
}

function isServed(served: readonly ServedResource[], group: string, resource: string): boolean {
  return served.some((one) => one.group === group && one.resource === resource)
}

async function networkRow(
  context: { readonly run: RunContext; readonly kube: KubeReader },
  target: Target,
  contains: boolean,
): Promise<PreflightRow> {
  const facts = await detectNetworkPlugin(context, target.pod)
  const state = { yes: 'works', no: 'missing', 'not-known': 'not-known' } as const
  return row('network plugin', state[facts.enforces], [...networkLines(facts), ...facts.warnings], contains)
}

/** Source: the kubelet's feature gate ContainerCheckpoint, alpha in 1.25, on by default from 1.30 on. */
function checkpointRow(version: string | undefined): PreflightRow {
  const minor = Number(/^v1\.(\d+)/.exec(version ?? '')?.[1])
  const onNode =
    'whether the runtime can do it (CRI-O since 1.25, containerd since 2.0, with CRIU) shows on the node'
  const name = 'checkpoint (--checkpoint)'
  if (!Number.isInteger(minor)) return row(name, 'not-known', ['the server’s version is not known', onNode])
  if (minor < 25) return row(name, 'missing', [`kubelets of 1.${minor} have none: they have it since 1.25`])
  const gate =
    minor < 30
      ? `kubelets of 1.${minor} have it where ContainerCheckpoint is switched on`
      : `kubelets of 1.${minor} have it unless it is switched off`
  return row(name, 'not-known', [gate, onNode])
}
