import { asArray, asNumber, asString, at } from '../model/json.js'
import type { Container, Pod } from '../model/kubernetes.js'
import type { ProbePlan } from '../model/quarantine-plan.js'

const KINDS = [
  ['liveness', 'livenessProbe'],
  ['readiness', 'readinessProbe'],
  ['startup', 'startupProbe'],
] as const

/**
 * What becomes of each probe once the pod has no network. The kubelet asks from the node, which the cut leaves: only what the
 * asked endpoint or program itself needs can fail, and that is mostly not to be seen from here.
 */
export function probePlans(pod: Pod): readonly ProbePlan[] {
  const containers = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ]
  return containers.flatMap((container) =>
    KINDS.flatMap(([probe, key]) => {
      const spec = container[key]
      return spec === undefined || spec === null ? [] : [probePlan(pod, container, probe, spec)]
    }),
  )
}

function probePlan(pod: Pod, { name = '' }: Container, probe: ProbePlan['probe'], spec: unknown): ProbePlan {
  // defaults of core/v1 Probe
  const period = asNumber(at(spec, 'periodSeconds')) ?? 10
  const failures = asNumber(at(spec, 'failureThreshold')) ?? 3
  const seen = outlookOf(pod, spec)
  const kills = probe !== 'readiness' && seen.outlook !== 'goes-on'
  return { container: name, probe, ...seen, ...(kills ? { killsAfterSeconds: period * failures } : {}) }
}

function outlookOf(pod: Pod, spec: unknown): Pick<ProbePlan, 'by' | 'outlook' | 'why'> {
  if (at(spec, 'exec') !== undefined) {
    const far = farHost(asArray(at(spec, 'exec', 'command')).map((word) => asString(word) ?? ''))
    return far === undefined
      ? {
          by: 'exec',
          outlook: 'not-known',
          why: 'it runs in the container: if it needs the network, it fails',
        }
      : { by: 'exec', outlook: 'fails', why: `it runs in the container and asks ${far}` }
  }
  if (at(spec, 'tcpSocket') !== undefined) {
    return {
      by: 'tcp',
      outlook: 'goes-on',
      why: 'the kubelet connects from the node, and needs no more than an open port',
    }
  }
  if (at(spec, 'grpc') !== undefined) return { by: 'grpc', ...ANSWERS }
  if (at(spec, 'httpGet') === undefined) {
    return { by: 'not-known', outlook: 'not-known', why: 'it is of a kind that is not known here' }
  }
  const host = asString(at(spec, 'httpGet', 'host')) ?? ''
  return host === '' || host === pod.status?.podIP
    ? { by: 'http', ...ANSWERS }
    : { by: 'http', outlook: 'goes-on', why: `the kubelet asks ${host}, not the pod` }
}

const ANSWERS = {
  outlook: 'not-known',
  why: 'the kubelet asks from the node; if what answers needs the network, it fails',
} as const

const LOCAL = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|0\.0\.0\.0)$/i
const URL_HOST = /^[a-z][a-z0-9+.-]{0,20}:\/\/(?:[^/@\s]*@)?(\[[0-9a-f:]+\]|[^/:\s?#$`]+)/i

/** A host other than the pod itself that a command names in a URL. */
function farHost(words: readonly string[]): string | undefined {
  for (const word of words.flatMap((each) => each.split(/[\s'"=]+/))) {
    const host = URL_HOST.exec(word)?.[1]
    if (host !== undefined && !LOCAL.test(host)) return host
  }
  return undefined
}

/** What of it the responder should know before the cut: a container that is killed loses its memory. */
export function probeWarnings(plans: readonly ProbePlan[]): readonly string[] {
  return plans.flatMap(({ container, probe, outlook, why, killsAfterSeconds }) => {
    if (outlook === 'goes-on') return []
    const which = `${probe} probe of container ${container}`
    if (probe === 'readiness') {
      return outlook === 'fails' ? [`${which} fails after the cut (${why}): the pod is no longer Ready`] : []
    }
    const time = `about ${killsAfterSeconds ?? 0} s after the cut`
    const lost = 'and its memory is lost'
    if (probe === 'startup') {
      return [`${which}: should the container restart, it may not come up again (${why})`]
    }
    return [
      outlook === 'fails'
        ? `${which} fails after the cut (${why}): the container is killed ${time}, ${lost}`
        : `${which}: if what it asks needs the network, the container is killed ${time}, ${lost}`,
    ]
  })
}
