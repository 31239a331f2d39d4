import type { ConnectOptions, KubeConnection } from './contract.js'
import { leanImport } from './lean-import.js'

export type { ConnectOptions, KubeConnection } from './contract.js'

/**
 * The cluster of a kubeconfig's context. Sends nothing yet: the first request connects, and runs the credential plugin.
 * Throws `configuration`.
 */
export async function connect(options: ConnectOptions): Promise<KubeConnection> {
  // commands without a cluster must not pay for loading client-node
  const { openConnection } = await leanImport(() => import('./connection.js'))
  return openConnection(options)
}
