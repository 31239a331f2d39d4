import { isCode } from '../model/errors.js'
import { asArray, asString, at } from '../model/json.js'
import type { Attachment, Descriptor } from '../model/ports/registry.js'
import type { RegistryClient } from './client.js'
import { headerOf } from './http.js'
import { DOCUMENT_LIMIT, MANIFEST_TYPES, parsedJson, parseManifest } from './manifest.js'
import { isDigest } from './reference.js'

/** What is told of one image at most. */
const MOST = 200
/** The tags that cosign leaves beside an image, by their ends. */
const COSIGN = { '.sig': 'signature', '.att': 'attestation', '.sbom': 'sbom' } as const

/**
 * What is attached to a manifest or an index: by the referrers API, or where there is none by its tag, and by cosign's tags.
 * Nothing of it is verified. Source: OCI distribution-spec 1.1, listing referrers and the referrers tag schema; cosign's
 * tag-based discovery.
 */
export async function attachmentsOf(
  client: RegistryClient,
  repository: string,
  digest: string,
  signal: AbortSignal,
): Promise<readonly Attachment[]> {
  const tag = digest.replace(':', '-')
  const found = [
    ...((await listed(client, repository, `referrers/${digest}`, 'referrers-api', signal)) ??
      (await listed(client, repository, `manifests/${tag}`, 'referrers-tag', signal)) ??
      []),
  ]
  for (const [end, kind] of Object.entries(COSIGN)) {
    const descriptor = await headOf(client, repository, `manifests/${tag}${end}`, signal)
    if (descriptor !== undefined) found.push({ ...descriptor, kind, subject: digest, foundBy: 'cosign-tag' })
  }
  return found.slice(0, MOST)
}

/** Undefined where there is no such list. */
async function listed(
  client: RegistryClient,
  repository: string,
  path: string,
  foundBy: Attachment['foundBy'],
  signal: AbortSignal,
): Promise<readonly Attachment[] | undefined> {
  const headers = { accept: MANIFEST_TYPES[0] }
  const answer = await client
    .document({ method: 'GET', repository, path, headers, signal }, DOCUMENT_LIMIT)
    .catch(absent)
  if (answer === undefined) return undefined
  const index = parseManifest(answer.bytes)
  if (index.kind !== 'index') return undefined
  const entries = asArray(at(parsedJson(answer.bytes, 'list of referrers'), 'manifests'))
  const subject = path.replace(/^[^/]+\//, '').replace(/^(sha\d+)-/, '$1:')
  return index.manifests.map(({ descriptor }, position) => {
    const artifactType = asString(at(entries[position], 'artifactType'))
    return {
      ...descriptor,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...{ kind: kindOf(artifactType ?? ''), subject, foundBy },
    }
  })
}

async function headOf(
  client: RegistryClient,
  repository: string,
  path: string,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  const headers = { accept: MANIFEST_TYPES.join(', ') }
  const answer = await client.ask({ method: 'HEAD', repository, path, headers, signal }).catch(absent)
  if (answer === undefined) return undefined
  await answer.body.dump()
  const digest = headerOf(answer, 'docker-content-digest') ?? ''
  const size = Number(headerOf(answer, 'content-length') ?? Number.NaN)
  if (!isDigest(digest) || !Number.isSafeInteger(size)) return undefined
  return { mediaType: headerOf(answer, 'content-type') ?? '', digest, size }
}

/** Registries say in several ways that they have no such thing. */
function absent(error: unknown): undefined {
  const isNoApi = isCode(error, 'server') && [400, 405, 501].includes(error.httpStatus ?? 0)
  if (isCode(error, 'not-found') || isNoApi) return undefined
  throw error
}

function kindOf(artifactType: string): Attachment['kind'] {
  if (/spdx|cyclonedx|sbom|syft/i.test(artifactType)) return 'sbom'
  if (/cosign.*sig|signature|notary|sigstore\.bundle/i.test(artifactType)) return 'signature'
  if (/in-toto|attestation|provenance|slsa/i.test(artifactType)) return 'attestation'
  return 'other'
}
