import type { AccessDocument, AccountToken, ReferencesDocument } from '../model/access-documents.js'
import { POWER_WORDS, scopeWords } from '../model/account-powers.js'
import type { LedgerRow } from '../model/evidence.js'
import { counted } from '../text/count.js'
import { formatDuration } from '../text/duration.js'
import { absence } from './absence.js'
import { bounded } from './bounded.js'
import type { ReportTargetInput } from './input.js'
import type { BlastRadiusReport, Sentence } from './model.js'
import { listed, plain, sentence } from './sentence.js'
import { REASON_WORDS } from './words.js'

const MOST_ROWS = 50
const MOST_NAMED = 10

/** What the pod's account can do, and what an intruder may have taken: what has to be rotated. */
export function blastRadiusOf(
  { access, references, directory }: ReportTargetInput,
  ledger: readonly LedgerRow[],
): BlastRadiusReport {
  const where = `data/targets/${directory}/access.json`
  const missing = [...(access?.missing ?? []), ...(references?.missing ?? [])]
  return {
    absent: access === undefined ? absence(ledger, directory, 'access', 'access') : null,
    account: access === undefined ? null : `${access.account.namespace}/${access.account.name}`,
    powers: bounded((access?.powers ?? []).map(powerRow), MOST_ROWS, where),
    rules: counted(access?.rules.length ?? 0, 'rule'),
    limits: access === undefined ? [] : limitsOf(access),
    rotate: bounded(rotationOf(access, references), MOST_ROWS, `data/targets/${directory}/references.json`),
    configMaps: bounded(
      (references?.configMaps ?? []).map(({ name }) => name),
      MOST_ROWS,
      `data/targets/${directory}/references.json`,
    ),
    volumes: bounded(
      (references?.volumes ?? []).map(({ name, type, source, mounts, claim }) => ({
        name,
        type,
        source: [source, claim?.backing].filter((part) => part !== undefined).join(', ') || null,
        mounts:
          mounts
            .map(({ container, path, readOnly }) => `${container} ${path}${readOnly ? ' (read-only)' : ''}`)
            .join(', ') || null,
      })),
      MOST_ROWS,
      `data/targets/${directory}/references.json`,
    ),
    missing: missing.slice(0, MOST_ROWS).map(({ what, reason, detail }) => ({
      what,
      why: REASON_WORDS[reason],
      detail,
    })),
  }
}

function powerRow({
  power,
  scope,
  names,
  verbs,
  through,
}: AccessDocument['powers'][number]): BlastRadiusReport['powers']['items'][number] {
  return {
    can: POWER_WORDS[power],
    where: scope === '*' ? scopeWords(scope) : scope,
    names: names.length === 0 ? null : names.slice(0, MOST_NAMED).join(', '),
    verbs: verbs.join(', '),
    through: through.slice(0, MOST_NAMED).join('; '),
  }
}

function limitsOf({ bindingsSeen, complete, bindings }: AccessDocument): readonly Sentence[] {
  const seen = {
    all: [],
    'own-namespace': [
      plain(
        'RoleBindings of other namespaces, or ClusterRoleBindings, could not be read: they can name this account too, so it may be able to do more.',
      ),
    ],
    'cluster-bindings-only': [plain('No RoleBinding could be read: the account may be able to do more.')],
    none: [plain('No binding could be read: what the account can do is not known.')],
  }[bindingsSeen]
  const aggregated = [...new Set(bindings.filter((one) => one.aggregated).map(({ role }) => role.name))]
  return [
    ...seen,
    ...(complete || bindingsSeen !== 'all'
      ? []
      : [plain('Not every role that a binding names could be read: the account may be able to do more.')]),
    ...(aggregated.length === 0
      ? []
      : [
          sentence`Made up of other ClusterRoles by their labels, so that whoever may label one can add to it: ${listed(aggregated, MOST_NAMED)}.`,
        ]),
  ]
}

/** What to revoke or rotate, gravest first. */
function rotationOf(
  access: AccessDocument | undefined,
  references: ReferencesDocument | undefined,
): readonly Sentence[] {
  const readable = (access?.powers ?? []).filter(({ power }) => power === 'read-secrets')
  return [
    ...(access?.tokens ?? []).map(tokenWords),
    ...(access?.cloud ?? []).map(
      ({ provider, identity, saidBy }) =>
        sentence`Sessions of the ${plain(CLOUD_WORDS[provider])} ${identity} (by ${saidBy}).`,
    ),
    ...(references?.secrets ?? []).map(
      ({ name, uses }) =>
        sentence`Secret ${name}, which the pod had by ${listed(
          uses.map(({ as }) => as),
          MOST_NAMED,
        )}.`,
    ),
    ...readable.map(({ names, scope }) =>
      names.length === 0
        ? scope === '*'
          ? plain('Every Secret of the cluster: the account may read them all.')
          : sentence`Every Secret of namespace ${scope}: the account may read them all.`
        : sentence`Secrets that the account may read by name in ${scope}: ${listed(names, MOST_NAMED)}.`,
    ),
    ...(access?.imagePullSecrets ?? []).map(
      ({ name, namedBy }) =>
        sentence`The registry password in Secret ${name}, named by the ${plain(namedBy)}. The kubelet uses it, the pod does not see it; whoever may read Secrets here has it.`,
    ),
  ]
}

const CLOUD_WORDS = { aws: 'AWS role', gcp: 'Google Cloud service account', azure: 'Azure identity' } as const

function tokenWords({ kind, secret, audience, expirationSeconds, mounts }: AccountToken): Sentence {
  const places = listed(
    mounts.map(({ container, path }) => `${container}:${path}`),
    MOST_NAMED,
  )
  if (kind === 'secret') {
    return sentence`The token in Secret ${secret ?? ''}, mounted at ${places}. It does not expire: delete the Secret.`
  }
  const life = plain(
    expirationSeconds === undefined ? '' : `, good for ${formatDuration(expirationSeconds * 1000)} at a time`,
  )
  const whose = audience === undefined ? plain('') : sentence` for audience ${audience}`
  return sentence`The account's token${whose}, mounted at ${places}${life}. It is bound to the pod: the API server refuses it once the pod is deleted, other systems that accept it may not.`
}
