/** Planted secrets. Each has a core of letters and digits only, which survives JSON, URL and HTML escaping. */
const DB_CORE = 'Canary7f3aDbPassw0rd41e8'

export const DB_PASSWORD = `k"8\\${DB_CORE}&/=`
export const AWS_ACCESS_KEY_ID = 'AKIACANARY5QX2W7LMR3'
export const AWS_SECRET_ACCESS_KEY = 'Canary9Zq4TnB7sKx2Lw8Vr5Yd1Hg6Mc3Jf0Pe9A'
export const SESSION_SIGNING_KEY = 'CanaryS1gn1ngK3yOnlyInTheSecretObject52d'

/**
 * What must not be found in a redacted archive's API documents, raw or base64: literal secrets in env values, in a
 * connection URL, and in the last-applied annotation that repeats them; the last one only in a Secret's data.
 */
export const SHOP_CANARIES: readonly string[] = [
  DB_CORE,
  AWS_ACCESS_KEY_ID,
  AWS_SECRET_ACCESS_KEY,
  SESSION_SIGNING_KEY,
]
