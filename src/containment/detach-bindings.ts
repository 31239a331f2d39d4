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
import { isCode } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import type { JsonPatch } from '../model/ports/kube-writer.js'
import type { ActionPlan, QuarantinePlan } from '../model/quarantine-plan.js'
import type { Target } from '../model/target.js'
import {
  accountOf,
  bindingPath,
  bindingTitle,
  isAccount,
  listBindings,
  subjectsOf,
  type Account,
  type Binding,
  type BindingPath,
  type FoundBinding,
} from './account-bindings.js'
import { byGroup, keepers, siblingWarnings } from './binding-warnings.js'
import { converge } from './converge.js'
import { attachPatch, detachedFor, detachPatch, NAME } from './detached-subjects.js'
import { clearMark, isMarked, setMark, type NodeMark } from './node-mark.js'
import type { QuarantineOptions } from './options.js'
import { readPodIfThere } from './protecting-annotations.js'
import { readObject } from './reading.js'
import { changedBy, objectName, patchShared } from './shared-object.js'
import { trial } from './trial.js'

const ON_POD: NodeMark = { action: NAME, key: `impound.dev/${NAME}` }

interface BindingsPlan extends ActionPlan {
  readonly account: Account
  /** Names of objects: 'rolebindings/shop/web'. */
  readonly bindings: readonly string[]
}

/**
 * Takes the suspect's service account off the bindings that name it, and puts it back on release: a token that was taken along
 * can do no more then than every account can. Shared with every pod of the account.
 */
export function createDetachBindings(options: QuarantineOptions): ContainmentAction<BindingsPlan> {
  const wanted = options.wanted.has(NAME)
  return {
    name: NAME,
    stage: 'after-cut',
    requirements: () => ({ access: wanted ? bindingRights() : [] }),
    plan: (context, target, quarantine) =>
      wanted ? plan(context, target, quarantine) : Promise.resolve(undefined),
    apply,
    verify,
    undo,
  }
}

/** `bind` lets one change a binding of a role whose rights one does not have. Source: the RBAC documentation. */
function bindingRights(): readonly AccessRule[] {
  const group = 'rbac.authorization.k8s.io'
  return [
    ...['rolebindings', 'clusterrolebindings'].flatMap((resource) =>
      (['list', 'get', 'patch'] as const).map((verb) => ({ verb, group, resource })),
    ),
    ...['roles', 'clusterroles'].map((resource) => ({ verb: 'bind' as const, group, resource })),
  ]
}

async function plan(
  context: WriteContext,
  target: Target,
  quarantine: Omit<QuarantinePlan, 'actions'>,
): Promise<BindingsPlan> {
  const { kube, run } = context
  const suspect = { ...quarantine.target, case: quarantine.case }
  const account = accountOf(target.pod, target)
  const said = `${account.namespace}/${account.name}`
  const head = { action: NAME, account }
  // whether one may bind, the dry runs say: who has the rights of a role needs no `bind`
  const needed = bindingRights().filter(({ verb }) => verb !== 'bind')
  const rights = await Promise.all(needed.map((rule) => kube.canI(rule, run.signal)))
  const missingAccess = rights.filter(({ allowed }) => !allowed).map(({ rule }) => rule)
  if (missingAccess.length > 0) {
    return { ...head, bindings: [], changes: [], warnings: [], refusals: [], missingAccess }
  }
  const all = await listBindings(context)
  const due = all.filter(({ binding }) => detachPatch(binding, suspect, account).length > 0)
  const refusals: ActionPlan['refusals'][number][] = []
  for (const found of quarantine.refusals.length === 0 ? due : []) {
    const patch = detachPatch(found.binding, suspect, account)
    const why = await trial(() => send(context, suspect, 'detach', found, patch, account, true))
    if (why !== undefined)
      refusals.push({ code: 'admission', message: `${bindingTitle(found.path)}: ${why}` })
  }
  const ours = all.filter(({ binding }) => detachedFor(binding, suspect) !== undefined)
  return {
    ...head,
    bindings: [...new Set([...ours, ...due].map(({ path }) => objectName(path)))],
    changes: [
      ...due.map(
        ({ path, binding }) =>
          `~ ${bindingTitle(path)}: take account ${said} off ${binding.roleRef?.kind ?? 'role'} ${binding.roleRef?.name ?? ''}`,
      ),
      ...(due.length === 0 ? [] : [`~ annotation ${ON_POD.key}`]),
    ],
    warnings: [
      ...(due.length + ours.length === 0 ? [`no binding names account ${said}: nothing to take off`] : []),
      ...(due.length === 0 ? [] : await siblingWarnings(context, target, account)),
      ...due.flatMap(({ path, binding }) =>
        keepers(binding).map((tool) => `${bindingTitle(path)} is ${tool}`),
      ),
      ...byGroup(all, account),
      'rights that come from elsewhere than RBAC (a webhook, a cloud identity) stay',
    ],
    refusals,
    missingAccess: [],
  }
}

