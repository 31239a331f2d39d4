import { createHash } from 'node:crypto'

import type { JsonObject } from '../../../model/json.js'

import { C2, NODE_A, SHOP, SIBLING, SUSPECT, UID, WEB_HASH } from '../names.js'
import type { Moments } from '../moments.js'
import { kubeTime, later, microTime } from '../moments.js'

/** What happened lately, as far as this API server still knows it: it keeps events for a week. */
export function eventObjects(moments: Moments, webImage: string): readonly JsonObject[] {
  const { now, appCrashed, appRestarted, intrusion } = moments
  const kubelet = (about: Involved, message: Message): JsonObject => coreEvent(about, message, NODE_A.name)
  const app: Involved = { ...SUSPECT_POD, fieldPath: 'spec.containers{app}' }
  return [
    kubelet(app, {
      type: 'Warning',
      reason: 'Unhealthy',
      message: `Liveness probe failed: Get "http://${SUSPECT.ip}:8080/livez": context deadline exceeded`,
      count: 3,
      first: later(appCrashed, -41),
      last: later(appCrashed, -1),
    }),
    kubelet(app, {
      type: 'Normal',
      reason: 'Killing',
      message: 'Container app failed liveness probe, will be restarted',
      count: 1,
      first: appCrashed,
      last: appCrashed,
    }),
    kubelet(app, {
      type: 'Normal',
      reason: 'Pulled',
      message: `Container image "${webImage}" already present on machine`,
      count: 2,
      first: later(appCrashed, 1),
      last: later(appCrashed, 1),
    }),
    kubelet(app, {
      type: 'Normal',
      reason: 'Started',
      message: 'Container started',
      count: 2,
      first: appRestarted,
      last: appRestarted,
    }),
    kubelet(SUSPECT_POD, {
      type: 'Warning',
      reason: 'Unhealthy',
      message: 'Readiness probe failed: HTTP probe failed with statuscode: 503',
      count: 14,
      first: later(appRestarted, 2),
      last: later(now, -190),
    }),
    ...sensorEvents(intrusion, later(now, -65)),
    coreEvent(
      {
        kind: 'ReplicaSet',
        apiVersion: 'apps/v1',
        namespace: SHOP,
        name: `web-${WEB_HASH}`,
        uid: UID.replicaSetWeb,
      },
      {
        type: 'Normal',
        reason: 'SuccessfulCreate',
        message: `Created pod: ${SUSPECT.name}`,
        count: 1,
        first: moments.rolledOut,
        last: moments.rolledOut,
      },
    ),
    coreEvent(
      { kind: 'Node', namespace: '', name: NODE_A.name, uid: NODE_A.name },
      {
        type: 'Normal',
        reason: 'NodeHasSufficientMemory',
        message: `Node ${NODE_A.name} status is now: NodeHasSufficientMemory`,
        count: 2,
        first: later(now, -2900),
        last: later(now, -2700),
      },
      NODE_A.name,
    ),
    coreEvent(
      { kind: 'Pod', apiVersion: 'v1', namespace: SHOP, name: SIBLING.name, uid: UID.podSibling },
      {
        type: 'Warning',
        reason: 'Unhealthy',
        message: 'Readiness probe failed: HTTP probe failed with statuscode: 503',
        count: 1,
        first: later(now, -2400),
        last: later(now, -2400),
      },
      'ip-10-0-3-22',
    ),
  ]
}

interface Involved {
  readonly kind: string
  readonly apiVersion?: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly fieldPath?: string
}

const SUSPECT_POD: Involved = {
  kind: 'Pod',
  apiVersion: 'v1',
  namespace: SHOP,
  name: SUSPECT.name,
  uid: UID.podSuspect,
}

interface Message {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  readonly count: number
  readonly first: Date
  readonly last: Date
}

/** An event of the older recorder: first and last time and a count, nothing of what lay between. */
function coreEvent(about: Involved, said: Message, host?: string): JsonObject {
  const component = about.kind === 'ReplicaSet' ? 'replicaset-controller' : 'kubelet'
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: eventMetadata(about, said.reason, said.message, said.first),
    involvedObject: { ...about },
    reason: said.reason,
    message: said.message,
    source: { component, ...(host === undefined ? {} : { host }) },
    firstTimestamp: kubeTime(said.first),
    lastTimestamp: kubeTime(said.last),
    count: said.count,
    type: said.type,
    eventTime: null,
    reportingComponent: component,
    reportingInstance: host ?? '',
  }
}

/**
 * Events of a runtime sensor that uses the newer API (eventTime, series). It quotes command lines, and so the intruder
 * wrote part of them: ANSI escapes, Markdown and a bidirectional override among the bytes.
 */
function sensorEvents(first: Date, last: Date): readonly JsonObject[] {
  const sensor = (reason: string, note: string, at: Date, series?: JsonObject): JsonObject => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: eventMetadata(SUSPECT_POD, reason, note, at),
    involvedObject: { ...SUSPECT_POD },
    reason,
    message: note,
    source: {},
    firstTimestamp: null,
    lastTimestamp: null,
    type: 'Warning',
    eventTime: microTime(at, 271),
    ...(series === undefined ? {} : { series }),
    action: 'Observed',
    reportingComponent: 'sensor.example/runtime-watch',
    reportingInstance: `runtime-watch-${NODE_A.name}`,
  })
  return [
    sensor(
      'UnexpectedProcess',
      'exec of /tmp/.x/kworker \u001b[2J\u001b[1;32mall clear\u001b[0m\n\n# No findings\n[details](javascript:alert(1)) | `rm -rf` <script>alert(1)</script> \u202egnp.exe',
      first,
    ),
    sensor('UnexpectedConnection', `connect to ${C2.address}:${C2.port} by kworker`, later(first, 4), {
      count: 44,
      lastObservedTime: microTime(last, 93),
    }),
  ]
}

function eventMetadata(about: Involved, reason: string, message: string, created: Date): JsonObject {
  const hex = createHash('sha256')
    .update(JSON.stringify([about, reason, message]))
    .digest('hex')
  return {
    name: `${about.name}.${hex.slice(0, 16)}`,
    namespace: about.namespace === '' ? 'default' : about.namespace,
    uid: [
      hex.slice(16, 24),
      hex.slice(24, 28),
      `4${hex.slice(28, 31)}`,
      `8${hex.slice(31, 34)}`,
      hex.slice(34, 46),
    ].join('-'),
    creationTimestamp: kubeTime(created),
  }
}
