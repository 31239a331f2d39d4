import type { Collector } from '../model/collector.js'
import type { SocketsDocument } from '../model/process-documents.js'
import { execAccess } from './exec-access.js'
import { documentSource } from './proc/captures.js'
import { socketsOf } from './proc/socket-rows.js'
import type { VolatileCaptures } from './proc/volatile-captures.js'

/** The sockets of every network namespace of the pod and who holds them, before containment and again after it. */
export function createSocketsCollector(captures: VolatileCaptures): Collector {
  return {
    name: 'sockets',
    summary: 'connections and listening sockets, and which process holds them, before and after the cut',
    phases: ['volatile', 'contained'],
    requirements: (options, target) => ({
      access: execAccess(options, target),
      impact: options.allow.has('node') ? 'node' : 'exec',
      ways: ['node', 'exec'],
    }),
    async collect(context, target, sink) {
      const isAfter = context.phase === 'contained'
      const captured = isAfter
        ? await captures.again(context, target, sink)
        : await captures.of(context, target, sink)
      if (captured.length === 0) return
      const source = documentSource(captured)
      const document: SocketsDocument = {
        schema: 'impound/sockets/v1',
        derivedFrom: captured.map(({ capture }) => capture.path),
        phase: isAfter ? 'contained' : 'volatile',
        startedAt: captured.map((one) => one.startedAt).sort()[0] ?? '',
        endedAt:
          captured
            .map((one) => one.endedAt)
            .sort()
            .at(-1) ?? '',
        captures: captured.map(({ capture }) => capture),
        ...socketsOf(captured),
      }
      const name = isAfter ? 'sockets-contained.json' : 'sockets.json'
      await sink.document(name, document, source, isAfter ? 'sockets after containment' : 'sockets')
    },
  }
}