async function apply(context: WriteContext, section: BindingsPlan, suspect: Suspect): Promise<void> {
  const { account, bindings, changes } = section
  if (changes.length === 0) return
  await setMark(context, suspect, ON_POD)
  for (const path of bindings.flatMap((name) => bindingPath(name) ?? [])) {
    await converge(context.run, async () => {
      const binding = await read(context, path)
      const patch = binding === undefined ? [] : detachPatch(binding, suspect, account)
      if (binding === undefined || patch.length === 0) return 'done'
      return { write: () => send(context, suspect, 'detach', { path, binding }, patch, account, false) }
    })
  }
}

async function verify(context: ReadContext, { account, bindings }: BindingsPlan): Promise<Finding> {
  const names: string[] = []
  for (const path of bindings.flatMap((name) => bindingPath(name) ?? [])) {
    const binding = await read(context, path)
    if (binding === undefined) continue
    if (subjectsOf(binding).some((subject) => isAccount(subject, account, path.namespace)))
      names.push(bindingTitle(path))
  }
  const off = bindings.length - names.length
  return {
    tried:
      bindings.length === 0 ? [] : [`read back: the account is off ${off} of ${bindings.length} bindings`],
    open: names.map((title) => `${title} still names the pod's account`),
  }
}

async function undo(
  context: WriteContext,
  suspect: Suspect,
  entries: readonly JournalEntry[],
  { dryRun }: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const pod = await readPodIfThere(context, suspect)
  const marked = pod !== undefined && isMarked(pod, ON_POD)
  const journalled = changedBy(entries, 'detach')
  if (!marked && journalled.size === 0) return { done: [], left: [] }
  const account = pod === undefined ? accountIn([...journalled.values()]) : accountOf(pod, suspect)
  const names = new Set(journalled.keys())
  if (marked) for (const name of await markedNames(context, suspect, journalled.size > 0)) names.add(name)
  const report = { done: [] as string[], left: [] as string[] }
  for (const path of [...names].sort().flatMap((name) => bindingPath(name) ?? [])) {
    const recorded = journalled.has(objectName(path))
    const { done, left } = await undoOne(context, suspect, path, account, { dryRun, recorded })
    report.done.push(...done)
    report.left.push(...left)
  }
  if (!dryRun && marked) await clearMark(context, suspect, ON_POD)
  return report
}

/** Bindings that say themselves that they were changed for the suspect. With a journal, one who may not list them goes by it. */
async function markedNames(
  context: ReadContext,
  suspect: Suspect,
  journalled: boolean,
): Promise<readonly string[]> {
  try {
    const all = await listBindings(context)
    return all
      .filter(({ binding }) => detachedFor(binding, suspect) !== undefined)
      .map(({ path }) => objectName(path))
  } catch (error) {
    if (!journalled || !isCode(error, 'forbidden')) throw error
    return []
  }
}

async function undoOne(
  context: WriteContext,
  suspect: Suspect,
  path: BindingPath,
  account: Account,
  { dryRun, recorded }: { readonly dryRun: boolean; readonly recorded: boolean },
): Promise<UndoReport> {
  const title = bindingTitle(path)
  const binding = await read(context, path)
  if (binding === undefined) {
    return { done: [], left: [`${title} is gone: somebody deleted it`] }
  }
  const attach = attachPatch(binding, suspect, account)
  if (attach === undefined) {
    const named = subjectsOf(binding).some((subject) => isAccount(subject, account, path.namespace))
    return { done: [], left: named || !recorded ? [] : [`${title} no longer says what was taken off it`] }
  }
  if (!dryRun) {
    await converge(context.run, async () => {
      const now = await read(context, path)
      const due = now === undefined ? undefined : attachPatch(now, suspect, account)
      if (now === undefined || due === undefined) return 'done'
      const found = { path, binding: now }
      return { write: () => send(context, suspect, 'attach', found, due.patch, account, false) }
    })
  }
  const said = `account ${account.namespace}/${account.name}`
  switch (attach.how) {
    case 'back':
      return { done: [`~ ${title}: ${said} put back`], left: [] }
    case 'shared':
      return { done: [`= ${title}: ${said} stays off, another held pod has it`], left: [] }
    case 'was-back':
      return { done: [], left: [`${title}: ${said} was put back by somebody else`] }
  }
}

function accountIn(priors: readonly unknown[]): Account {
  const prior = priors[0]
  return {
    namespace: asString(at(prior, 'account', 'namespace')) ?? '',
    name: asString(at(prior, 'account', 'name')) ?? '',
  }
}

function read({ kube, run }: ReadContext, path: BindingPath): Promise<Binding | undefined> {
  return readObject<Binding>(kube, path, run.signal)
}

function send(
  context: WriteContext,
  suspect: Suspect,
  step: 'detach' | 'attach',
  { path, binding }: FoundBinding,
  patch: JsonPatch,
  account: Account,
  dryRun: boolean,
): Promise<unknown> {
  const prior = { account: { ...account }, subjects: [...subjectsOf(binding)] }
  return patchShared(context, suspect, NAME, step, { path, object: binding }, patch, { prior, dryRun })
}
