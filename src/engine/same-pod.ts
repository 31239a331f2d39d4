import { podPath } from '../model/api-path.js'
import { ImpoundError, isCode } from '../model/errors.js'
import { at } from '../model/json.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { Exec, LogStream } from '../model/ports/streams.js'
import type { Target } from '../model/target.js'

/** Streams that speak to the target and to nobody else. */
export interface TargetStreams {
  readonly exec: Exec
  readonly logs: LogStream
}

/**
 * Logs and exec go by name, and a name may belong to another pod a moment later: a StatefulSet brings one back under it. So the
 * UID is asked for before each stream, which then does not begin, and after it, when what came is not believed whole: both
 * throw `target-changed`, the second after the bytes are in the sink.
 */
export function onlyOf(target: Target, streams: TargetStreams, kube: KubeReader): TargetStreams {
  const check = async (when: string, signal: AbortSignal): Promise<void> => {
    if ((await uidNow(target, kube, signal)) === target.uid) return
    throw new ImpoundError('target-changed', `${target.name} is another pod now, or gone: seen ${when}`)
  }
  return {
    exec: {
      async exec(where, argv, sinks, options) {
        await check('before the exec, which was not begun', options.signal)
        const outcome = await streams.exec.exec(where, argv, sinks, options)
        await check('after the exec: what came may not be all of the suspect', options.signal)
        return outcome
      },
    },
    logs: {
      async log(request, sink, options) {
        await check('before its log was read', options.signal)
        const outcome = await streams.logs.log(request, sink, options)
        await check('after its log was read: it may be that of another pod', options.signal)
        return outcome
      },
    },
  }
}

async function uidNow(target: Target, kube: KubeReader, signal: AbortSignal): Promise<unknown> {
  try {
    const { body } = await kube.get(podPath(target.namespace, target.name), { signal })
    return at(JSON.parse(body.toString('utf8')), 'metadata', 'uid')
  } catch (error) {
    if (isCode(error, 'not-found')) return undefined
    throw error
  }
}
