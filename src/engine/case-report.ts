import { createReadStream } from 'node:fs'
import { join } from 'node:path'

import { readChain } from '../evidence/log-reader.js'
import type { Spool } from '../evidence/index.js'
import { readLines } from '../formats/jsonl.js'
import type { AccessDocument, ReferencesDocument } from '../model/access-documents.js'
import type { LogLine, WriteIntent } from '../model/acquisition.js'
import type { Verdict } from '../model/containment.js'
import type { CheckpointDocument } from '../model/checkpoint-document.js'
import type { EventLine, NetworkDocument, OwnersDocument, PodDocument } from '../model/documents.js'
import type { DiffEntry, FilesystemSummary } from '../model/filesystem-documents.js'
import type { ImageDocument, ImageExportDocument } from '../model/image-document.js'
import type { LogsDocument } from '../model/log-documents.js'
import type { ProcessesDocument, ProcessLine, SocketsDocument } from '../model/process-documents.js'
import type { MountsDocument } from '../model/mounts-document.js'
import type { NodeTriageDocument } from '../model/node-triage-document.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import type { Target } from '../model/target.js'
import type { Aftermath } from './aftermath.js'
import {
  topChanges,
  topProcesses,
  type ReportInput,
  type ReportTargetInput,
  type ReportWrite,
} from '../report/index.js'

type Identity = Pick<Target, 'namespace' | 'name' | 'uid'>

/** Most lines of events that a report takes up; the rest is in the archive. */
const MAX_EVENTS = 5_000

interface ReportFacts {
  readonly incomplete?: string
  readonly startedAt: string
  readonly endedAt: string
  readonly requestCount?: number
}

/** Everything that a report is made from, read back from the spool alone: the same for a run and for a spool taken up again. */
export async function reportInput(spool: Spool, facts: ReportFacts): Promise<ReportInput> {
  const writes = await readWrites(spool)
  const artefacts = spool.index()
  const directories = [
    ...new Set(artefacts.flatMap(({ target }) => (target === undefined ? [] : [target]))),
  ].sort()
  const targets: ReportTargetInput[] = []
  for (const directory of directories) targets.push(await targetInput(spool, directory, writes))
  return {
    scene: spool.scene,
    targets,
    otherWrites: writes.filter(({ intent }) => intent.target === undefined),
    ledger: spool.ledger(),
    artefacts,
    archiveName: spool.name,
    ...facts,
  }
}

