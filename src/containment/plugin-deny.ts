import type { AccessRule } from '../model/api-path.js'
import type {
  ContainmentAction,
  Finding,
  JournalEntry,
  ReadContext,
  Suspect,
  UndoReport,
  WriteContext,
} from '../model/containment.js'
import { isCode, messageOf } from '../model/errors.js'
import type { NetworkPolicy } from '../model/kubernetes.js'
import type { NetworkPluginFacts } from '../model/network-plugin.js'
import type { ServedResource } from '../model/ports/kube-reader.js'
import type { ActionPlan, QuarantinePlan } from '../model/quarantine-plan.js'
import type { Target } from '../model/target.js'
import { FAMILIES, PLUGIN_DENY, type DenyFamily } from './cni/deny-objects.js'
import { detectNetworkPlugin } from './cni/detect.js'
import { deniedByFamily } from './cni/deny-reach.js'
import { orderFor } from './cni/deny-order.js'
import { policiesPath } from './deny-all.js'
import { createOwn, deleteOwn, sendCreate, standsOwn, titleOf, type OwnObject } from './own-object.js'
import { readPodIfThere } from './protecting-annotations.js'
import { listObjects } from './reading.js'
import { trial } from './trial.js'

interface PluginDenyPlan extends ActionPlan {
  readonly family: DenyFamily['family']
  readonly objects: readonly OwnObject[]
  /** Whether a plugin runs here that is known to act on it. */
  readonly actedOn: boolean
  /** What may come before it, a line each. */
  readonly before: readonly string[]
}

/**
 * A deny of the network plugin's own, where its API is served: the only thing that overrides what NetworkPolicies allow. It stands beside the
 * deny-all and never in place of it. What can't be done costs this alone, never the quarantine.
 */
export function createPluginDeny(): ContainmentAction<PluginDenyPlan> {
  return {
    name: PLUGIN_DENY,
    stage: 'before-cut',
    requirements: () => ({ access: [] }),
    plan,
    apply,
    verify,
    overriding,
    undo,
  }
}

/** The rights that it takes in this cluster: none where no such API is served. */
export function pluginDenyRights(resources: readonly ServedResource[]): readonly AccessRule[] {
  const found = familyOf(resources)
  return found === undefined ? [] : rightsFor(found.family)
}

function rightsFor({ group, resources }: DenyFamily): readonly AccessRule[] {
  return resources.flatMap((resource) =>
    (['get', 'list', 'create', 'delete'] as const).map((verb) => ({ verb, group, resource })),
  )
}

interface Served {
  readonly family: DenyFamily
  readonly version: string
}

/** Each kind that is served, the most wanted first. */
function served(resources: readonly ServedResource[]): readonly Served[] {
  return FAMILIES.flatMap((family): readonly Served[] => {
    const version = family.versions.find((each) =>
      family.resources.every((resource) =>
        resources.some(
          (one) => one.group === family.group && one.version === each && one.resource === resource,
        ),
      ),
    )
    return version === undefined ? [] : [{ family, version }]
  })
}

/** One that a plugin here is known to act on before one that is merely served. */
function familyOf(resources: readonly ServedResource[], network?: NetworkPluginFacts): Served | undefined {
  const all = served(resources)
  const known = all.find(({ family }) => network !== undefined && actsOn(family, network))
  return known ?? all[0]
}

async function plan(
  context: WriteContext,
  target: Target,
  quarantine: Omit<QuarantinePlan, 'actions'>,
): Promise<PluginDenyPlan | undefined> {
  if (quarantine.refusals.length > 0) return undefined
  const { kube, run } = context
  const { resources } = await kube.discover(run.signal)
  const found = familyOf(resources, quarantine.network)
  if (found === undefined) return undefined
  const { family, version } = found
  const suspect = { ...quarantine.target, case: quarantine.case }
  const none = (why: string): PluginDenyPlan => ({
    action: PLUGIN_DENY,
    family: family.family,
    changes: [],
    warnings: [`no deny of the network plugin's own (${family.family}): ${why}`],
    refusals: [],
    missingAccess: [],
    objects: [],
    actedOn: false,
    before: [],
  })
  const answers = await Promise.all(rightsFor(family).map((rule) => kube.canI(rule, run.signal)))
  const missing = answers.filter(({ allowed }) => !allowed).map(({ rule }) => `${rule.verb} ${rule.resource}`)
  if (missing.length > 0) return none(`no right to ${missing.join(', ')}`)
  const place = await orderFor(context, found.family, version, suspect)
  if ('why' in place) return none(place.why)
  const objects = family.objects(suspect, version, place.order)
  const standing = await Promise.all(objects.map((object) => standsOwn(context, suspect, object)))
  const [first] = objects
  // what comes after the first may need it
  const refused =
    first === undefined || standing[0] === true
      ? undefined
      : await trial(() => sendCreate(context, suspect, first, { dryRun: true }))
  if (refused !== undefined) return none(refused)
  const known = actsOn(family, quarantine.network)
  return {
    action: PLUGIN_DENY,
    family: family.family,
    changes: objects
      .filter((_object, index) => standing[index] !== true)
      .map((one) => `+ ${titleOf(one)} (deny)`),
    warnings: [
      ...(known ? [] : [`whether anything here acts on ${objects.map(titleOf).join(', ')} is not known`]),
      ...place.before,
    ],
    refusals: [],
    missingAccess: [],
    objects,
    actedOn: known,
    before: place.before,
    ...(known ? await closing(context, target, family, quarantine, place.before) : {}),
  }
}

