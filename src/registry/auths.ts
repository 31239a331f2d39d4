import { asObject, asString, at } from '../model/json.js'
import type { Credential, NamedCredential } from './credential.js'

/**
 * The `auths` of a docker configuration, or of a pull secret, which has the same form. Entries that open nothing (left by
 * a login whose secret lies with a helper) are passed over, as is what is malformed. Source: docker/cli, config file;
 * Kubernetes, Secret types dockercfg and dockerconfigjson.
 */
export function readAuths(auths: unknown): readonly NamedCredential[] {
  return Object.entries(asObject(auths) ?? {}).flatMap(([place, entry]) => {
    const credential = credentialOf(entry)
    return credential === undefined ? [] : [{ place, credential }]
  })
}

function credentialOf(entry: unknown): Credential | undefined {
  const registryToken = asString(at(entry, 'registrytoken'))
  if (registryToken !== undefined && registryToken !== '') return { kind: 'bearer', token: registryToken }
  const identityToken = asString(at(entry, 'identitytoken'))
  if (identityToken !== undefined && identityToken !== '') return { kind: 'identity', token: identityToken }
  const packed = Buffer.from(asString(at(entry, 'auth')) ?? '', 'base64').toString('utf8')
  const colon = packed.indexOf(':')
  const [username, password] =
    colon === -1
      ? [asString(at(entry, 'username')) ?? '', asString(at(entry, 'password')) ?? '']
      : // docker itself fills the end with NULs
        [packed.slice(0, colon), packed.slice(colon + 1).replace(/\0+$/, '')]
  return username === '' && password === '' ? undefined : { kind: 'basic', username, password }
}
