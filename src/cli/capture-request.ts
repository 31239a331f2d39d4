import { ImpoundError } from '../model/errors.js'
import type { CaptureRequest } from '../engine/request.js'
import type { Allowance } from '../model/collector.js'
import type { WantedAction } from '../model/containment.js'
import type { Manners } from './capture-command.js'
import { clusterRequest, type ClusterFlagValues } from './flags.js'

/** Flags that ask for an action of their name. */
const WANTED: readonly WantedAction[] = [
  'patch-residuals',
  'cordon',
  'detach-bindings',
  'deny-access',
  'block-token',
  'drop-connections',
  'freeze',
  'detach-owner',
]

const ALLOWANCES: readonly Allowance[] = ['exec', 'ephemeral', 'node', 'twin']

/** Flags as oclif gives them; a command that lacks some gets what their absence means. */
interface CaptureFlags extends ClusterFlagValues {
  readonly json: boolean
  readonly 'json-lines': boolean
  readonly selector: string | undefined
  readonly uid?: string | undefined
  readonly node?: string | undefined
  readonly case: string | undefined
  readonly examiner: string | undefined
  readonly authority: string | undefined
  readonly output: string | undefined
  readonly 'dry-run': boolean
  readonly yes?: boolean
  readonly allow?: string[] | undefined
  readonly 'node-image'?: string
  readonly 'node-namespace'?: string | undefined
  readonly 'ephemeral-image'?: string | undefined
  readonly 'twin-image'?: string | undefined
  readonly paranoid?: boolean
  readonly memory?: string[] | undefined
  readonly 'node-triage'?: boolean | undefined
  readonly checkpoint?: boolean | undefined
  readonly 'max-checkpoint'?: number
  readonly 'export-image'?: boolean | undefined
  readonly skip?: string[] | undefined
  readonly registry?: string[] | undefined
  readonly 'registry-config'?: string | undefined
  readonly 'use-pull-secrets'?: boolean
  readonly 'image-archive'?: string[] | undefined
  readonly 'keep-label'?: string[] | undefined
  readonly 'allow-outage'?: boolean
  readonly 'patch-residuals'?: boolean
  readonly cordon?: boolean
  readonly 'detach-bindings'?: boolean
  readonly 'deny-access'?: boolean
  readonly 'block-token'?: boolean
  readonly 'drop-connections'?: boolean
  readonly freeze?: boolean
  readonly 'detach-owner'?: boolean
  readonly kill?: boolean
  readonly 'max-pods'?: number
  readonly 'max-log'?: number
  readonly 'max-content'?: number
  readonly 'max-image'?: number
  readonly 'stall-timeout'?: number
  readonly 'volatile-budget'?: number
  readonly 'contain-first'?: boolean
}

export function captureRequest(
  command: CaptureRequest['command'],
  names: readonly unknown[],
  flags: CaptureFlags,
  argv: readonly string[],
): CaptureRequest {
  const { selector, examiner, authority, output, 'registry-config': registryConfig } = flags
  const ephemeralImage = flags['ephemeral-image'] ?? flags['node-image']
  const twinImage = flags['twin-image'] ?? flags['node-image']
  return {
    command,
    cluster: clusterRequest(flags),
    names: names.map(String),
    ...(selector === undefined ? {} : { selector }),
    ...(flags.uid === undefined || flags.node === undefined
      ? {}
      : { gone: { uid: flags.uid, node: flags.node } }),
    ...(flags.case === undefined ? {} : { case: flags.case }),
    ...(examiner === undefined ? {} : { examiner }),
    ...(authority === undefined ? {} : { authority }),
    ...(output === undefined || output === '-' ? {} : { outputDirectory: output }),
    allow: allowances(flags.allow),
    ...(flags['node-image'] === undefined
      ? {}
      : { nodePods: nodePodWishes(flags['node-image'], flags['node-namespace']) }),
    ...(ephemeralImage === undefined ? {} : { ephemeralImage }),
    ...(twinImage === undefined ? {} : { twinImage }),
    paranoid: flags.paranoid ?? false,
    memory: (flags.memory ?? []).map(processName),
    nodeTriage: flags['node-triage'] ?? false,
    checkpoint: checkpointable(flags),
    maxCheckpointBytes: flags['max-checkpoint'] ?? 0,
    exportImage: flags['export-image'] ?? false,
    skip: flags.skip ?? [],
    registry: flags.registry ?? ['auto'],
    ...(registryConfig === undefined ? {} : { registryConfig }),
    usePullSecrets: flags['use-pull-secrets'] ?? false,
    imageArchives: flags['image-archive'] ?? [],
    keepLabels: flags['keep-label'] ?? [],
    allowOutage: flags['allow-outage'] ?? false,
    wanted: wantedActions(flags),
    kill: flags.kill ?? false,
    maxPods: flags['max-pods'] ?? 1,
    maxLogBytes: flags['max-log'] ?? 0,
    maxContentBytes: flags['max-content'] ?? 0,
    maxImageBytes: flags['max-image'] ?? 0,
    stallTimeoutMs: flags['stall-timeout'] ?? 0,
    volatileBudgetMs: flags['volatile-budget'] ?? 0,
    containFirst: flags['contain-first'] ?? false,
    argv: [command, ...argv],
  }
}

export function wantedActions(
  flags: Readonly<Partial<Record<WantedAction, boolean>>>,
): readonly WantedAction[] {
  return WANTED.filter((name) => flags[name] === true)
}

export function allowances(given: readonly string[] | undefined): readonly Allowance[] {
  return ALLOWANCES.filter((one) => given?.includes(one) === true)
}

export function nodePodWishes(
  image: string,
  namespace: string | undefined,
): NonNullable<CaptureRequest['nodePods']> {
  return { image, ...(namespace === undefined ? {} : { namespace }) }
}

export function manners(flags: CaptureFlags): Manners {
  return {
    json: flags.json,
    jsonLines: flags['json-lines'],
    yes: flags.yes ?? false,
    dryRun: flags['dry-run'],
    toStdout: flags.output === '-',
  }
}

function checkpointable(flags: CaptureFlags): boolean {
  if (flags.checkpoint !== true) return false
  if (flags.uid !== undefined)
    throw new ImpoundError('usage', '--checkpoint: a pod that is gone has no processes')
  if (flags.freeze !== true) return true
  throw new ImpoundError('usage', '--checkpoint and --freeze exclude each other', {
    hints: ['what is frozen can’t be checkpointed: take the checkpoint, then quarantine with --freeze'],
  })
}

/** '47' or 'app/47'. */
function processName(text: string): string {
  if (/^(?:[a-z0-9-]+\/)?[1-9][0-9]{0,9}$/.test(text)) return text
  throw new ImpoundError('usage', `--memory ${text} is no process`, {
    hints: ['PID, or CONTAINER/PID, as the container numbers its processes'],
  })
}
