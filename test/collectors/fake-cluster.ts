import { urlPath, type ApiPath } from '../../src/model/api-path.js'
import type { CollectContext, RecordedRead, RecordingReader } from '../../src/model/collector.js'
import { ImpoundError, type ErrorCode } from '../../src/model/errors.js'
import type { Json } from '../../src/model/json.js'
import type { Registry } from '../../src/model/ports/registry.js'
import { collectContext } from './collect-context.js'
import type { MemorySink } from './memory-sink.js'

/** What an API server has: an object, or a list as its pages, by URL path. */
export type Cluster = Readonly<Record<string, Json | { readonly pages: readonly (readonly Json[])[] }>>

/** A context of which the API answers from `cluster`; paths that `fails` names fail so, and others are not found. */
export function clusterContext(
  sink: MemorySink,
  cluster: Cluster,
  fails: Readonly<Record<string, ErrorCode>> = {},
): CollectContext & { readonly asked: string[] } {
  const asked: string[] = []
  const recorded = (json: Json): RecordedRead => ({
    artefact: `data/api/${asked.length}.json`,
    response: {} as RecordedRead['response'],
    json,
  })
  const ask = (path: ApiPath | string): Cluster[string] => {
    const url = typeof path === 'string' ? path : urlPath(path)
    asked.push(url)
    const code = fails[url]
    if (code !== undefined) throw new ImpoundError(code, `${url}: ${code}`)
    const answer = cluster[url]
    if (answer === undefined) throw new ImpoundError('not-found', `${url} not found`)
    return answer
  }
  const api: RecordingReader = {
    discover: () => Promise.reject(new Error('not part of this test')),
    get: async (path) => recorded(ask(path)),
    list: async (path) => {
      const { pages } = ask(path) as { readonly pages: readonly (readonly Json[])[] }
      return pages.map((items) => recorded({ items }))
    },
  }
  const base = collectContext({ registry: {} as unknown as Registry, sink })
  return { ...base, phase: 'read', api, now: api, asked }
}
