import type { AccessRule } from '../model/api-path.js'
import type { WriteContext } from '../model/containment.js'
import { isCode, messageOf } from '../model/errors.js'
import type { Pod, Service } from '../model/kubernetes.js'
import { onNode, parseProbe } from './network-probe.js'
import { judgeProbe, type NetworkFinding } from './network-verdict.js'
import { anyContainer, nodeAddresses, sessionFor } from './node-action.js'
import { readObject } from './reading.js'

export const KUBELET_PORT = 10_250
export const METADATA = '169.254.169.254:80'
const DESTINATIONS = [
  { namespace: 'default', name: 'kubernetes' },
  { namespace: 'kube-system', name: 'kube-dns' },
] as const

/** What it takes to know the addresses of the API server and of the cluster's DNS. */
export const TRY_ACCESS: readonly AccessRule[] = DESTINATIONS.map(
  (service) => ({ verb: 'get', group: '', resource: 'services', ...service }) as const,
)

/** Sockets of ours have ports from here on: above what kernels give to clients by default, 32768 to 60999. */
const FIRST_PORT = 61_000
const OWN_PORTS = Array.from({ length: 8 }, (_, at) => FIRST_PORT + at)

/**
 * Tries from the suspect's own network namespace, by a pod on its node, what it still reaches and who reaches it. Where such a pod may
 * not run or fails, nothing was tried, and why is said. IPv4 only.
 */
export async function tryNetwork(
  context: WriteContext,
  pod: Pod,
  script: string,
  cutsOpenOnes: boolean,
): Promise<NetworkFinding> {
  try {
    const session = await sessionFor(context, pod)
    const services = await destinations(context)
    const [node] = nodeAddresses(pod).filter(isIPv4)
    const args = [
      anyContainer(pod),
      isIPv4(pod.status?.podIP ?? '') ? (pod.status?.podIP ?? '') : '',
      String(FIRST_PORT),
      ...services,
      `metadata:${METADATA}`,
      ...(node === undefined ? [] : [`node:${node}:${KUBELET_PORT}`]),
    ]
    const text = await onNode(session, 'probe-network', script, args, context.run.signal)
    return judgeProbe(parseProbe(text, OWN_PORTS), {
      by: "from the pod's own network",
      words: ['the pod', 'elsewhere it'],
      cutsOpenOnes,
      established: 'not-known',
    })
  } catch (error) {
    if (isCode(error, 'aborted', 'storage', 'bug')) throw error
    const why = isCode(error, 'refused')
      ? "accepted by the API server; nothing was tried from the pod's network"
      : `accepted by the API server; trying it from the pod's network failed: ${messageOf(error)}`
    return { outcome: 'not-tried', why, tried: [], open: [] }
  }
}

/** The API server and the cluster's DNS, by their Services. One that can't be read is not tried. */
export async function destinations(context: WriteContext): Promise<readonly string[]> {
  const found = await Promise.all(
    DESTINATIONS.map(({ namespace, name }) => serviceAddress(context, namespace, name)),
  )
  const [api, dns] = found
  return [...(api === undefined ? [] : [`api:${api}:443`]), ...(dns === undefined ? [] : [`dns:${dns}:53`])]
}

async function serviceAddress(
  { kube, run }: WriteContext,
  namespace: string,
  name: string,
): Promise<string | undefined> {
  try {
    const path = { group: '', version: 'v1', resource: 'services', namespace, name }
    const address = (await readObject<Service>(kube, path, run.signal))?.spec?.clusterIP ?? ''
    return isIPv4(address) ? address : undefined
  } catch (error) {
    if (isCode(error, 'aborted')) throw error
    return undefined
  }
}

export function isIPv4(text: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)
}
