import { forShell } from '../text/shell.js'
import { isTouched } from './changes.js'
import type { ReportInput, ReportTargetInput } from './input.js'
import type { Step } from './model.js'
import { Kubectl } from './kubectl.js'
import { plain, sentence } from './sentence.js'

/** A step before it has its place. */
type Unnumbered = Omit<Step, 'number'>

const MOST_NAMES = 10
const MOST_OPEN = 20

/** What is left to do about one pod, most urgent first. */
export function podSteps(input: ReportInput, target: ReportTargetInput): readonly Unnumbered[] {
  const kubectl = new Kubectl(input.scene.where)
  return [
    ...containmentStep(input, target, kubectl),
    ...replacementStep(target, kubectl),
    credentialStep(target, kubectl),
    ...(target.logs?.olderFiles === 'read from the node' ? [] : [rotatedLogsStep(target, kubectl)]),
    auditStep(input, target),
    ...imageStep(target),
    ...diskStep(target),
  ]
}

function containmentStep(
  { scene }: ReportInput,
  target: ReportTargetInput,
  kubectl: Kubectl,
): readonly Unnumbered[] {
  const { namespace, name } = target.target
  const pod = `${namespace}/${name}`
  if (target.verdict?.kind === 'enforced' && target.verdict.open.length === 0) return []
  if (!isTouched(target)) {
    return [
      {
        title: `Decide whether to cut off ${pod}`,
        why: plain(
          'This run did not isolate the pod: it can still send and receive. The command shows its plan, asks, and then changes the cluster.',
        ),
        commands: `impound quarantine ${forShell(name)} -n ${forShell(namespace)} --case ${forShell(scene.case)}`,
        notes: [],
      },
    ]
  }
  const verdict = target.verdict?.kind ?? 'not known'
  return [
    {
      title: `Close what is still open around ${pod}`,
      why: sentence`Containment is ${verdict}. Until somebody has seen traffic being refused, treat the pod as connected.`,
      commands: [
        kubectl.get(namespace, 'pod', [name], '--show-labels -o wide'),
        kubectl.get(namespace, 'networkpolicy', [], '-o yaml'),
      ].join('\n'),
      notes: (target.verdict?.open ?? []).slice(0, MOST_OPEN).map((open) => sentence`Open: ${plain(open)}`),
    },
  ]
}

/** What the machine's provider is to be asked for, since the node's disk outlives nothing of what its owner does next. */
function diskStep({ nodeTriage }: ReportTargetInput): readonly Unnumbered[] {
  const { diskSnapshot, node } = nodeTriage ?? {}
  if (diskSnapshot === undefined || node === undefined) return []
  const { provider, providerID, commands, note } = diskSnapshot
  return [
    {
      title: `Keep the disks of node ${node}`,
      why: sentence`If the intruder may have left the pod, take snapshots of the node’s disks before anything there is cleaned up. Its provider (${provider}) calls the machine ${providerID}. The command changes nothing in the cluster, but makes snapshots that cost money; impound did not run it.`,
      commands: commands.join('\n'),
      notes: note === undefined ? [] : [plain(`${note}.`)],
    },
  ]
}

function replacementStep(target: ReportTargetInput, kubectl: Kubectl): readonly Unnumbered[] {
  const owner = target.plan?.owner
  if (owner === undefined || owner.name === '' || !isTouched(target)) return []
  const { namespace } = target.target
  const names = (target.after?.replacements ?? []).map(({ name }) => name).slice(0, MOST_NAMES)
  return [
    {
      title: `Look at what replaced ${namespace}/${target.target.name}`,
      why: sentence`Its owner ${`${owner.kind} ${owner.name}`} makes a new pod from the same image and with the same weakness: whoever came in can come in again.`,
      commands: [
        names.length > 0
          ? kubectl.get(namespace, 'pod', names, '-o wide')
          : kubectl.get(namespace, 'pod', [], `${labelFlag(target)}-o wide`),
        kubectl.get(
          namespace,
          'events',
          [],
          '--field-selector involvedObject.kind=Pod --sort-by=.lastTimestamp',
        ),
      ].join('\n'),
      notes:
        target.after?.replacements === undefined
          ? [plain('Whether there is a new pod yet is not known.')]
          : target.after.replacements.length === 0
            ? [plain('There was none when the run ended.')]
            : [],
    },
  ]
}

/** The labels that the suspect lost are those that its owner selects by. */
function labelFlag({ plan }: ReportTargetInput): string {
  const labels = (plan?.labels.remove ?? [])
    .toSorted()
    .map((key) => `${key}=${plan?.labels.before[key] ?? ''}`)
  return labels.length === 0 ? '' : `-l ${forShell(labels.slice(0, MOST_NAMES).join(','))} `
}

/** What the plan found that outlives the pod, each with its command. The comment above is quoted: not every shell takes it for one. */
function revocations({ plan }: ReportTargetInput): readonly string[] {
  const lasting = (plan?.credentials ?? []).filter(({ outlives }) => outlives !== 'no')
  return lasting
    .slice(0, MOST_NAMES)
    .flatMap(({ credential, also, command }) => [`# ${forShell(`${credential}: ${also}`)}`, command])
}

