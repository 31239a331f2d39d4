import { randomBytes } from 'node:crypto'

import { connect, type KubeConnection } from '../../../src/kube/connect.js'
import { clock } from './scene.js'

export function connection(kubeconfig: string): Promise<KubeConnection> {
  return connect({
    kubeconfig,
    requestTimeoutMs: 30_000,
    clock,
    random: randomBytes,
    notice: (line) => process.stderr.write(`${line}\n`),
  })
}

export const STALL_MS = 30_000
export const MAX_BYTES = 2 ** 40
