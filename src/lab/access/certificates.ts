import { generate } from 'selfsigned'

/** PEM. */
export interface KeyPair {
  readonly key: string
  readonly certificate: string
}

/** The lab's own certificate authority: nothing outside this process trusts it. */
export interface Authority {
  readonly certificate: string
  server(): Promise<KeyPair>
  /** A client certificate, which names its user and groups as CN and O. */
  client(user: string, groups: readonly string[]): Promise<KeyPair>
}

const DAY_MS = 24 * 60 * 60 * 1000

export async function createAuthority(now: Date): Promise<Authority> {
  const common = {
    keyType: 'ec' as const,
    algorithm: 'sha256',
    notBeforeDate: new Date(now.getTime() - DAY_MS),
    notAfterDate: new Date(now.getTime() + 365 * DAY_MS),
  }
  const ca = await generate([{ name: 'commonName', value: 'impound-lab-ca' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
    ],
  })
  const issued = { ...common, ca: { key: ca.private, cert: ca.cert } }
  const digitalSignature = { name: 'keyUsage' as const, digitalSignature: true, critical: true }

  return {
    certificate: ca.cert,
    server: async () => {
      const pair = await generate([{ name: 'commonName', value: 'kube-apiserver' }], {
        ...issued,
        extensions: [
          digitalSignature,
          { name: 'extKeyUsage', serverAuth: true },
          {
            name: 'subjectAltName',
            altNames: [
              { type: 2, value: 'localhost' },
              { type: 2, value: 'kubernetes.default' },
              { type: 7, ip: '127.0.0.1' },
            ],
          },
        ],
      })
      return { key: pair.private, certificate: pair.cert }
    },
    client: async (user, groups) => {
      const names = [
        ...groups.map((value) => ({ name: 'organizationName', value })),
        { name: 'commonName', value: user },
      ]
      const pair = await generate(names, {
        ...issued,
        extensions: [digitalSignature, { name: 'extKeyUsage', clientAuth: true }],
      })
      return { key: pair.private, certificate: pair.cert }
    },
  }
}