function credentialStep(input: ReportTargetInput, kubectl: Kubectl): Unnumbered {
  const { target, pod } = input
  const { namespace, name } = target
  const account = pod?.serviceAccount
  const title = `Revoke what ${namespace}/${name} could use`
  const notes = [
    plain(
      'A token bound to the pod stays valid while the pod exists. Take its bindings away, or delete the pod once the evidence is verified. Token Secrets have to be deleted.',
    ),
    plain(
      'Rotate what the pod had in environment variables, mounted Secrets and cloud identities at the systems that accept it: removing it from the cluster does not revoke it.',
    ),
  ]
  if (account === undefined) {
    return {
      title,
      why: plain('Under which service account the pod runs is not known here. Read it from the pod first.'),
      commands: kubectl.get(namespace, 'pod', [name], "-o jsonpath='{.spec.serviceAccountName}'"),
      notes,
    }
  }
  const bindings = kubectl.command('get rolebindings,clusterrolebindings -A -o wide')
  return {
    title,
    why: sentence`The pod runs as service account ${`${namespace}/${account}`}. Whoever was in the pod may hold its token, and every secret that was mounted or set in it.`,
    commands: [
      kubectl.command(
        `auth can-i --list -n ${forShell(namespace)} --as=${forShell(accountUser(namespace, account))}`,
      ),
      `${bindings} | grep -F -e ${forShell(`${namespace}/${account}`)}`,
      kubectl.get(namespace, 'secrets', [], '--field-selector type=kubernetes.io/service-account-token'),
      ...revocations(input),
    ].join('\n'),
    notes,
  }
}

function accountUser(namespace: string, account: string): string {
  return `system:serviceaccount:${namespace}:${account}`
}

function rotatedLogsStep({ target, pod }: ReportTargetInput, kubectl: Kubectl): Unnumbered {
  const directory = `/var/log/pods/${target.namespace}_${target.name}_${target.uid}`
  const where =
    pod?.node === undefined ? plain('the node, which is not known here,') : sentence`node ${pod.node}`
  return {
    title: `Fetch the older log files of ${target.namespace}/${target.name} from its node`,
    why: sentence`The API gives the newest log file of each container. The older ones are on ${where} until the kubelet rotates them away or the pod is deleted.`,
    commands: [
      ...(pod?.node === undefined ? [kubectl.get(target.namespace, 'pod', [target.name], '-o wide')] : []),
      '# as root on the node',
      `ls -lR ${forShell(directory)}`,
      `tar -czf pod-logs.tar.gz ${forShell(directory)} && sha256sum pod-logs.tar.gz`,
    ].join('\n'),
    notes: [],
  }
}

function auditStep({ scene, startedAt }: ReportInput, { target, pod }: ReportTargetInput): Unnumbered {
  const account = pod?.serviceAccount
  const object = '(.objectRef.namespace == $ns and .objectRef.name == $pod)'
  const words = [
    'jq -c',
    `--arg ns ${forShell(target.namespace)}`,
    `--arg pod ${forShell(target.name)}`,
    ...(account === undefined ? [] : [`--arg account ${forShell(accountUser(target.namespace, account))}`]),
    `'select(${account === undefined ? object : `${object} or .user.username == $account`})'`,
    'audit.log',
  ]
  const user = scene.who.impersonating ?? scene.who.user
  return {
    title: `Secure the API server's audit log for ${target.namespace}/${target.name}`,
    why: sentence`It alone shows who ran exec in the pod and what its account did. Ask whoever runs the control plane for everything since ${pod?.created ?? startedAt}, before it is rotated away.`,
    commands: words.join(' '),
    notes: [
      user === undefined
        ? plain('Requests of this run are in it too. The Audit-IDs of its changes are in the report.')
        : sentence`Requests of this run, by ${user}, are in it too. The Audit-IDs of its changes are in the report.`,
    ],
  }
}

function imageStep({ target, images, imageExport }: ReportTargetInput): readonly Unnumbered[] {
  const isHere = (container: string): boolean =>
    imageExport?.images.some(({ whole, containers }) => whole && containers.includes(container)) === true
  const references = images.flatMap(({ container, registry }) =>
    registry?.source !== 'registry' || registry.manifestDigest === undefined || isHere(container)
      ? []
      : [`docker://${registry.repository}@${registry.manifestDigest}`],
  )
  const kept = [...new Set(references)].toSorted().slice(0, MOST_NAMES)
  if (kept.length === 0) return []
  return [
    {
      title: `Keep the images of ${target.namespace}/${target.name}`,
      why: plain(
        'Registries delete manifests that no tag names, and nodes delete images that no pod uses. The archive holds manifest and configuration, not the layers; --export-image keeps those too.',
      ),
      commands: kept
        .map((reference, index) => `skopeo copy ${forShell(reference)} oci-archive:image-${index + 1}.tar`)
        .join('\n'),
      notes: [],
    },
  ]
}
