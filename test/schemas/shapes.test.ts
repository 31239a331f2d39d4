import { describe, expect, it } from '@jest/globals'

import type { FailureDocument } from '../../src/cli/failure.js'
import type { Aftermath } from '../../src/engine/aftermath.js'
import type { AccountReach, ChangedFiles } from '../../src/engine/found.js'
import type { CollectorPlan, RunPlan, TargetPlan } from '../../src/engine/plan.js'
import type { ProgressEvent } from '../../src/engine/progress.js'
import type {
  ArchiveResult,
  ContainmentResult,
  ReleaseResult,
  RunResult,
  TargetResult,
} from '../../src/engine/result.js'
import type { SealResult } from '../../src/engine/seal.js'
import type { StateFacts } from '../../src/evidence/state.js'
import type { VerifyReport } from '../../src/evidence/verify-report.js'
import type {
  AccessDocument,
  AccountBinding,
  AccountPower,
  AccountToken,
  PowerName,
  ReferencesDocument,
} from '../../src/model/access-documents.js'
import type { LogBody, WriteIntent, WriteOutcome } from '../../src/model/acquisition.js'
import type { Connection } from '../../src/model/connections.js'
import type { Verdict } from '../../src/model/containment.js'
import type { EventLine, NetworkDocument, OwnersDocument, PodDocument } from '../../src/model/documents.js'
import type {
  ChangeKind,
  DiffEntry,
  FileFacts,
  FilesystemSummary,
  FileType,
  ComparisonDocument,
  ComparisonSide,
} from '../../src/model/filesystem-documents.js'
import type { ImageDocument, ImageExportDocument } from '../../src/model/image-document.js'
import type { CriLogFacts, LogFile, LogGap, LogsDocument } from '../../src/model/log-documents.js'
import type { NodeDocument } from '../../src/model/node-document.js'
import type { ErrorCode } from '../../src/model/errors.js'
import type { ArtefactRecord, LedgerRow, Trust } from '../../src/model/evidence.js'
import { EXIT } from '../../src/model/exit.js'
import type {
  HoldFaultCode,
  HoldSource,
  HoldState,
  HoldStatus,
  QuarantineChange,
  QuarantineStatus,
} from '../../src/model/hold-status.js'
import type {
  NodePodLeftover,
  NodePodPlan,
  NodePodResult,
  PlannedNodePod,
} from '../../src/model/node-pod-plan.js'
import type {
  MemoryDocument,
  OpenedFile,
  ProcessCapture,
  ProcessesDocument,
  ProcessFact,
  ProcessLine,
  SocketRow,
  SocketsDocument,
} from '../../src/model/process-documents.js'
import type {
  DiskSnapshot,
  NodeTriageDocument,
  TriageContainer,
  TriageFile,
  TriageKind,
} from '../../src/model/node-triage-document.js'
import type {
  CheckpointDocument,
  CheckpointFile,
  CheckpointPart,
  CheckpointProcess,
  CheckpointSocket,
} from '../../src/model/checkpoint-document.js'
import type { MountLeft, MountsDocument, MountTaken } from '../../src/model/mounts-document.js'
import type { QuarantinePlan, Refusal } from '../../src/model/quarantine-plan.js'
import type { ReleasePlan } from '../../src/model/release-plan.js'
import type { Scene } from '../../src/model/scene.js'
import type { ContainerRole } from '../../src/model/target.js'
import { schemaNode } from './schemas.js'

type Split<Text extends string> = Text extends ''
  ? never
  : Text extends `${infer Head} ${infer Rest}`
    ? Head | Split<Rest>
    : Text

/** The text, if its words are exactly these names: one too few or too many, and it does not compile. */
type Exactly<Text extends string, Names> = [Split<Text>] extends [Names]
  ? [Names] extends [Split<Text>]
    ? Text
    : never
  : never

type MustKeys<Type> = {
  [Key in keyof Type]-?: Pick<Type, Key> extends Required<Pick<Type, Key>> ? Key : never
}[keyof Type]
type MayKeys<Type> = Exclude<keyof Type, MustKeys<Type>>

interface Shape {
  readonly must: readonly string[]
  readonly may: readonly string[]
}

/** The keys of a type, which the compiler checks: those that are always there, and those that may be absent. */
function shape<Type>() {
  return <Must extends string, May extends string>(
    must: Must & Exactly<Must, MustKeys<Type>>,
    may: May & Exactly<May, MayKeys<Type>>,
  ): Shape => ({
    must: (must as string) === '' ? [] : must.split(' '),
    may: may === '' ? [] : may.split(' '),
  })
}

