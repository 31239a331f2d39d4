import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

import { LayerCache } from '../filesystem/layer-cache.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { Registry } from '../model/ports/registry.js'
import { pullSecretsOf, type Target } from '../model/target.js'
import {
  createRegistry,
  type CredentialSource,
  openDockerConfig,
  type ImageArchive,
  openImageArchive,
  parseRegistryPolicy,
  pullSecret,
} from '../registry/index.js'
import type { Progress } from './progress.js'
import { cacheDirectory } from './system.js'

/** Longest that a credential helper may take: one that asks a cloud takes seconds, one that opens a window waits for ever. */
const HELPER_DEADLINE_MS = 20_000

/** Where a run's images come from. */
export interface ImageRequest {
  /** Values of --registry. */
  readonly registry: readonly string[]
  /** A docker configuration; the user's own where it is absent. */
  readonly registryConfig?: string
  /** Whether registries may be shown the pull secrets that the pod names. */
  readonly usePullSecrets: boolean
  /** OCI layouts and docker-archives in which images are looked for first. */
  readonly imageArchives: readonly string[]
}

/** What is known of image layers from earlier runs. */
export function layerCache(): LayerCache {
  return new LayerCache({ directory: join(cacheDirectory(), 'layers'), owner: process.getuid?.() })
}

/** Gives each target its registry: with its pull secrets, where those may be used. */
export type RegistryFor = (target: Target, kube: KubeReader) => Registry

/** Throws `usage` for what --registry can't mean, `configuration` for a docker configuration that was named and can't be read or is none. */
export async function openImages(
  request: ImageRequest,
  timeoutMs: number,
  signal: AbortSignal,
  progress: Progress,
): Promise<RegistryFor> {
  const policy = parseRegistryPolicy(request.registry)
  const notice = (text: string): void => progress({ type: 'notice', text })
  const credentials = await dockerConfig(request.registryConfig, notice)
  const archives: ImageArchive[] = []
  for (const path of request.imageArchives) archives.push(await openImageArchive(path, signal))
  const shared = createRegistry({ policy, timeoutMs, notice, credentials, archives })
  return (target, kube) => {
    const secrets = request.usePullSecrets ? pullSecretsOf(target.pod) : []
    if (secrets.length === 0) return shared
    const own = secrets.map((name) => pullSecret(name, (signal) => secretOf(kube, target, name, signal)))
    const both = [...credentials, ...own]
    return createRegistry({ policy, timeoutMs, notice, archives, credentials: both })
  }
}

/** Its bytes go to no artefact: what opens a registry is not evidence. */
async function secretOf(
  kube: KubeReader,
  { namespace }: Target,
  name: string,
  signal: AbortSignal,
): Promise<unknown> {
  const path = { group: '', version: 'v1', resource: 'secrets', namespace, name }
  const { body } = await kube.get(path, { signal })
  return JSON.parse(body.toString('utf8'))
}

/** The docker configuration that was named, else the user's own; a fault of that one is told and passed over. */
export async function dockerConfig(
  named: string | undefined,
  notice: (text: string) => void,
): Promise<readonly CredentialSource[]> {
  const helpers = { env: process.env, deadlineMs: HELPER_DEADLINE_MS }
  if (named !== undefined) return [await openDockerConfig(named, helpers)]
  const folder = process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker')
  const file = join(folder, 'config.json')
  if (!existsSync(file)) return []
  try {
    return [await openDockerConfig(file, helpers)]
  } catch (error) {
    notice(`${error instanceof Error ? error.message : String(error)}; registries are asked without it`)
    return []
  }
}