async function targetInput(
  spool: Spool,
  directory: string,
  writes: readonly ReportWrite[],
): Promise<ReportTargetInput> {
  const root = `data/targets/${directory}/`
  const names = spool
    .index()
    .filter(({ path }) => path.startsWith(root))
    .map(({ path }) => path.slice(root.length))
  const read = async <Document>(name: string): Promise<Document | undefined> =>
    names.includes(name) ? ((await spool.readDocument(root + name)) as Document) : undefined
  const pod = await read<PodDocument>('pod.json')
  const plan = await read<QuarantinePlan>('containment/plan.json')
  const target: Identity = pod ?? plan?.target ?? identityFrom(directory)
  const [owners, network, verdict] = [
    await read<OwnersDocument>('owners.json'),
    await read<NetworkDocument>('network.json'),
    await read<Verdict>('containment/verdict.json'),
  ]
  const [logs, after] = [
    await read<LogsDocument>('logs.json'),
    await read<Aftermath>('containment/aftermath.json'),
  ]
  const mounts = await read<MountsDocument>('mounts.json')
  const checkpoints: CheckpointDocument[] = []
  for (const name of names.filter((one) => /^checkpoint\/[^/]+\/checkpoint\.json$/.test(one)).sort()) {
    const checkpoint = await read<CheckpointDocument>(name)
    if (checkpoint !== undefined) checkpoints.push(checkpoint)
  }
  const nodeTriage = await read<NodeTriageDocument>('node-triage.json')
  const [access, references] = [
    await read<AccessDocument>('access.json'),
    await read<ReferencesDocument>('references.json'),
  ]
  const images: ImageDocument[] = []
  for (const name of names.filter((one) => /^image\/[^/]+\/image\.json$/.test(one)).sort()) {
    const image = await read<ImageDocument>(name)
    if (image !== undefined) images.push(image)
  }
  const imageExport = await read<ImageExportDocument>('image-export.json')
  const filesystems: ReportTargetInput['filesystems'][number][] = []
  for (const name of names.filter((one) => /^filesystem\/[^/]+\/summary\.json$/.test(one)).sort()) {
    const summary = await read<FilesystemSummary>(name)
    const diff = name.replace(/summary\.json$/, 'diff.jsonl')
    const entries = names.includes(diff)
      ? await topChanges(jsonLines<DiffEntry>(join(spool.directory, root, diff)))
      : []
    if (summary !== undefined) filesystems.push({ summary, entries })
  }
  const document = await read<ProcessesDocument>('processes.json')
  const processes =
    document === undefined || !names.includes('processes.jsonl')
      ? undefined
      : {
          document,
          ...(await topProcesses(jsonLines<ProcessLine>(join(spool.directory, root, 'processes.jsonl')))),
        }
  const sockets = await read<SocketsDocument>('sockets.json')
  const socketsAfter = await read<SocketsDocument>('sockets-contained.json')
  const events = names.includes('events.jsonl')
    ? await take<EventLine>(spool, `${root}events.jsonl`)
    : undefined
  return {
    directory,
    target: { namespace: target.namespace, name: target.name, uid: target.uid },
    ...(pod === undefined ? {} : { pod }),
    ...(owners === undefined ? {} : { owners }),
    ...(events === undefined ? {} : { events }),
    ...(network === undefined ? {} : { network }),
    ...(access === undefined ? {} : { access }),
    ...(references === undefined ? {} : { references }),
    ...(mounts === undefined ? {} : { mounts }),
    checkpoints,
    ...(nodeTriage === undefined ? {} : { nodeTriage }),
    ...(logs === undefined ? {} : { logs }),
    ...(after === undefined ? {} : { after }),
    ...(processes === undefined ? {} : { processes }),
    ...(sockets === undefined ? {} : { sockets }),
    ...(socketsAfter === undefined ? {} : { socketsAfter }),
    images,
    ...(imageExport === undefined ? {} : { imageExport }),
    filesystems,
    ...(plan === undefined ? {} : { plan }),
    ...(verdict === undefined ? {} : { verdict }),
    writes: writes.filter(({ intent }) => intent.target?.uid === target.uid),
  }
}

/** <namespace>_<pod>_<uid>: neither namespaces nor pods have an underscore in their names. */
function identityFrom(directory: string): Identity {
  const [namespace = '', name = '', uid = ''] = directory.split('_')
  return { namespace, name, uid }
}

async function take<Line>(spool: Spool, path: string): Promise<readonly Line[]> {
  const lines: Line[] = []
  for await (const line of jsonLines<Line>(join(spool.directory, path))) {
    lines.push(line)
    if (lines.length >= MAX_EVENTS) break
  }
  return lines
}

/** Lines that we wrote; one that a crash tore is left out. */
async function* jsonLines<Line>(file: string): AsyncGenerator<Line> {
  for await (const { text, torn } of readLines(createReadStream(file))) {
    if (!torn) yield JSON.parse(text.toString('utf8')) as Line
  }
}

/** Every change to the cluster, from the acquisition log: intent, and the answer where one came. */
export async function readWrites(spool: Spool): Promise<readonly ReportWrite[]> {
  const intents = new Map<string, { intent: WriteIntent; at: string }>()
  const answers = new Map<string, LogLine & { readonly type: 'result' }>()
  await readChain(join(spool.directory, 'acquisition.jsonl'), (line) => {
    if (line.type === 'intent') intents.set(line.intent.id, { intent: line.intent, at: line.at })
    if (line.type === 'result') answers.set(line.result.id, line)
  })
  return [...intents.values()].map(({ intent, at }) => {
    const answer = answers.get(intent.id)
    return { intent, at, ...(answer === undefined ? {} : { outcome: answer.result, answeredAt: answer.at }) }
  })
}