/** Whether a plugin runs that is known to act on it, and that takes policies on this pod seriously. */
function actsOn(family: DenyFamily, { enforces, plugins }: NetworkPluginFacts): boolean {
  return (
    enforces === 'yes' &&
    plugins.some((found) => found.enforces === 'yes' && family.plugins.includes(found.plugin))
  )
}

async function closing(
  { kube, run }: ReadContext,
  target: Target,
  family: DenyFamily,
  { policies }: Omit<QuarantinePlan, 'actions'>,
  before: readonly string[],
): Promise<Pick<PluginDenyPlan, 'closes' | 'overrides'>> {
  const open = policies.filter(({ residual, opensMore }) => residual || opensMore === true)
  if (deniesAll(family)) {
    return { closes: open.map(({ name }) => name), ...(before.length === 0 ? { overrides: 'all' } : {}) }
  }
  if (open.length === 0) return {}
  const found = await listObjects<NetworkPolicy>(kube, policiesPath(target.namespace), run.signal)
  const closes = open
    .map(({ name }) => name)
    .filter((name) => {
      const policy = found.find(({ metadata }) => metadata?.name === name)
      return policy !== undefined && deniedByFamily(policy, family)
    })
  return { closes }
}

async function apply(context: WriteContext, { objects }: PluginDenyPlan, suspect: Suspect): Promise<void> {
  for (const object of objects) await createOwn(context, suspect, object)
}

async function verify(context: ReadContext, section: PluginDenyPlan, suspect: Suspect): Promise<Finding> {
  const { objects, actedOn, overrides, closes = [], before } = section
  if (objects.length === 0) return { tried: [], open: [] }
  const standing = await Promise.all(objects.map((object) => standsOwn(context, suspect, object)))
  const missing = objects.filter((_object, index) => standing[index] !== true)
  const titles = objects.map(titleOf).join(', ')
  if (missing.length > 0) {
    return { tried: [], open: missing.map((one) => `${titleOf(one)} does not stand as it was made`) }
  }
  return {
    tried: [
      `read back: ${titles} stands${actedOn ? ': it denies before NetworkPolicies allow' : '; whether anything acts on it is not known'}`,
    ],
    open: before,
    ...(overrides === 'all' ? { overrides } : closes.length > 0 ? { overrides: closes } : {}),
  }
}

async function overriding(context: WriteContext, suspect: Suspect): Promise<'all' | readonly string[]> {
  const { kube, run } = context
  const pod = await readPodIfThere(context, suspect)
  if (pod === undefined) return []
  const [{ resources }, network] = await Promise.all([
    kube.discover(run.signal),
    detectNetworkPlugin(context, pod),
  ])
  const found = familyOf(resources, network)
  if (found === undefined || !actsOn(found.family, network)) return []
  const { family, version } = found
  const place = await orderFor(context, family, version, suspect)
  if ('why' in place) return []
  const objects = family.objects(suspect, version, place.order)
  const standing = await Promise.all(objects.map((object) => standsOwn(context, suspect, object)))
  if (standing.includes(false)) return []
  if (deniesAll(family)) return 'all'
  const policies = await listObjects<NetworkPolicy>(kube, policiesPath(suspect.namespace), run.signal)
  return policies
    .filter((policy) => deniedByFamily(policy, family))
    .map(({ metadata }) => metadata?.name ?? '')
}

function deniesAll({ denies }: DenyFamily): boolean {
  return denies.ingress === 'everything' && denies.egress === 'everything'
}

/** Whatever kind is served now: without a journal nobody says which one it was. */
async function undo(
  context: WriteContext,
  suspect: Suspect,
  entries: readonly JournalEntry[],
  mode: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const { resources } = await context.kube.discover(context.run.signal)
  const report = { done: [] as string[], left: [...notServed(entries, resources)] }
  for (const { family, version } of served(resources)) {
    try {
      const place = await orderFor(context, family, version, suspect)
      const objects = family.objects(suspect, version, 'why' in place ? 0 : place.order)
      // a tier goes after what is in it
      for (const object of objects.toReversed()) {
        const { done, left } = await deleteOwn(context, suspect, object, entries, mode)
        report.done.push(...done)
        report.left.push(...left)
      }
    } catch (error) {
      const made = entries.some(({ intent }) => intent.action === PLUGIN_DENY)
      if (made || !isCode(error, 'forbidden', 'unauthorized')) throw error
      report.left.push(`whether a deny of ${family.family} is there is not known: ${messageOf(error)}`)
    }
  }
  return report
}

/** What the journal says was made and is served no more: an API may be away for a while, and its objects with it. */
function notServed(
  entries: readonly JournalEntry[],
  resources: readonly ServedResource[],
): readonly string[] {
  const standing = new Set<string>()
  for (const { intent, outcome } of entries) {
    if (outcome?.status === undefined || outcome.status >= 400) continue
    const [step = '', kind = ''] = intent.step.split(' ')
    if (step === 'create') standing.add(kind)
    else standing.delete(kind)
  }
  const kinds = new Set(resources.map(({ kind }) => kind))
  return [...standing]
    .filter((kind) => !kinds.has(kind))
    .map((kind) => `${kind} of the suspect is left: this cluster does not serve its API now`)
}
