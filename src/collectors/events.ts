import type { CollectContext, Collector, RecordedRead } from '../model/collector.js'
import type { EventLine } from '../model/documents.js'
import { ImpoundError, isCode } from '../model/errors.js'
import { asArray, asNumber, asString, at, type Json } from '../model/json.js'
import { podPath } from '../model/api-path.js'
import { ownerAccess } from '../model/owner-access.js'
import type { Sink } from '../model/ports/sink.js'
import type { Target } from '../model/target.js'
import { ownerChain } from './owner-chain.js'

interface Subject {
  readonly about: EventLine['about']
  readonly namespace: string
  readonly selector: string
}

/**
 * Events of the pod, its owners and its node, from the core group; those of the pod also in the shape of events.k8s.io, which
 * has fields that core lacks. The API server keeps events for about an hour, drops and aggregates them: few prove nothing.
 */
export const eventsCollector: Collector = {
  name: 'events',
  summary: 'events of the pod, its owners and its node',
  phases: ['read'],
  requirements: (_options, target) => ({
    access: [
      { verb: 'list', group: '', resource: 'events', namespace: target.namespace },
      { verb: 'list', group: '', resource: 'events', namespace: 'default' },
      { verb: 'list', group: 'events.k8s.io', resource: 'events', namespace: target.namespace },
      ...ownerAccess(target.namespace),
    ],
    impact: 'read',
  }),
  async collect(context, target, sink) {
    const lines = new Map<string, EventLine>()
    const reads: RecordedRead[] = []
    for (const subject of await subjects(context, target)) {
      try {
        for (const page of await context.api.list(eventsIn(subject.namespace), {
          fieldSelector: subject.selector,
        })) {
          reads.push(page)
          for (const event of asArray(at(page.json, 'items'))) {
            const line = coreEvent(event, subject.about, page.artefact)
            if (!lines.has(line.uid)) lines.set(line.uid, line)
          }
        }
      } catch (error) {
        if (isCode(error, 'aborted', 'storage') || subject.about === 'pod') throw error
        await sink.failed(`events of the ${subject.about}`, error)
      }
    }
    await inNewShape(context, target)
    const sorted = [...lines.values()].sort(
      (a, b) => compare(a.last ?? '', b.last ?? '') || compare(a.uid, b.uid),
    )
    await sink.attempt(
      'events.jsonl',
      {
        kind: 'derived',
        mediaType: 'application/jsonl',
        trust: 'api',
        derivedFrom: reads.map((read) => read.artefact),
      },
      'events',
      async (writer) => {
        for (const line of sorted) await writer.write(`${JSON.stringify(line)}\n`)
      },
    )
  },
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function eventsIn(namespace: string) {
  return { group: '', version: 'v1', resource: 'events', namespace } as const
}

async function subjects(context: CollectContext, target: Target): Promise<readonly Subject[]> {
  const pod = await context.api.get(podPath(target.namespace, target.name))
  if (at(pod.json, 'metadata', 'uid') !== target.uid) {
    throw new ImpoundError('target-changed', `pod ${target.name} is another pod now: its UID differs`)
  }
  const { owners } = await ownerChain(context.api, pod, context.run.signal)
  const node = asString(at(pod.json, 'spec', 'nodeName'))
  return [
    { about: 'pod', namespace: target.namespace, selector: `involvedObject.uid=${target.uid}` },
    ...owners.map(({ uid }): Subject => ({
      about: 'owner',
      namespace: target.namespace,
      selector: `involvedObject.uid=${uid}`,
    })),
    // the kubelet's events of its node carry the node's name as uid and stand in the namespace default
    ...(node === undefined
      ? []
      : [
          {
            about: 'node',
            namespace: 'default',
            selector: `involvedObject.kind=Node,involvedObject.name=${node}`,
          } as const,
        ]),
  ]
}

/** Events of all namespaces that are about the UID: what is left of a pod that is gone. */
export async function eventsOfUid(context: CollectContext, { uid }: Target, sink: Sink): Promise<void> {
  const lines: EventLine[] = []
  const derivedFrom: string[] = []
  await sink.attempt(
    'events.jsonl',
    { kind: 'derived', mediaType: 'application/jsonl', trust: 'api', derivedFrom },
    'events',
    async (writer) => {
      const pages = await context.api.list(
        { group: '', version: 'v1', resource: 'events' },
        { fieldSelector: `involvedObject.uid=${uid}` },
      )
      for (const { json, artefact } of pages) {
        derivedFrom.push(artefact)
        lines.push(...asArray(at(json, 'items')).map((event) => coreEvent(event, 'pod', artefact)))
      }
      lines.sort((a, b) => compare(a.last ?? '', b.last ?? '') || compare(a.uid, b.uid))
      for (const line of lines) await writer.write(`${JSON.stringify(line)}\n`)
    },
  )
}

/** Keeps the pod's events as events.k8s.io/v1 says them, where that is served. */
async function inNewShape(context: CollectContext, target: Target): Promise<void> {
  const { resources } = await context.api.discover(context.run.signal)
  const served = resources.some(
    ({ group, version, resource }) => group === 'events.k8s.io' && version === 'v1' && resource === 'events',
  )
  if (!served) return
  await context.api.list(
    { group: 'events.k8s.io', version: 'v1', resource: 'events', namespace: target.namespace },
    { fieldSelector: `regarding.uid=${target.uid}` },
  )
}

function coreEvent(event: Json, about: EventLine['about'], derivedFrom: string): EventLine {
  const text = (...path: readonly string[]): string => asString(at(event, ...path)) ?? ''
  const first = text('firstTimestamp') || text('eventTime') || text('metadata', 'creationTimestamp')
  const last = text('series', 'lastObservedTime') || text('lastTimestamp') || first
  return {
    about,
    kind: text('involvedObject', 'kind'),
    name: text('involvedObject', 'name'),
    type: text('type'),
    reason: text('reason'),
    message: text('message'),
    count: asNumber(at(event, 'series', 'count')) ?? asNumber(at(event, 'count')) ?? 1,
    ...(first === '' ? {} : { first }),
    ...(last === '' ? {} : { last }),
    reporter: text('reportingComponent') || text('source', 'component'),
    uid: text('metadata', 'uid'),
    derivedFrom,
  }
}
