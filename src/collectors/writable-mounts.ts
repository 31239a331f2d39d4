import { tmpdir } from 'node:os'

import type { Collector } from '../model/collector.js'
import { MountReading, type MountScripts } from './mounts/mount-reading.js'

/**
 * emptyDirs, /dev/shm and other memory with their content, claims and host paths as an index: with a read-only root the only places where an
 * intruder can write. On the node where that is allowed, else through the container's own tar.
 */
export function createWritableMountsCollector(
  scripts: MountScripts,
  scratchDirectory: string = tmpdir(),
): Collector {
  return {
    name: 'writable-mounts',
    summary: 'what lies in emptyDirs, /dev/shm and other memory, with content; an index of claims',
    phases: ['slow'],
    requirements: ({ allow }, { namespace }) => ({
      access:
        allow.has('exec') && !allow.has('node')
          ? (['get', 'create'] as const).map((verb) => ({
              verb,
              group: '',
              resource: 'pods',
              subresource: 'exec',
              namespace,
            }))
          : [],
      impact: allow.has('node') ? 'node' : 'exec',
      ways: ['node', 'exec'],
    }),
    async collect(context, target, sink) {
      const { allow } = context.options
      if (!allow.has('node') && !allow.has('exec')) {
        await sink.skip(
          'writable-mounts',
          'not-allowed',
          "reading them starts a pod on the node (--allow node) or the container's own sh and tar (--allow exec); an ephemeral container is not used for it",
        )
        return
      }
      const work = new MountReading(context, target, scripts, scratchDirectory, sink)
      const session = allow.has('node') ? await work.session() : undefined
      if (session !== undefined) await work.onNode(session)
      else if (allow.has('exec')) await work.byExec()
      await work.document()
    },
  }
}
