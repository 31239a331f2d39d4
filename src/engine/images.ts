import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

import type { KubeReader } from '../model/ports/kube-reader.js'
import type { Registry } from '../model/ports/registry.js'
import { pullSecretsOf, type Target } from '../model/target.js'
import {
  createRegistry,
  type CredentialSource,
  openDockerConfig,
  parseRegistryPolicy,
  pullSecret,
} from '../registry/index.js'
import type { Progress } from './progress.js'

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
}

/** Gives each target its registry: with its pull secrets, where those may be used. */
export type RegistryFor = (target: Target, kube: KubeReader) => Registry

/** Throws `usage` for what --registry can't mean, `configuration` for a docker configuration that was named and can't be read. */
export async function openImages(
  request: ImageRequest,
  timeoutMs: number,
  progress: Progress,
): Promise<RegistryFor> {
  const policy = parseRegistryPolicy(request.registry)
  const notice = (text: string): void => progress({ type: 'notice', text })
  const credentials = await dockerConfig(request.registryConfig, notice)
  const shared = createRegistry({ policy, timeoutMs, notice, credentials })
  return (target, kube) => {
    const secrets = request.usePullSecrets ? pullSecretsOf(target.pod) : []
    if (secrets.length === 0) return shared
    const own = secrets.map((name) => pullSecret(name, (signal) => secretOf(kube, target, name, signal)))
    return createRegistry({ policy, timeoutMs, notice, credentials: [...credentials, ...own] })
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

async function dockerConfig(
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
