import { accountTokens, cloudIdentities } from '../model/account-tokens.js'
import type { AccountToken, CloudIdentity } from '../model/access-documents.js'
import type { ReadContext } from '../model/containment.js'
import { isCode, messageOf } from '../model/errors.js'
import type { Json } from '../model/json.js'
import type { CredentialPlan } from '../model/quarantine-plan.js'
import { referencesOf } from '../model/spec-references.js'
import type { Target } from '../model/target.js'
import { forShell } from '../text/shell.js'
import { readObject } from './reading.js'

/**
 * What the pod holds that somebody may have taken along, whether it outlives the pod, and how to revoke it. Secrets are named, not read. A
 * cloud identity that only the account's annotations name is missing where the account can't be read: `unseen` says so.
 */
export async function credentialPlans(
  context: ReadContext,
  target: Target,
): Promise<{ readonly credentials: readonly CredentialPlan[]; readonly unseen: readonly string[] }> {
  const { namespace, pod } = target
  const name = pod.spec?.serviceAccountName ?? 'default'
  const unseen: string[] = []
  let account: Json | undefined
  try {
    const path = { group: '', version: 'v1', resource: 'serviceaccounts', namespace, name } as const
    account = await readObject<Json>(context.kube, path, context.run.signal)
  } catch (error) {
    if (isCode(error, 'aborted')) throw error
    unseen.push(
      `service account ${name} could not be read (${messageOf(error)}): whether it stands for a cloud identity is not known`,
    )
  }
  const tokens = accountTokens(pod)
  const inTokens = new Set(tokens.flatMap(({ secret }) => secret ?? []))
  const secrets = [...referencesOf(pod).secrets].filter(
    ([secret, uses]) => !inTokens.has(secret) && uses.some(({ as }) => as !== 'image pull'),
  )
  return {
    credentials: [
      ...tokens.map((token) => tokenPlan(token, target, name)),
      ...distinct(cloudIdentities(pod, account)).map((identity) => cloudPlan(identity, target, name)),
      ...secrets.map(([secret, uses]) => secretPlan(secret, uses.map(({ as }) => as).join(', '), target)),
    ],
    unseen,
  }
}

function tokenPlan(
  { kind, secret = '', audience }: AccountToken,
  { namespace, name }: Target,
  account: string,
): CredentialPlan {
  if (kind === 'secret') {
    return {
      credential: `token of account ${namespace}/${account} in Secret ${secret}`,
      outlives: 'yes',
      why: 'it does not expire',
      command: `kubectl delete secret ${forShell(secret)} -n ${forShell(namespace)}`,
      also: 'every pod that mounts it loses it',
    }
  }
  const command = `kubectl delete pod ${forShell(name)} -n ${forShell(namespace)}`
  return audience === undefined
    ? {
        credential: `token of account ${namespace}/${account}`,
        outlives: 'no',
        why: 'it is bound to the pod: the API server takes it as long as the pod exists',
        command,
        also: 'once the evidence is sealed and verified',
      }
    : {
        credential: `token of account ${namespace}/${account} for ${audience}`,
        outlives: 'not-known',
        why: `${audience} may take it until it expires, whether the pod exists or not`,
        command,
        also: 'then no new one is made; sessions that it opened are to be ended there',
      }
}

function cloudPlan(
  { provider, identity, saidBy }: CloudIdentity,
  { namespace }: Target,
  account: string,
): CredentialPlan {
  const plan = { outlives: 'yes', why: 'sessions that were taken stay good until they expire' } as const
  const shared = 'it hits every other user of it as well'
  switch (provider) {
    case 'aws': {
      if (!identity.startsWith('arn:')) {
        return {
          ...plan,
          credential: `AWS credentials from ${identity} (${saidBy})`,
          command: `aws eks list-pod-identity-associations --cluster-name CLUSTER --namespace ${forShell(namespace)} --service-account ${forShell(account)}`,
          also: 'it names the role, whose older sessions are to be denied',
        }
      }
      const role = identity.split('/').at(-1) ?? identity
      return {
        ...plan,
        credential: `AWS role ${identity} (${saidBy})`,
        command: `aws iam put-role-policy --role-name ${forShell(role)} --policy-name RevokeOlderSessions --policy-document "{\\"Version\\":\\"2012-10-17\\",\\"Statement\\":[{\\"Effect\\":\\"Deny\\",\\"Action\\":\\"*\\",\\"Resource\\":\\"*\\",\\"Condition\\":{\\"DateLessThan\\":{\\"aws:TokenIssueTime\\":\\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\\"}}}]}"`,
        also: `it denies every session that began before; ${shared}`,
      }
    }
    case 'gcp':
      return {
        ...plan,
        credential: `Google Cloud service account ${identity} (${saidBy})`,
        command: `gcloud iam service-accounts disable ${forShell(identity)}`,
        also: shared,
      }
    case 'azure':
      return {
        ...plan,
        credential: `Azure identity ${identity} (${saidBy})`,
        command: `az ad sp update --id ${forShell(identity)} --set accountEnabled=false`,
        also: `access tokens that were taken expire by themselves; ${shared}`,
      }
  }
}

function secretPlan(secret: string, as: string, { namespace }: Target): CredentialPlan {
  return {
    credential: `Secret ${secret} (${as})`,
    outlives: 'yes',
    why: 'what it opens does not know of the pod',
    command: `kubectl describe secret ${forShell(secret)} -n ${forShell(namespace)}`,
    also: 'it names the keys: change each at the system that accepts it, then the Secret',
  }
}

/** One identity may be named by account, pod and each of its containers. */
function distinct(identities: readonly CloudIdentity[]): readonly CloudIdentity[] {
  const byIdentity = new Map<string, CloudIdentity>()
  for (const each of identities) {
    const key = `${each.provider} ${each.identity}`
    if (!byIdentity.has(key)) byIdentity.set(key, each)
  }
  return [...byIdentity.values()]
}
