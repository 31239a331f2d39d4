import { readFile, stat } from 'node:fs/promises'

import { ImpoundError } from '../model/errors.js'
import { asObject, asString } from '../model/json.js'
import { readAuths } from './auths.js'
import { askHelper, type HelperMeans } from './credential-helper.js'
import { credentialFor, placeOf, type CredentialSource } from './credential.js'

const LIMIT = 1 << 20
/** The name that helpers keep Docker Hub's under. */
const DOCKER_HUB = 'https://index.docker.io/v1/'

/**
 * The credentials of a docker configuration (also podman's auth.json): `credHelpers`, then `auths`, then `credsStore`. Throws `configuration` where the file can't be read or is none.
 */
export async function openDockerConfig(file: string, means: HelperMeans): Promise<CredentialSource> {
  const config = await parsed(file)
  const auths = readAuths(config['auths'])
  const helpers = new Map(
    Object.entries(asObject(config['credHelpers']) ?? {}).map(([place, name]) => [placeOf(place).host, name]),
  )
  const store = asString(config['credsStore'])
  return {
    name: 'the docker configuration',
    async find(server, repository, signal) {
      const helper = asString(helpers.get(server) ?? undefined)
      const asked = server === 'docker.io' ? DOCKER_HUB : server
      if (helper !== undefined) return askHelper(helper, asked, means, signal)
      const own = credentialFor(auths, server, repository)
      if (own !== undefined || store === undefined || store === '') return own
      return askHelper(store, asked, means, signal)
    },
  }
}

async function parsed(file: string): Promise<Readonly<Record<string, unknown>>> {
  const wrong = (how: string, cause?: unknown): ImpoundError =>
    new ImpoundError('configuration', `the docker configuration ${file} ${how}`, {
      cause,
      hints: ['name another one with --registry-config FILE'],
    })
  let text: string
  try {
    const facts = await stat(file)
    if (!facts.isFile() || facts.size > LIMIT) throw wrong('is no file of at most 1 MiB')
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof ImpoundError) throw error
    throw wrong('can not be read', error)
  }
  try {
    const config = asObject(JSON.parse(text))
    if (config !== undefined) return config
  } catch (cause) {
    throw wrong('is no JSON', cause)
  }
  throw wrong('is no JSON object')
}
