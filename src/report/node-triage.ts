import type { TriageContainer, TriageFile, TriageKind } from '../model/node-triage-document.js'
import { formatBytes } from '../text/bytes.js'
import { bounded } from './bounded.js'
import type { ReportTargetInput } from './input.js'
import type { NodeTriageReport } from './model-live.js'

const MOST_FILES = 60
const MOST_CONTAINERS = 40

const WORDS: Readonly<Record<TriageKind, string>> = {
  preload: 'loader preload',
  'static-pod': 'static pod',
  'ssh-keys': 'SSH keys',
  cron: 'cron',
  'systemd-unit': 'systemd unit',
  'kubelet-config': 'kubelet configuration',
  container: 'container state',
  journal: 'journal',
  'node-log': 'log',
}

/** What was seen of the node itself; null where nobody asked for it. State files of containers are told by the containers. */
export function nodeTriageOf({ nodeTriage, directory }: ReportTargetInput): NodeTriageReport | null {
  if (nodeTriage === undefined) return null
  const where = `data/targets/${directory}/node-triage.json`
  const { node, since, absent, files, filesMore, containers, containersMore } = nodeTriage
  const shown = files.filter(({ kind }) => kind !== 'container')
  const strangersFirst = containers.toSorted((a, b) => Number(a.inApi ?? true) - Number(b.inApi ?? true))
  return {
    node,
    since,
    absent: absent.length === 0 ? null : absent.map(wordOf).join(', '),
    files: bounded(shown.map(fileRow), MOST_FILES, where, shown.length + filesMore),
    containers: bounded(
      strangersFirst.map(containerRow),
      MOST_CONTAINERS,
      where,
      containers.length + containersMore,
    ),
  }
}

function fileRow(file: TriageFile): NodeTriageReport['files']['items'][number] {
  const { kind, path, size, ctime, link, kept, why } = file
  const note = link === undefined ? null : `a symlink to ${link}`
  return {
    kind: wordOf(kind),
    path,
    size: formatBytes(size),
    changed: ctime ?? null,
    note: note ?? (kept === 'whole' ? null : (why ?? 'cut')),
  }
}

function containerRow(container: TriageContainer): NodeTriageReport['containers']['items'][number] {
  const { id, podNamespace, podName, image, processes, inApi } = container
  return {
    id: id.slice(0, 12),
    pod: podName === undefined ? null : `${podNamespace ?? ''}/${podName}`,
    image: image ?? null,
    processes,
    known: inApi === undefined ? 'not known' : inApi ? 'yes' : 'no',
  }
}

/** An archive may say anything. */
function wordOf(kind: TriageKind): string {
  return Object.hasOwn(WORDS, kind) ? WORDS[kind] : kind
}