/** The words of a union of strings, which the compiler checks. */
function words<Union extends string>() {
  return <Text extends string>(text: Text & Exactly<Text, Union>): readonly string[] => text.split(' ')
}

// prettier-ignore
const SHAPES: readonly (readonly [string, Shape])[] = [
  ['access', shape<AccessDocument>()('schema derivedFrom account groups tokens cloud imagePullSecrets bindingsSeen bindings rules powers complete missing', '')],
  ['access/properties/tokens/items', shape<AccountToken>()('kind mounts', 'audience expirationSeconds secret')],
  ['access/properties/bindings/items', shape<AccountBinding>()('kind name subject role roleRead aggregated', 'namespace why')],
  ['access/properties/powers/items', shape<AccountPower>()('power scope verbs names through', '')],
  ['aftermath', shape<Aftermath>()('schema derivedFrom suspect restarts unknown', 'replacements')],
  ['acquisition/$defs/intent', shape<WriteIntent>()('id action step method path auditId', 'body prior target')],
  ['acquisition/$defs/result', shape<WriteOutcome>()('id', 'status error resourceVersion uid')],
  ['diff-entry', shape<DiffEntry>()('path change changed class flags', 'pathB64 before after content movedFrom')],
  ['diff-entry/$defs/facts', shape<FileFacts>()('type mode uid gid size mtime', 'atime ctime link device sha256 layer xattrs ino nlink allocated')],
  ['error', shape<FailureDocument>()('schema exitStatus error', '')],
  ['event', shape<EventLine>()('about kind name type reason message count reporter uid derivedFrom', 'first last')],
  ['comparison', shape<ComparisonDocument>()('schema of a b differs complete config counts entries entriesLeftOut notes', 'layers')],
  ['comparison/$defs/side', shape<ComparisonSide>()('given source entries', 'pod container trust manifestDigest configDigest platform credentials')],
  ['filesystem-summary', shape<FilesystemSummary>()('schema container method trust disturbance degraded baseline capture counts contentKeptBytes', 'passedOver node ephemeral')],
  ['image', shape<ImageDocument>()('schema derivedFrom container reference imageID notes', 'digest registry attachments tagNow')],
  ['index', shape<ArtefactRecord>()('path sha256 bytes collector source status startedAt endedAt', 'target reason detail')],
  ['ledger/$defs/row', shape<LedgerRow>()('collector subject status', 'target reason detail path bytes')],
  ['logs', shape<LogsDocument>()('schema logs olderFiles files gaps', '')],
  ['logs/properties/logs/items', shape<LogsDocument['logs'][number]>()('container run path bytes lines endsWithNewline kubeletCertificateUnverified', 'firstLineAt lastLineAt containerStartedAt')],
  ['logs/$defs/file', shape<LogFile>()('container name bytes kept', 'path run rotated compressed mtime why reason unreadable covers')],
  ['logs/$defs/covers', shape<CriLogFacts>()('isCri bytes lines malformed outOfOrder endsWithNewline endsWithPiece', 'firstAt lastAt')],
  ['logs/$defs/gap', shape<LogGap>()('container kind certainty why', 'runs from to')],
  ['checkpoint', shape<CheckpointDocument>()('schema derivedFrom container made parts partsMore processes processesMore sockets socketsMore notRead', 'freezingUs frozenUs rootfs deletedFiles deletedFilesMore')],
  ['checkpoint/properties/parts/items', shape<CheckpointPart>()('path type size', 'pathB64 sha256')],
  ['checkpoint/properties/processes/items', shape<CheckpointProcess>()('pid ppid threads', 'pgid sid state comm commB64 uid gid exe openFiles')],
  ['checkpoint/properties/sockets/items', shape<CheckpointSocket>()('protocol local remote holders', 'state inode')],
  ['checkpoint-file', shape<CheckpointFile>()('path type mode uid gid size', 'pathB64 mtime link sha256 whiteout')],
  ['memory', shape<MemoryDocument>()('schema derivedFrom processes', '')],
  ['memory/properties/processes/items', shape<MemoryDocument['processes'][number]>()('container pid containerPid comm starttime areas areasLeft stopped', 'path sha256')],
  ['image-export', shape<ImageExportDocument>()('schema derivedFrom images', '')],
  ['image-export/properties/images/items', shape<ImageExportDocument['images'][number]>()('names containers image layers bytes whole', 'why')],
  ['node-triage', shape<NodeTriageDocument>()('schema derivedFrom node since files filesMore containers containersMore absent', 'diskSnapshot')],
  ['node-triage/properties/files/items', shape<TriageFile>()('kind path size mode uid kept', 'mtime ctime link reason why')],
  ['node-triage/properties/containers/items', shape<TriageContainer>()('id processes', 'state type podNamespace podName podUid image inApi')],
  ['node-triage/properties/diskSnapshot', shape<DiskSnapshot>()('provider providerID commands', 'note')],
  ['mounts', shape<MountsDocument>()('schema derivedFrom taken left', '')],
  ['mounts/$defs/taken', shape<MountTaken>()('container point type mode trust readAt entries files executables bytes allocated kept complete notable', 'volume why')],
  ['mounts/$defs/left', shape<MountLeft>()('container point type reason why', 'volume')],
  ['network', shape<NetworkDocument>()('schema derivedFrom missing', 'policies services ingresses')],
  ['node', shape<NodeDocument>()('schema derivedFrom node pod runtimeSockets seesHostProcesses tools missingTools', 'kernel machine hostname os bootId cgroup bootedAt clock clockTicks freeBytes')],
  ['owners', shape<OwnersDocument>()('schema derivedFrom owners', '')],
  ['owners/properties/owners/items', shape<OwnersDocument['owners'][number]>()('apiVersion kind name uid controller read', 'why')],
  ['plan', shape<RunPlan>()('schema command case at scene allow containFirst volatileBudgetMs targets store', 'nodePods')],
  ['plan/$defs/target', shape<TargetPlan>()('namespace name uid restarts images collectors', 'created node serviceAccount owner pullSecrets undo quarantine kill')],
  ['plan/$defs/collector', shape<CollectorPlan>()('name phases impact needs will missingAccess', 'why disturbs')],
  ['plan/$defs/nodePods', shape<NodePodPlan>()('image byDigest namespace madeNamespace pods leftovers missingAccess attackerSees', '')],
  ['plan/$defs/nodePod', shape<PlannedNodePod>()('node name will why', '')],
  ['plan/$defs/leftover', shape<NodePodLeftover>()('kind namespace name uid case run', '')],
  ['pod', shape<PodDocument>()('schema derivedFrom namespace name uid hostNetwork labels containers', 'created phase node podIP hostIP serviceAccount neighbours')],
  ['pod/$defs/container', shape<PodDocument['containers'][number]>()('name role image imageID containerID running restarts', 'startedAt lastExit')],
  ['process', shape<ProcessLine>()('container pid ppid starttime state threads comm args argsTotal uids gids groups namespaces descriptors maps environment missing facts', 'containerPid startedAt commB64 argsB64 exe cwd root capabilities seccomp noNewPrivs tracer')],
  ['process/$defs/file', shape<OpenedFile>()('path kind', 'pathB64 deleted device inode links size mode')],
  ['processes', shape<ProcessesDocument>()('schema derivedFrom captures startedPrecision containers executables executablesMore deletedFiles deletedFilesMore', '')],
  ['processes/$defs/capture', shape<ProcessCapture>()('containers method trust path bytes complete disturbance degraded', 'why')],
  ['quarantine-plan', shape<QuarantinePlan>()('schema case target resumes policy labels owner services policies network probes credentials actions warnings wontStop attackerSees refusals missingAccess dryRuns', '')],
  ['references', shape<ReferencesDocument>()('schema derivedFrom configMaps secrets volumes missing', '')],
  ['references/properties/volumes/items', shape<ReferencesDocument['volumes'][number]>()('name type mounts', 'source claim')],
  ['quarantine-change', shape<QuarantineChange>()('schema at change hold appeared mended', '')],
  ['quarantine-status', shape<QuarantineStatus>()('schema exitStatus at cluster holds notTried', 'namespace')],
  ['quarantine-status/$defs/hold', shape<HoldStatus>()('namespace uid knownFrom state stands faults notSeen', 'name case who since')],
  ['release', shape<ReleaseResult>()('schema exitStatus targets', '')],
  ['release/properties/targets/items', shape<ReleaseResult['targets'][number]>()('namespace name uid source report', 'error')],
  ['release-plan', shape<ReleasePlan>()('schema case target source labels deletes actions left adoption', 'podGone')],
  ['result', shape<RunResult>()('schema command case exitStatus because startedAt endedAt targets evidence nodePods footprint', 'archive spool')],
  ['result/$defs/nodePod', shape<NodePodResult>()('node namespace name image removed', 'readyAfterMs error remove')],
  ['result/$defs/archive', shape<ArchiveResult>()('path bytes sha256 logHead incomplete verified signed besides', '')],
  ['result/$defs/connection', shape<Connection>()('protocol local remote state holders after', '')],
  ['result/$defs/target', shape<TargetResult>()('namespace name uid changedFiles', 'connections containment after kill account')],
  ['result/$defs/account', shape<AccountReach>()('account can complete', '')],
  ['result/$defs/containment', shape<ContainmentResult>()('actions', 'verdict afterMs error undo')],
  ['result/$defs/changedFiles', shape<ChangedFiles>()('container counts complete notable', '')],
  ['scene', shape<Scene>()('schema case run command who where tool clock missing', '')],
  ['scene/properties/who', shape<Scene['who']>()('osUser hostname', 'user groups impersonating examiner authority')],
  ['scene/properties/where', shape<Scene['where']>()('context server', 'clusterUid version tlsChainSha256')],
  ['seal', shape<SealResult>()('schema exitStatus because archive remarks', '')],
  ['sockets', shape<SocketsDocument>()('schema derivedFrom phase startedAt endedAt captures namespaces sockets socketsMore', '')],
  ['sockets/$defs/socket', shape<SocketRow>()('namespace protocol inode holders holdersMore', 'state local remote uid detail')],
  ['state/$defs/facts', shape<StateFacts>()('case run who archive context server target', '')],
  ['verdict', shape<Verdict>()('schema kind means why tried open', 'inForceAt')],
  ['verify', shape<VerifyReport>()('schema archive kind ok verdict incomplete incompleteWhy signed checks problems problemsLeftOut sha256 bytes files logHead', '')],
]

