import { readFile } from 'node:fs/promises'

import { parse } from 'yaml'

import type { Access } from '../lab/client.js'

interface Config {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string }
  }[]
  readonly users: readonly {
    readonly user: {
      readonly token?: string
      readonly 'client-certificate-data'?: string
      readonly 'client-key-data'?: string
    }
  }[]
}

/** For raw HTTPS, past all of impound: what the only cluster and the only user of a kubeconfig say. */
export async function wireAccess(kubeconfig: string): Promise<Access> {
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8')) as Config
  const [cluster, user] = [clusters[0]!.cluster, users[0]!.user]
  const decoded = (text: string | undefined): Buffer | undefined =>
    text === undefined ? undefined : Buffer.from(text, 'base64')
  return {
    server: cluster.server,
    ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
    token: user.token,
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
  }
}
