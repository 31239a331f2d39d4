import type { Reason, Trust } from './evidence.js'
import type { Attachment, MatchedBy } from './ports/registry.js'
import type { PolicyPlan } from './quarantine-plan.js'
import type { ContainerRole } from './target.js'

/** Derived documents, one per file in a target's directory. All strings may be hostile. Times are RFC 3339 UTC. */

/** pod.json */
export interface PodDocument {
  readonly schema: 'impound/pod/v1'
  readonly derivedFrom: readonly string[]
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly created?: string
  readonly phase?: string
  readonly node?: string
  readonly podIP?: string
  readonly hostIP?: string
  readonly serviceAccount?: string
  readonly hostNetwork: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly containers: readonly {
    readonly name: string
    readonly role: ContainerRole
    readonly image: string
    readonly imageID: string
    readonly containerID: string
    readonly running: boolean
    readonly restarts: number
    readonly startedAt?: string
    /** Of the last run that ended, where there was one. */
    readonly lastExit?: { readonly code?: number; readonly reason?: string; readonly finishedAt?: string }
  }[]
  /** Other pods on the same node, by namespace/name. Undefined where they could not be listed. */
  readonly neighbours?: readonly { readonly namespace: string; readonly name: string; readonly uid: string }[]
}

/** owners.json: the chain from the pod to the root, nearest first. */
export interface OwnersDocument {
  readonly schema: 'impound/owners/v1'
  readonly derivedFrom: readonly string[]
  readonly owners: readonly {
    readonly apiVersion: string
    readonly kind: string
    readonly name: string
    readonly uid: string
    readonly controller: boolean
    /** False where the object could not be read: not found, forbidden, its kind not served. */
    readonly read: boolean
    readonly why?: string
  }[]
}

/** One line of events.jsonl: an Event of the core or the events.k8s.io group, of the pod, an owner or the node. */
export interface EventLine {
  readonly about: 'pod' | 'owner' | 'node'
  readonly kind: string
  readonly name: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
  /** First and last time, where the event says them: an aggregated event has no times between. */
  readonly first?: string
  readonly last?: string
  readonly reporter: string
  readonly uid: string
  readonly derivedFrom: string
}

/** network.json */
export interface NetworkDocument {
  readonly schema: 'impound/network/v1'
  readonly derivedFrom: readonly string[]
  /** Each NetworkPolicy of the namespace; undefined where they could not be listed. */
  readonly policies?: readonly (Pick<PolicyPlan, 'name' | 'selectsNow' | 'allows'> & {
    readonly policyTypes: readonly string[]
    /** Selector operators that this version can't evaluate: selectsNow is then not known. */
    readonly unknownOperators: readonly string[]
  })[]
  readonly services?: readonly {
    readonly name: string
    readonly type: string
    readonly clusterIP: string
    readonly selectsPod: boolean
    readonly ports: readonly string[]
    /** Addresses in its EndpointSlices (or Endpoints, before 1.21), ready ones first. */
    readonly endpoints: readonly {
      readonly address: string
      readonly ready: boolean
      readonly pod?: string
      readonly isTarget: boolean
    }[]
  }[]
  /** Ingresses that lead to one of those services, and the hosts that they answer to. */
  readonly ingresses?: readonly {
    readonly name: string
    readonly hosts: readonly string[]
    readonly services: readonly string[]
  }[]
  /** What could not be read, and why: absent is not the same as empty. */
  readonly missing: readonly { readonly what: string; readonly reason: Reason; readonly detail: string }[]
}

/** image/<container>/image.json */
export interface ImageDocument {
  readonly schema: 'impound/image/v1'
  readonly derivedFrom: readonly string[]
  readonly container: string
  /** The reference in the spec, and what the runtime says it runs. */
  readonly reference: string
  readonly imageID: string
  /** The digest that the image ID names: of a manifest, of an index, or of a config; undefined where it names none. */
  readonly digest?: string
  /** What the registry had under that digest; undefined where it was not asked or did not answer. */
  readonly registry?: {
    /** Where the documents were had: of an archive, `repository` is its file name. */
    readonly source: 'registry' | 'image-archive'
    readonly repository: string
    /** By what the image of an archive was taken for the one that runs. */
    readonly matchedBy?: MatchedBy
    /** Whose credentials the registry was shown; absent where it wanted none. */
    readonly credentials?: string
    /** Absent for a docker-archive, which has no manifest. */
    readonly manifestDigest?: string
    readonly indexDigest?: string
    readonly configDigest: string
    readonly platform: string
    readonly created?: string
    readonly layers: readonly {
      readonly digest: string
      readonly mediaType: string
      readonly size: number
      readonly diffId?: string
    }[]
    readonly history: readonly {
      readonly created?: string
      readonly createdBy: string
      readonly emptyLayer: boolean
    }[]
  }
  /** What the registry keeps beside the image; absent where it could not be asked. Nothing of it is verified. */
  readonly attachments?: readonly (Attachment & {
    /** Archive paths of its manifest and its parts, each checked against its digest. What they say is not verified. */
    readonly kept: readonly string[]
    /** Why not all of it was kept. */
    readonly notKept?: string
  })[]
  /** What the tag stands for now, where the reference has a tag and the registry was asked. */
  readonly tagNow?: { readonly tag: string; readonly digest: string; readonly drifted: boolean }
  readonly notes: readonly string[]
}