// prettier-ignore
const WORDS: readonly (readonly [string, readonly string[]])[] = [
  ['access/properties/powers/items/properties/power', words<PowerName>()('everything read-secrets write-secrets exec-in-pods start-pods change-workloads make-tokens impersonate grant-rights node-proxy change-admission approve-certificates make-volumes change-nodes undo-quarantine delete-events read-configmaps')],
  ['diff-entry/properties/change', words<ChangeKind>()('added modified deleted type-changed metadata-only opaque')],
  ['diff-entry/$defs/facts/properties/type', words<FileType>()('file directory symlink hardlink char block fifo socket')],
  ['error/$defs/error/properties/code', words<ErrorCode>()('usage configuration forbidden unauthorized not-found ambiguous target-changed conflict gone invalid throttled server unreachable timeout stalled cut too-big target-refused unsupported integrity refused storage aborted bug')],
  ['index/properties/source/properties/trust', words<Trust>()('api registry-verified node-kernel merged-view target-controlled derived tool')],
  ['pod/$defs/container/properties/role', words<ContainerRole>()('init sidecar main ephemeral')],
  ['process/properties/facts/items', words<ProcessFact>()('exe-deleted exe-memfd fake-kernel-thread exe-outside-mounts entered left-cgroup executable-anonymous executable-memfd executable-deleted loader-variables traced raw-or-packet-socket gone appeared changed ours')],
  ['node-triage/$defs/kind', words<TriageKind>()('journal node-log static-pod kubelet-config cron systemd-unit preload ssh-keys container')],
  ['quarantine-plan/properties/refusals/items/properties/code', words<Refusal['code']>()('host-network static-pod terminating completed other-case foreign-policy last-endpoint opens-more needs-node admission')],
  ['quarantine-status/$defs/fault/properties/code', words<HoldFaultCode>()('pod-gone pod-ended host-network no-label labels-back no-policy policy-changed residual owner no-annotation annotation-changed action-undone other-case')],
  ['quarantine-status/$defs/hold/properties/state', words<HoldState>()('holds does-not-hold pod-gone unknown')],
  ['quarantine-status/$defs/hold/properties/knownFrom/items', words<HoldSource>()('annotation label policy state')],
  ['quarantine-change/properties/change', words<QuarantineChange['change']>()('held changed released')],
]

// prettier-ignore
const VARIANTS: readonly (readonly [string, readonly string[]])[] = [
  ['acquisition', words<LogBody['type']>()('scene phase artefact outcome intent result remark interrupted sealed')],
  ['progress', words<ProgressEvent['type']>()('phase bytes collector contained notice')],
]

describe('a schema and the type that it describes', () => {
  it.each(SHAPES)('have the same keys: %s', (place, { must, may }) => {
    const { required = [], properties = {} } = schemaNode(place)
    expect([...required].sort()).toEqual([...must].sort())
    expect(Object.keys(properties).sort()).toEqual([...must, ...may].sort())
  })

  it.each(WORDS)('have the same words: %s', (place, expected) => {
    expect(schemaNode(place).enum).toEqual(expected)
  })

  it.each(VARIANTS)('have the same variants: %s', (place, expected) => {
    expect(schemaNode(place).oneOf?.map(({ properties }) => properties?.['type']?.const)).toEqual(expected)
  })

  it('have the same exit statuses', () => {
    expect(schemaNode('error/$defs/exitStatus').enum).toEqual(Object.values(EXIT))
  })
})
