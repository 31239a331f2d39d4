import type { VerdictKind } from '../model/containment.js'
import type { ChangeKind, DiffEntry, FilesystemSummary } from '../model/filesystem-documents.js'
import type { Reason, Status, Trust } from '../model/evidence.js'
import type { ProcessFact } from '../model/process-documents.js'

export const REASON_WORDS: Readonly<Record<Reason, string>> = {
  'not-requested': 'Nobody asked for it.',
  'not-applicable': 'There is none here.',
  'not-allowed': 'This run was not allowed to do what it takes.',
  forbidden: 'The server refused: the user lacks the right.',
  unsupported: 'This cluster, container or image does not offer it.',
  unreachable: 'The server could not be reached, or did not answer properly.',
  timeout: 'It took longer than the time that it was given.',
  stalled: 'The stream stopped moving and was given up.',
  cut: 'The stream ended before its end mark: an unknown rest is missing.',
  'too-big': 'It is larger than the set limit; what fits was kept.',
  'target-gone': 'It no longer existed when it was asked for.',
  'target-refused': 'The far end was reached and declined.',
  interrupted: 'The run was stopped before it was done.',
  failed: 'It failed for another reason; the detail says which.',
}

/** Order in which gaps are told: what is wholly missing weighs most. */
export const STATUS_WEIGHT: Readonly<Record<Status, number>> = {
  failed: 0,
  partial: 1,
  skipped: 2,
  collected: 3,
}

export const TRUST_WORDS: Readonly<Record<Trust, string>> = {
  api: 'as the API server said it',
  'registry-verified': 'from the image registry, checked against the digest that names it',
  'node-kernel': "read by impound through the node's kernel; as good as the node is not compromised",
  'merged-view': 'read from a container placed beside the suspect',
  'target-controlled': 'through the suspect container; whoever controls it could have changed it',
  derived: 'worked out by impound from other files of the archive',
  tool: 'a record of impound itself',
}

export const VERDICT_WORDS: Readonly<Record<VerdictKind, string>> = {
  enforced: 'Isolation was tried out from the pod and held, as far as was tried.',
  partial: 'Isolation holds for a part of the traffic; what is open is named below.',
  unverified:
    'The changes are in place in the API. Whether the network enforces them was not tried out and is not known.',
  'not-enforced': 'Isolation does not hold. Treat the pod as connected.',
}

export const METHOD_WORDS: Readonly<Record<FilesystemSummary['method'], string>> = {
  exec: 'with programs inside the suspect container (exec)',
  ephemeral: 'from a container placed beside the suspect (ephemeral)',
  node: "from the node, without the container's help (node)",
}

export const CHANGE_WORDS: Readonly<Record<ChangeKind, string>> = {
  added: 'added',
  modified: 'modified',
  deleted: 'deleted',
  'type-changed': 'changed in type',
  'metadata-only': 'changed in metadata only',
  opaque: 'replaced as a whole directory',
}

export const CONTENT_WORDS: Readonly<Record<NonNullable<DiffEntry['content']>, string>> = {
  kept: 'kept',
  'too-big': 'not kept: over the limit',
  cut: 'not whole: the stream ended early',
  'in-image': 'unchanged: it is in the image',
}

/** Flags of changed files, most telling first: the order of the report's table. */
export const FLAG_WORDS: ReadonlyMap<string, string> = new Map([
  ['deleted-running', 'deleted, and a process runs it'],
  ['running', 'a process runs it'],
  ['exec-new', 'new or changed executable'],
  ['setuid', 'setuid or setgid'],
  ['caps', 'file capabilities'],
  ['fake-whiteout', 'its name hides it from image tools'],
  ['timestomp', 'times set back'],
  [
    'backdated',
    'older by its modification time than the container: set back, or brought along by an archive',
  ],
  ['fake-mark', 'carries a mark of overlayfs that the mount does not honour'],
  ['changed-during-read', 'changed while it was read'],
])

/** What is known of a process, not what it means: each has harmless explanations. */
export const FACT_WORDS: Readonly<Record<ProcessFact, string>> = {
  'exe-deleted': 'the file it runs was deleted',
  'exe-memfd': 'it runs from memory, from no file',
  'fake-kernel-thread': 'named like a kernel thread, and is none',
  'exe-outside-mounts': 'the file it runs is on nothing that is mounted there',
  entered: 'started from outside of the container',
  'left-cgroup': "moved out of the container's cgroup",
  'executable-anonymous': 'executable memory that is no file',
  'executable-memfd': 'executable memory from a memfd',
  'executable-deleted': 'runs code of a deleted file',
  'loader-variables': 'its environment makes the loader load something else',
  traced: 'another process traces it',
  'raw-or-packet-socket': 'has a raw or packet socket',
  gone: 'ended while it was looked at',
  appeared: 'began while it was looked at',
  changed: 'became another program while it was looked at',
  ours: 'part of this capture',
}