export type FileType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo' | 'socket'

/** What is known of one path on one side of a diff. */
export interface FileFacts {
  readonly type: FileType
  /** Octal, four digits: '0644'. */
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** RFC 3339; whole seconds where the source has no more. */
  readonly mtime: string
  /** Where the source has them; as they were before the file was read. */
  readonly atime?: string
  readonly ctime?: string
  readonly link?: string
  readonly device?: string
  readonly sha256?: string
  /** Index of the image layer, base first; before-side only. */
  readonly layer?: number
  /** Base64 values. */
  readonly xattrs?: Readonly<Record<string, string>>
  /** Inode and links as the node's disk has them, and bytes on it: less than the size where there are holes. Only by the node. */
  readonly ino?: number
  readonly nlink?: number
  readonly allocated?: number
}

export type ChangeKind = 'added' | 'modified' | 'deleted' | 'type-changed' | 'metadata-only' | 'opaque'
export type ChangeClass = 'user' | 'runtime' | 'under-mount' | 'volume'
export type ChangedAspect = 'content' | 'type' | 'mode' | 'owner' | 'mtime' | 'link' | 'xattrs' | 'device'

/** One line of filesystem/<container>/diff.jsonl, sorted by the bytes of the path. */
export interface DiffEntry {
  /** Absolute; UTF-8 with U+FFFD where the bytes are none. `pathB64` has the bytes then. */
  readonly path: string
  readonly pathB64?: string
  readonly change: ChangeKind
  readonly changed: readonly ChangedAspect[]
  readonly class: ChangeClass
  readonly before?: FileFacts
  readonly after?: FileFacts
  readonly flags: readonly string[]
  /** Whether its bytes are in changed.tar; why not, if not. 'in-image': only its metadata changed, or its name. */
  readonly content?: 'kept' | 'too-big' | 'cut' | 'in-image'
  /** The image's path that the overlay says it was renamed from. */
  readonly movedFrom?: string
}

/** One side of a comparison: an image, or a container that an archive captured. */
export interface ComparisonSide {
  /** As the user gave it. */
  readonly given: string
  readonly source: 'registry' | 'image-archive' | 'capture'
  readonly pod?: string
  readonly container?: string
  readonly trust?: string
  readonly manifestDigest?: string
  readonly configDigest?: string
  readonly platform?: string
  readonly credentials?: string
  /** Files of the image, or lines of the capture. */
  readonly entries: number
}

/** What differs from A to B: what `impound diff --json` prints. `before` is A, `after` is B. */
export interface ComparisonDocument {
  readonly schema: 'impound/comparison/v1'
  readonly of: 'images' | 'captures'
  readonly a: ComparisonSide
  readonly b: ComparisonSide
  readonly differs: boolean
  /** Whether all that could differ was compared; if not, the notes say what was not. */
  readonly complete: boolean
  /** Of images: layers that both have, and that one has alone. */
  readonly layers?: { readonly shared: number; readonly a: number; readonly b: number }
  /** Of images: settings that differ; absent on a side that has it not. */
  readonly config: readonly { readonly what: string; readonly a?: string; readonly b?: string }[]
  readonly counts: Readonly<Record<ChangeKind, number>>
  /** The oddest first. */
  readonly entries: readonly DiffEntry[]
  readonly entriesLeftOut: number
  readonly notes: readonly string[]
}

/** filesystem/<container>/summary.json */
export interface FilesystemSummary {
  readonly schema: 'impound/filesystem-summary/v1'
  readonly container: string
  readonly method: 'exec' | 'ephemeral' | 'node'
  readonly trust: Trust
  /** Ways that were allowed and would have been better, and why they were not taken. */
  readonly passedOver?: readonly { readonly method: 'node' | 'ephemeral'; readonly why: string }[]
  /** Of the node and its pod of ours; by the node only. */
  readonly node?: {
    readonly name: string
    readonly pod: string
    readonly image: string
    readonly kernel: string
    /** As the container's mountinfo has it, with its escapes. */
    readonly upperdir: string
    /** Paths but directories that stand in the upper directory and are what the image has. */
    readonly sameAsImage: number
  }
  /** The container of ours that read it, and that stays in the pod's spec; by an ephemeral container only. */
  readonly ephemeral?: {
    readonly container: string
    readonly image: string
    /** root-ptrace: uid 0 with SYS_PTRACE; as-target: with the target's own security context. */
    readonly user: 'root-ptrace' | 'as-target'
  }
  /** What the capture did to the container: processes started, access times. */
  readonly disturbance: readonly string[]
  /** What this way of reading can't see here. */
  readonly degraded: readonly string[]
  readonly baseline: {
    /** node-lower: the layers as they lie on the node, put together by its kernel; nobody checked them against a digest. */
    readonly source: 'registry' | 'image-archive' | 'node-lower' | 'none'
    readonly manifestDigest?: string
    readonly configDigest?: string
    /** File name of the image archive, and by what the image in it was taken for the one that runs. */
    readonly archive?: string
    readonly matchedBy?: MatchedBy
    /** Whether every layer matched its digest and diff_id. */
    readonly verified: boolean
    /** Layers whose index was kept from an earlier run, in which they were verified. */
    readonly cachedLayers?: number
    /** Where there is no baseline because bytes were not those that a digest names: which. */
    readonly mismatch?: string
    readonly entries: number
  }
  readonly capture: {
    readonly entries: number
    readonly bytes: number
    /** Two zero blocks, the far end's own count and digest, and the exec status: all three, or it is not proven complete. */
    readonly complete: boolean
    readonly why?: string
    /** Files that were listed with the image's size, owner, mode and mtime and a ctime of before the container started, and were not read. */
    readonly unread?: number
  }
  /** Without what a runtime makes itself: mount points and the like. */
  readonly counts: Readonly<Record<ChangeKind, number>>
  readonly contentKeptBytes: number
}

