import { podPath, type AccessRule } from '../model/api-path.js'
import type { CollectContext, Collector, RecordedRead } from '../model/collector.js'
import type { PodDocument } from '../model/documents.js'
import { ImpoundError, isCode } from '../model/errors.js'
import { asArray, asString, asStringMap, at } from '../model/json.js'
import type { ContainerStatus, Pod } from '../model/kubernetes.js'
import { ownerAccess } from '../model/owner-access.js'
import type { Sink } from '../model/ports/sink.js'
import { containersOf, type Target } from '../model/target.js'
import { ownerChain } from './owner-chain.js'

const DERIVED = { kind: 'derived', mediaType: 'application/json', trust: 'api' } as const

export const podCollector: Collector = {
  name: 'pod',
  summary: 'the pod, its owners up to the root, its namespace, its node and the other pods on it',
  phases: ['read'],
  requirements: (_options, target) => ({ access: access(target), impact: 'read' }),
  async collect(context, target, sink) {
    const pod = await context.api.get(podPath(target.namespace, target.name))
    if (at(pod.json, 'metadata', 'uid') !== target.uid) {
      throw new ImpoundError('target-changed', `pod ${target.name} is another pod now: its UID differs`)
    }
    await sink.attempt(
      'owners.json',
      { ...DERIVED, derivedFrom: [pod.artefact] },
      'owners',
      async (writer) => {
        const { owners, derivedFrom } = await ownerChain(context.api, pod, context.run.signal)
        await writer.write(
          `${JSON.stringify({ schema: 'impound/owners/v1', derivedFrom, owners }, null, 2)}\n`,
        )
      },
    )
    const reads = [pod]
    await keep(sink, 'namespace', reads, () =>
      context.api.get({ group: '', version: 'v1', resource: 'namespaces', name: target.namespace }),
    )
    const node = asString(at(pod.json, 'spec', 'nodeName'))
    const neighbours = node === undefined ? undefined : await onNode(context, sink, node, target, reads)
    const derivedFrom = reads.map((read) => read.artefact)
    await sink.document(
      'pod.json',
      podDocument(pod, neighbours, derivedFrom),
      { ...DERIVED, derivedFrom },
      'pod',
    )
  },
}

function access(target: Target): readonly AccessRule[] {
  return [
    { verb: 'get', group: '', resource: 'pods', namespace: target.namespace },
    ...ownerAccess(target.namespace),
    { verb: 'get', group: '', resource: 'namespaces', name: target.namespace },
    { verb: 'get', group: '', resource: 'nodes' },
    { verb: 'list', group: '', resource: 'pods' },
  ]
}

/** The node object and, by namespace and name, the other pods that run on it; undefined where they can't be listed. */
async function onNode(
  context: CollectContext,
  sink: Sink,
  node: string,
  target: Target,
  reads: RecordedRead[],
): Promise<PodDocument['neighbours']> {
  await keep(sink, `node ${node}`, reads, () =>
    context.api.get({ group: '', version: 'v1', resource: 'nodes', name: node }),
  )
  const pages = await keep(sink, 'pods on the node', reads, () =>
    context.api.list(
      { group: '', version: 'v1', resource: 'pods' },
      { fieldSelector: `spec.nodeName=${node}` },
    ),
  )
  return pages
    ?.flatMap((page) => asArray(at(page.json, 'items')))
    .map((item) => ({
      namespace: asString(at(item, 'metadata', 'namespace')) ?? '',
      name: asString(at(item, 'metadata', 'name')) ?? '',
      uid: asString(at(item, 'metadata', 'uid')) ?? '',
    }))
    .filter(({ uid }) => uid !== target.uid)
}

/** Runs one read that the pod's document can do without; its failure is a row of its own. */
async function keep<Result extends RecordedRead | readonly RecordedRead[]>(
  sink: Sink,
  subject: string,
  reads: RecordedRead[],
  read: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    const result = await read()
    reads.push(...[result].flat())
    return result
  } catch (error) {
    if (isCode(error, 'aborted', 'storage')) throw error
    await sink.failed(subject, error)
    return undefined
  }
}

function podDocument(
  read: RecordedRead,
  neighbours: PodDocument['neighbours'],
  derivedFrom: readonly string[],
): PodDocument {
  const pod = read.json as Pod
  const statuses = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.ephemeralContainerStatuses ?? []),
  ]
  return {
    schema: 'impound/pod/v1',
    derivedFrom,
    namespace: pod.metadata?.namespace ?? '',
    name: pod.metadata?.name ?? '',
    uid: pod.metadata?.uid ?? '',
    ...defined({
      created: pod.metadata?.creationTimestamp,
      phase: pod.status?.phase,
      node: pod.spec?.nodeName,
      podIP: pod.status?.podIP,
      hostIP: pod.status?.hostIP,
      serviceAccount: pod.spec?.serviceAccountName,
    }),
    hostNetwork: pod.spec?.hostNetwork === true,
    labels: asStringMap(pod.metadata?.labels),
    containers: containersOf(pod).map(({ restartCount, startedAt, ...container }) => ({
      ...container,
      restarts: restartCount,
      ...defined({ startedAt, lastExit: lastExit(statuses.find(({ name }) => name === container.name)) }),
    })),
    ...defined({ neighbours }),
  }
}

function lastExit(status: ContainerStatus | undefined): PodDocument['containers'][number]['lastExit'] {
  const ended = status?.lastState?.terminated ?? status?.state?.terminated
  if (ended === undefined) return undefined
  return defined({ code: ended.exitCode, reason: ended.reason, finishedAt: ended.finishedAt })
}

type Defined<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> }

/** The fields that have a value: an absent fact has no key. */
function defined<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<Fields>
}
