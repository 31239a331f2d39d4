import type { AccountToken, CloudIdentity } from './access-documents.js'
import { asArray, asNumber, asString, asStringMap, at } from './json.js'
import { mountsOf, nameOf, specContainers, specVolumes } from './spec-volumes.js'

/** Where admission mounts the account's token; before 1.21 from a Secret that does not expire. */
const ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Every token of the service account that the pod's spec mounts. */
export function accountTokens(pod: unknown): readonly AccountToken[] {
  return specVolumes(pod).flatMap((volume): readonly AccountToken[] => {
    const mounts = mountsOf(pod, nameOf(volume))
    const places = (below?: string): AccountToken['mounts'] =>
      mounts.map(({ container, path }) => ({
        container,
        path: below === undefined ? path : `${path.replace(/\/$/, '')}/${below}`,
      }))
    const secret = asString(at(volume, 'secret', 'secretName'))
    if (secret !== undefined && mounts.some(({ path }) => path.replace(/\/$/, '') === ACCOUNT_DIRECTORY)) {
      return [{ kind: 'secret', secret, mounts: places('token') }]
    }
    return asArray(at(volume, 'projected', 'sources')).flatMap((source) => {
      const token = at(source, 'serviceAccountToken')
      if (token === undefined) return []
      const audience = asString(at(token, 'audience'))
      const expirationSeconds = asNumber(at(token, 'expirationSeconds'))
      return [
        {
          kind: 'projected',
          mounts: places(asString(at(token, 'path')) ?? 'token'),
          ...(audience === undefined || audience === '' ? {} : { audience }),
          ...(expirationSeconds === undefined ? {} : { expirationSeconds }),
        } as const,
      ]
    })
  })
}

/** Sources: documentation of EKS (IRSA, Pod Identity), kube2iam, GKE Workload Identity, Azure Workload Identity, AAD Pod Identity. */
const ACCOUNT_ANNOTATIONS: readonly (readonly [string, CloudIdentity['provider']])[] = [
  ['eks.amazonaws.com/role-arn', 'aws'],
  ['iam.gke.io/gcp-service-account', 'gcp'],
  ['azure.workload.identity/client-id', 'azure'],
]
const POD_ANNOTATIONS: readonly (readonly [string, CloudIdentity['provider']])[] = [
  ['iam.amazonaws.com/role', 'aws'],
]
const POD_LABELS: readonly (readonly [string, CloudIdentity['provider']])[] = [['aadpodidbinding', 'azure']]
const VARIABLES: readonly (readonly [string, CloudIdentity['provider']])[] = [
  ['AWS_ROLE_ARN', 'aws'],
  ['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'aws'],
  ['AZURE_CLIENT_ID', 'azure'],
]

/** Identities at a cloud provider that account and pod name. The node's own, which a pod may reach by the metadata service, is not among them. */
export function cloudIdentities(pod: unknown, account: unknown): readonly CloudIdentity[] {
  const named =
    (map: Readonly<Record<string, string>>, where: string) =>
    ([key, provider]: readonly [string, CloudIdentity['provider']]): readonly CloudIdentity[] => {
      const identity = Object.hasOwn(map, key) ? map[key] : undefined
      return identity === undefined ? [] : [{ provider, identity, saidBy: `${where} ${key}` }]
    }
  const annotations = (of: unknown): Readonly<Record<string, string>> =>
    asStringMap(at(of, 'metadata', 'annotations'))
  return [
    ...ACCOUNT_ANNOTATIONS.flatMap(named(annotations(account), 'service account annotation')),
    ...POD_ANNOTATIONS.flatMap(named(annotations(pod), 'pod annotation')),
    ...POD_LABELS.flatMap(named(asStringMap(at(pod, 'metadata', 'labels')), 'pod label')),
    ...specContainers(pod).flatMap((container) => {
      const variables = Object.fromEntries(
        asArray(at(container, 'env')).map((each) => [nameOf(each), asString(at(each, 'value')) ?? '']),
      )
      return VARIABLES.flatMap(named(variables, 'variable')).map(({ saidBy, ...identity }) => ({
        ...identity,
        saidBy: `${saidBy} of container ${nameOf(container)}`,
      }))
    }),
  ]
}