/** logs.json: what each log covers. */
export interface LogsDocument {
  readonly schema: 'impound/logs/v1'
  readonly logs: readonly {
    readonly container: string
    /** 'previous-2': of the run that the second restart ended, while logs were read. */
    readonly run: 'current' | 'previous' | `previous-${number}`
    readonly path: string
    readonly bytes: number
    readonly lines: number
    /** The times that the kubelet put before the first and the last line. */
    readonly firstLineAt?: string
    readonly lastLineAt?: string
    readonly containerStartedAt?: string
    readonly endsWithNewline: boolean
    /** The API server could not check the kubelet's certificate and was asked not to. */
    readonly kubeletCertificateUnverified: boolean
  }[]
  /** Whether log files that the kubelet rotated away could be seen. */
  readonly olderFiles: 'not visible through the API' | 'read from the node' | 'not read from the node'
  /** The files on the node, oldest first; empty where the node was not asked. */
  readonly files: readonly LogFile[]
  readonly gaps: readonly LogGap[]
}

/** A log file as it lay on the node. */
export interface LogFile {
  readonly container: string
  /** Below the pod's log directory. */
  readonly name: string
  /** In the archive; absent where nothing was kept. */
  readonly path?: string
  /** The kubelet's restart count when it was begun; absent where the name is none of the kubelet's. */
  readonly run?: number
  /** When it was rotated, as its name says: digits of the node's local time. */
  readonly rotated?: string
  readonly compressed?: boolean
  /** As stored. */
  readonly bytes: number
  readonly mtime?: string
  readonly kept: 'whole' | 'cut' | 'no'
  /** Why it was not kept. */
  readonly why?: string
  readonly reason?: Reason
  /** Why it could not be inflated to its end. */
  readonly unreadable?: string
  /** What its lines say; of a compressed file as far as it could be inflated. */
  readonly covers?: CriLogFacts
}

/** What a log file in the format of the CRI covers. Times as they stand in it. */
export interface CriLogFacts {
  /** Whether most of its lines are in that format; false: the rest says nothing. */
  readonly isCri: boolean
  /** Inflated. */
  readonly bytes: number
  readonly lines: number
  /** Lines that are not in the format. */
  readonly malformed: number
  /** Lines with an earlier time than the line before them. */
  readonly outOfOrder: number
  readonly firstAt?: string
  readonly lastAt?: string
  readonly endsWithNewline: boolean
  /** Whether its last line is a piece (tag P) of which the rest is missing. */
  readonly endsWithPiece: boolean
}

/** Lines that were written, or may have been, and are not in the archive. Silence alone is none: a quiet program leaves the same files. */
export interface LogGap {
  readonly container: string
  readonly kind: 'rotated-away' | 'runs-gone' | 'vanished' | 'left-out' | 'cut'
  /** 'inferred': other explanations remain, and `why` names them. */
  readonly certainty: 'known' | 'inferred'
  /** Restart counts, first and last. */
  readonly runs?: readonly [number, number]
  readonly from?: string
  readonly to?: string
  readonly why: string
}

/** nodes/<node>.json: what a node is, as the pod of ours on it saw, and what its image lacks. */
export interface NodeDocument {
  readonly schema: 'impound/node/v1'
  readonly derivedFrom: readonly string[]
  readonly node: string
  readonly pod: { readonly namespace: string; readonly name: string; readonly image: string }
  readonly kernel?: string
  readonly machine?: string
  readonly hostname?: string
  readonly os?: string
  readonly bootId?: string
  readonly cgroup?: string
  readonly bootedAt?: string
  /** The node's clock when it was asked, whole seconds. */
  readonly clock?: string
  /** A second: the unit of process start times. */
  readonly clockTicks?: number
  /** Of the filesystem that holds /var. */
  readonly freeBytes?: number
  readonly runtimeSockets: readonly string[]
  /** False: the pod is not in the host's PID namespace, and sees no process of the node's. */
  readonly seesHostProcesses: boolean
  readonly tools: readonly string[]
  /** Of what scripts on nodes need, what the image lacks: what they can't do is then missing too. */
  readonly missingTools: readonly string[]
}
