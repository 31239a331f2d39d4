import type { AccessRule } from '../model/api-path.js'
import { isCode, messageOf } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import type { KubeReader, RawResponse } from '../model/ports/kube-reader.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Scene } from '../model/scene.js'

/** What it takes to say which cluster this is. */
export const SCENE_ACCESS: readonly AccessRule[] = [
  { verb: 'get', group: '', resource: 'namespaces', name: 'kube-system' },
]

/** What is known of the scene without asking the cluster. */
export interface LocalScene {
  readonly case: string
  readonly run: string
  readonly command: string
  readonly osUser: string
  readonly hostname: string
  readonly examiner?: string
  readonly authority?: string
  readonly tool: Scene['tool']
  readonly utcOffsetMinutes: number
  readonly ntp: Scene['clock']['ntp']
}

/**
 * Who, where, with what, by whose clocks. What can't be had is named in `missing`; only an unreachable API server, a refused
 * login and an abort are thrown. The raw bodies come with it, to be kept once there is a spool.
 */
export async function readScene(
  run: RunContext,
  kube: KubeReader,
  local: LocalScene,
): Promise<{ readonly scene: Scene; readonly bodies: readonly RawResponse[] }> {
  const missing: string[] = []
  const bodies: RawResponse[] = []
  const ask = async <Answer>(what: string, question: () => Promise<Answer>): Promise<Answer | undefined> => {
    try {
      return await question()
    } catch (error) {
      if (isCode(error, 'aborted', 'unreachable', 'unauthorized', 'configuration')) throw error
      missing.push(`${what}: ${messageOf(error)}`)
      return undefined
    }
  }
  const field =
    (path: string, ...keys: readonly string[]) =>
    async (): Promise<string | undefined> => {
      const response = await kube.get(path, { signal: run.signal })
      bodies.push(response)
      return asString(at(JSON.parse(response.body.toString('utf8')), ...keys))
    }
  const version = await ask('version of the API server', field('/version', 'gitVersion'))
  const clusterUid = await ask(
    'identity of the cluster',
    field('/api/v1/namespaces/kube-system', 'metadata', 'uid'),
  )
  const identity = await ask('who we are', () => kube.whoAmI(run.signal))
  if (identity === undefined && !missing.some((line) => line.startsWith('who we are'))) {
    missing.push('who we are: this API server has no SelfSubjectReview (before Kubernetes 1.26)')
  }
  const offset = clockOffset(kube.facts.clockSamples())
  const { facts } = kube
  const scene: Scene = {
    schema: 'impound/scene/v1',
    case: local.case,
    run: local.run,
    command: local.command,
    who: {
      ...(identity === undefined ? {} : { user: identity.user, groups: identity.groups }),
      ...(facts.impersonating === undefined ? {} : { impersonating: facts.impersonating }),
      osUser: local.osUser,
      hostname: local.hostname,
      ...(local.examiner === undefined ? {} : { examiner: local.examiner }),
      ...(local.authority === undefined ? {} : { authority: local.authority }),
    },
    where: {
      context: facts.context,
      server: facts.url,
      ...(clusterUid === undefined ? {} : { clusterUid }),
      ...(version === undefined ? {} : { version }),
      tlsChainSha256: facts.tlsChainSha256(),
    },
    tool: local.tool,
    clock: {
      local: run.clock.now().toISOString(),
      utcOffsetMinutes: local.utcOffsetMinutes,
      ...(offset === undefined ? {} : { apiServerOffsetMs: offset }),
      ntp: local.ntp,
    },
    missing,
  }
  return { scene, bodies }
}

/**
 * API server minus local clock, ms: each sample bounds it, so together their intersection does. Samples that contradict each
 * other (a clock was set in between) give the widest interval instead of an empty one.
 */
export function clockOffset(
  samples: readonly { readonly min: number; readonly max: number }[],
): Scene['clock']['apiServerOffsetMs'] | undefined {
  if (samples.length === 0) return undefined
  const low = samples.map(({ min }) => min)
  const high = samples.map(({ max }) => max)
  const [min, max] = [Math.max(...low), Math.min(...high)]
  return min <= max
    ? { min, max, samples: samples.length }
    : { min: Math.min(...low), max: Math.max(...high), samples: samples.length }
}
