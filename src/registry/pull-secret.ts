import { asString, at } from '../model/json.js'
import { readAuths } from './auths.js'
import { credentialFor, type CredentialSource, type NamedCredential } from './credential.js'

/**
 * The credentials in a pull secret, read when a registry first asks for some: `read` gives the Secret as the API has it.
 * Only `auths` is believed: a helper is a program of this machine, and the Secret is not from here. Throws what `read` throws.
 */
export function pullSecret(name: string, read: (signal: AbortSignal) => Promise<unknown>): CredentialSource {
  let entries: Promise<readonly NamedCredential[]> | undefined
  return {
    name: `the pull secret ${name}`,
    async find(server, repository, signal) {
      entries ??= read(signal).then(entriesOf)
      return credentialFor(await entries, server, repository)
    },
  }
}

function entriesOf(secret: unknown): readonly NamedCredential[] {
  const config = decoded(at(secret, 'data', '.dockerconfigjson'))
  return [...readAuths(at(config, 'auths')), ...readAuths(decoded(at(secret, 'data', '.dockercfg')))]
}

function decoded(value: unknown): unknown {
  const text = asString(value)
  if (text === undefined) return undefined
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
  } catch {
    return undefined
  }
}
