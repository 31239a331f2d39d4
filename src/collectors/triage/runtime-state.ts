import { asString, at } from '../../model/json.js'
import type { TriageContainer } from '../../model/node-triage-document.js'

type Named = Omit<TriageContainer, 'processes' | 'inApi'>

/** A state file of one container: larger is none. */
export const MOST_STATE_BYTES = 1 << 20

/** Folders in which runtimes keep a file for each container; the second of the last three is its ID. */
const ID = /\/([0-9a-f]{64})\/(?:userdata\/)?config(?:\.v2)?\.json$/

/** The ID in the path of a runtime's file about a container. */
export function idOfState(path: string): string | undefined {
  return ID.exec(path)?.[1]
}

/**
 * What a runtime's own file says of a container: the OCI configuration of containerd and CRI-O with their annotations, or Docker's
 * config.v2.json with its labels. A file that is neither leaves the ID alone.
 */
export function containerFrom(id: string, path: string, content: Buffer): Named {
  const named = { id, state: path }
  let config: unknown
  try {
    config = JSON.parse(content.toString('utf8'))
  } catch {
    return named
  }
  const annotation = (...keys: readonly string[]): string | undefined => {
    for (const key of keys) {
      const value = asString(at(config, 'annotations', key)) ?? asString(at(config, 'Config', 'Labels', key))
      if (value !== undefined && value !== '') return value.slice(0, 300)
    }
    return undefined
  }
  const facts = {
    type: annotation(
      'io.kubernetes.cri.container-type',
      'io.kubernetes.cri-o.ContainerType',
      'io.kubernetes.docker.type',
    ),
    podNamespace: annotation('io.kubernetes.cri.sandbox-namespace', 'io.kubernetes.pod.namespace'),
    podName: annotation('io.kubernetes.cri.sandbox-name', 'io.kubernetes.pod.name'),
    podUid: annotation('io.kubernetes.cri.sandbox-uid', 'io.kubernetes.pod.uid'),
    image:
      annotation('io.kubernetes.cri.image-name', 'io.kubernetes.cri-o.ImageName') ??
      asString(at(config, 'Config', 'Image'))?.slice(0, 300),
  }
  return { ...named, ...Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) }
}
