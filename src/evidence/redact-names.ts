/** Last words of names that are about a secret and hold none: where it lies, how long it lives. */
const ABOUT = new Set(
  (
    'algorithm audience count dir directory enabled expiration expiry file interval issuer kind ' +
    'length mode name names namespace path provider ref rotation seconds size timeout ttl type ' +
    'version'
  ).split(' '),
)

const ANYWHERE =
  /passw|passphrase|secret|token|credential|api_?key|access_?key|private_?key|account_?key|(?:encryption|signing|master|shared|auth|ssh|tls|ssl|license)_?key/
/** Part of every name that the rules below could take for a secret's: most names have none of it. */
const HINT = /pass|secret|token|cred|key|auth|cookie|jwt|pwd|bearer|pin|otp/i
const WORDS = new Set(['authorization', 'cookie', 'creds', 'jwt', 'pwd', 'bearer'])
const LAST_WORDS = new Set(['pass', 'auth', 'pin', 'otp'])

/** Whether an environment variable, flag or header of this name holds a secret: DB_PASSWORD, apiKey, --auth-token, KEY. */
export function isSecretName(name: string): boolean {
  return namesSecret(name, true)
}

/**
 * The same for a key of an object, where `key` and `topologyKey` are Kubernetes' words for a name and hold none.
 */
export function isSecretKey(name: string): boolean {
  return namesSecret(name, false)
}

function namesSecret(name: string, orAnyKey: boolean): boolean {
  if (name.length > 256 || !HINT.test(name)) return false
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  const last = words.at(-1) ?? ''
  if (ABOUT.has(last) || words.includes('public')) return false
  return (
    ANYWHERE.test(words.join('_')) ||
    words.some((word) => WORDS.has(word)) ||
    LAST_WORDS.has(last) ||
    (orAnyKey && (last === 'key' || last === 'keys'))
  )
}
