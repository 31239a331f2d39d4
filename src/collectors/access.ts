import { podPath } from '../model/api-path.js'
import type { AccessDocument } from '../model/access-documents.js'
import type { Collector } from '../model/collector.js'
import { ImpoundError } from '../model/errors.js'
import { asArray, asString, at } from '../model/json.js'
import { accountTokens, cloudIdentities } from '../model/account-tokens.js'
import { boundRoles, groupsOf } from './bound-roles.js'
import { PartialReads } from './partial-reads.js'
import { powersOf } from './powers.js'
import { nameOf } from '../model/spec-volumes.js'

/**
 * What whoever was in the pod can do with its service account: by RBAC alone. Other authorizers (webhooks, ABAC) can allow
 * more and are not asked.
 */
export const accessCollector: Collector = {
  name: 'access',
  summary: 'the service account, its tokens, bindings and rights, its cloud identities: the blast radius',
  phases: ['read'],
  requirements: (_options, { namespace }) => ({
    access: [
      { verb: 'get', group: '', resource: 'serviceaccounts', namespace },
      { verb: 'list', group: 'rbac.authorization.k8s.io', resource: 'rolebindings' },
      { verb: 'list', group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings' },
      { verb: 'get', group: 'rbac.authorization.k8s.io', resource: 'roles' },
      { verb: 'get', group: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
    ],
    impact: 'read',
  }),
  async collect(context, target, sink) {
    const pod = await context.api.get(podPath(target.namespace, target.name))
    if (at(pod.json, 'metadata', 'uid') !== target.uid) {
      throw new ImpoundError('target-changed', `pod ${target.name} is another pod now: its UID differs`)
    }
    const reads = new PartialReads('access', sink)
    const account = {
      namespace: target.namespace,
      name: asString(at(pod.json, 'spec', 'serviceAccountName')) ?? 'default',
    }
    const read = await reads.read(`service account ${account.name}`, () =>
      context.api.get({ group: '', version: 'v1', resource: 'serviceaccounts', ...account }),
    )
    const roles = await boundRoles(context, account, reads)
    const derivedFrom = [pod.artefact, ...reads.artefacts]
    const document: AccessDocument = {
      schema: 'impound/access/v1',
      derivedFrom,
      account: { ...account, read: read !== undefined },
      groups: groupsOf(account),
      tokens: accountTokens(pod.json),
      cloud: cloudIdentities(pod.json, read?.json),
      imagePullSecrets: [
        ...pullSecrets(at(pod.json, 'spec', 'imagePullSecrets'), 'pod'),
        ...pullSecrets(at(read?.json, 'imagePullSecrets'), 'service account'),
      ],
      ...roles,
      powers: powersOf(roles.rules),
      missing: reads.missing,
    }
    await sink.document(
      'access.json',
      document,
      { kind: 'derived', mediaType: 'application/json', trust: 'derived', derivedFrom },
      'access',
    )
  },
}

function pullSecrets(
  list: unknown,
  namedBy: AccessDocument['imagePullSecrets'][number]['namedBy'],
): AccessDocument['imagePullSecrets'] {
  return asArray(list)
    .map(nameOf)
    .filter((name) => name !== '')
    .map((name) => ({ name, namedBy }))
}
