import type { KubeObject } from '../model/kubernetes.js'

/** Labels and annotations by which a tool marks what it keeps as its source says. */
const MARKS: readonly (readonly [key: string, tool: string])[] = [
  ['argocd.argoproj.io/instance', 'Argo CD'],
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['kustomize.toolkit.fluxcd.io/name', 'Flux'],
  ['helm.toolkit.fluxcd.io/name', 'Flux'],
  ['meta.helm.sh/release-name', 'Helm'],
  ['objectset.rio.cattle.io/id', 'Rancher Fleet'],
  ['config.k8s.io/owning-inventory', 'kpt or Config Sync'],
]

/** Who may put an object back as it was: a GitOps tool, an operator; undefined where nobody shows. */
export function managedBy({ metadata }: KubeObject): string | undefined {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true)
  if (owner !== undefined) return `${owner.kind ?? ''} ${owner.name ?? ''}`
  return MARKS.find(
    ([key]) => metadata?.labels?.[key] !== undefined || metadata?.annotations?.[key] !== undefined,
  )?.[1]
}
