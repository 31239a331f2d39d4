import { ImpoundError } from '../model/errors.js'
import type { Platform, Registry, ResolvedImage, WantedImage } from '../model/ports/registry.js'

/** What a runtime says it runs. */
export interface RunningImage {
  /** A repository with digest that can be asked for; undefined where the ID is a bare digest. */
  readonly reference: string | undefined
  /** Of a manifest or an index; of a config where `reference` is undefined. */
  readonly digest: string | undefined
}

/**
 * Reads status.imageID: 'docker-pullable://repo@sha256:…', 'repo@sha256:…' (a manifest or an index), or
 * 'docker://sha256:…' and 'sha256:…' (the image's config, of which no registry knows where it belongs).
 */
export function parseImageID(imageID: string): RunningImage {
  const bare = imageID.replace(/^[a-z-]+:\/\//, '')
  const digest = /(?:^|@)(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.exec(bare)?.[1]
  return { reference: digest !== undefined && bare.includes('@') ? bare : undefined, digest }
}

/** The repository of a reference, without tag and digest. */
export function repositoryOf(reference: string): string {
  const named = reference.split('@', 1)[0] ?? ''
  return named.replace(/:[^:/]*$/, '')
}

/** The tag of a reference: 'latest' where it has neither tag nor digest, undefined where it has a digest alone. */
export function tagOf(reference: string): string | undefined {
  const [named = '', digest] = reference.split('@')
  return /:([^:/]+)$/.exec(named)?.[1] ?? (digest === undefined ? 'latest' : undefined)
}

/**
 * References under which a running image may be found, best first: the spec's repository by the digest that runs, what the
 * image ID names, and, where only a config's digest is known, the spec's reference as it resolves now.
 */
export function candidates(specReference: string, imageID: string): readonly string[] {
  const running = parseImageID(imageID)
  if (running.reference === undefined || running.digest === undefined)
    return specReference === '' ? [] : [specReference]
  const bySpec = specReference === '' ? [] : [`${repositoryOf(specReference)}@${running.digest}`]
  return [...new Set([...bySpec, running.reference])]
}

/** What to look for in archives: the digest that runs, whatever it is of, and the reference. */
export function wantedImage(specReference: string, imageID: string): WantedImage {
  return { digest: parseImageID(imageID).digest, reference: specReference }
}

/**
 * The image that a container runs, from the files that the user gave, else from the registries that may be asked. Throws the error of the best reference when none
 * gives it; `integrity` where a config's digest is known and the reference now stands for another image.
 */
export async function findImage(
  registry: Registry,
  specReference: string,
  imageID: string,
  platform: Platform,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const archived = registry.archived(wantedImage(specReference, imageID), platform)
  if (archived !== undefined) return archived
  const running = parseImageID(imageID)
  let failure: unknown
  for (const reference of candidates(specReference, imageID)) {
    try {
      const image = await registry.resolve(reference, platform, signal)
      if (running.reference !== undefined || running.digest === undefined) return image
      if (image.config.descriptor.digest === running.digest) return image
      throw new ImpoundError(
        'not-found',
        `${reference} stands for another image now; the one that runs has the config ${running.digest}`,
      )
    } catch (error) {
      if (signal.aborted) throw error
      failure ??= error
    }
  }
  if (failure instanceof Error) throw failure
  throw new ImpoundError('unsupported', 'neither the spec nor the status names an image')
}
