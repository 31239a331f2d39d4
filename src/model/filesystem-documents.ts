import type { Trust } from './evidence.js'
import type { MatchedBy } from './ports/registry.js'

/** What `filesystem/<container>/` holds, and what differs between two. All strings may be hostile. Times are RFC 3339 UTC. */

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
