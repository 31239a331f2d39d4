import type { ConnectOptions, KubeConnection } from './contract.js'

export type { ConnectOptions, KubeConnection } from './contract.js'

/**
 * The cluster of a kubeconfig's context. Sends nothing yet: the first request connects, and runs the credential plugin.
 * Throws `configuration`.
 */
export async function connect(options: ConnectOptions): Promise<KubeConnection> {
  // commands without a cluster must not pay for loading client-node
  const { openConnection } = await import('./connection.js')
  return openConnection(options)
}
