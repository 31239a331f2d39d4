import type { CollectContext, Collector } from '../model/collector.js'
import type { ProcessesDocument } from '../model/process-documents.js'
import type { Sink } from '../model/ports/sink.js'
import { execAccess } from './exec-access.js'
import { type Captured, documentSource } from './proc/captures.js'
import { copyNameless, fileKey, type KeptFiles } from './proc/copies.js'
import { processLines } from './proc/process-lines.js'
import { linkOf } from './proc/process-record.js'
import { ProcessSummary } from './proc/process-summary.js'
import type { VolatileCaptures } from './proc/volatile-captures.js'

/** Characters of lines that are written at once. */
const TOGETHER = 64 << 10

/**
 * Every process of the pod's running containers, looked at twice, and the bytes of what runs or is open without a name. From the
 * node where that is allowed, else by each container's own shell.
 */
export function createProcessesCollector(captures: VolatileCaptures): Collector {
  return {
    name: 'processes',
    summary: 'every process: command, user, rights, open files; bytes of deleted and memfd programs',
    phases: ['volatile'],
    requirements: (options, target) => ({
      access: execAccess(options, target),
      impact: options.allow.has('node') ? 'node' : 'exec',
      ways: ['node', 'exec'],
    }),
    async collect(context, target, sink) {
      const captured = await captures.of(context, target, sink)
      if (captured.length > 0) await write(context, captured, sink)
    },
  }
}

async function write(context: CollectContext, captured: readonly Captured[], sink: Sink): Promise<void> {
  const copied: KeptFiles[] = []
  for (const one of captured) copied.push(await copyNameless(context, one, sink))
  const source = documentSource(captured)
  const lines = await sink.open('processes.jsonl', { ...source, mediaType: 'application/jsonl' }, 'processes')
  const summary = new ProcessSummary()
  let text = ''
  for (const [index, { table, naming }] of captured.entries()) {
    for (const { line, record } of processLines(table, naming)) {
      text += `${JSON.stringify(line)}\n`
      if (text.length > TOGETHER) {
        await lines.write(text)
        text = ''
      }
      summary.add(line, (name) => {
        const key = fileKey(linkOf(record, name))
        return key === undefined ? undefined : { key, kept: copied[index]?.get(key) }
      })
    }
  }
  if (text !== '') await lines.write(text)
  const cut = captured.find(({ capture }) => !capture.complete)?.capture
  if (cut === undefined) await lines.end()
  else await lines.partial('cut', `${cut.path}: ${cut.why ?? 'not complete'}`)
  const document: ProcessesDocument = {
    schema: 'impound/processes/v1',
    derivedFrom: captured.map(({ capture }) => capture.path),
    captures: captured.map(({ capture }) => capture),
    startedPrecision: 1,
    ...summary.result(),
  }
  await sink.document('processes.json', document, source, '')
}
