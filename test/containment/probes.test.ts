import { describe, expect, it } from '@jest/globals'

import { probePlans, probeWarnings } from '../../src/containment/probes.js'
import type { Container, Pod } from '../../src/model/kubernetes.js'

function podWith(container: Container, list: 'containers' | 'initContainers' = 'containers'): Pod {
  return { spec: { [list]: [{ name: 'app', ...container }] }, status: { podIP: '10.0.3.9' } }
}

describe('a probe of the kubelet after the cut', () => {
  it.each([
    ['a port', { tcpSocket: { port: 80 } }, 'tcp', 'goes-on'],
    ['an HTTP endpoint', { httpGet: { path: '/', port: 80 } }, 'http', 'not-known'],
    ['an HTTP endpoint by the pod’s address', { httpGet: { host: '10.0.3.9' } }, 'http', 'not-known'],
    ['another host', { httpGet: { host: 'status.example' } }, 'http', 'goes-on'],
    ['gRPC', { grpc: { port: 9000 } }, 'grpc', 'not-known'],
    ['a program', { exec: { command: ['pg_isready'] } }, 'exec', 'not-known'],
    [
      'a program that asks itself',
      { exec: { command: ['curl', '-f', 'http://127.0.0.1/h'] } },
      'exec',
      'not-known',
    ],
    [
      'a program that asks elsewhere',
      { exec: { command: ['sh', '-c', 'curl -f https://u:p@db.shop.svc:8443/h'] } },
      'exec',
      'fails',
    ],
    ['something new', { teapot: {} }, 'not-known', 'not-known'],
  ])('that asks %s', (_what, livenessProbe, by, outlook) => {
    expect(probePlans(podWith({ livenessProbe }))).toMatchObject([
      { container: 'app', probe: 'liveness', by, outlook },
    ])
  })

  it('kills a container after as many failures as its spec says, by the defaults of Kubernetes where it says nothing', () => {
    const exec = { command: ['true'] }
    const [own] = probePlans(podWith({ livenessProbe: { exec, periodSeconds: 5, failureThreshold: 2 } }))
    const [plain] = probePlans(podWith({ livenessProbe: { exec } }))
    expect([own?.killsAfterSeconds, plain?.killsAfterSeconds]).toEqual([10, 30])
  })

  it('never kills by readiness, nor where the cut does not touch it', () => {
    const plans = probePlans(podWith({ readinessProbe: { grpc: {} }, livenessProbe: { tcpSocket: {} } }))
    expect(plans.map(({ killsAfterSeconds }) => killsAfterSeconds)).toEqual([undefined, undefined])
  })

  it('is one of sidecars too, and not of init containers that have ended', () => {
    const livenessProbe = { tcpSocket: {} }
    expect(probePlans(podWith({ livenessProbe, restartPolicy: 'Always' }, 'initContainers'))).toHaveLength(1)
    expect(probePlans(podWith({ livenessProbe }, 'initContainers'))).toEqual([])
  })

  it('is a warning where it may cost the memory, and none where it goes on', () => {
    const warnings = (container: Container): string =>
      probeWarnings(probePlans(podWith(container))).join('\n')
    expect(warnings({ livenessProbe: { tcpSocket: {} } })).toBe('')
    expect(warnings({ livenessProbe: { exec: { command: ['curl', 'http://db:5432'] } } })).toBe(
      'liveness probe of container app fails after the cut (it runs in the container and asks db): the container is killed about 30 s after the cut, and its memory is lost',
    )
    expect(warnings({ readinessProbe: { exec: { command: ['wget', 'http://db'] } } })).toContain(
      'no longer Ready',
    )
    expect(warnings({ startupProbe: { httpGet: {} } })).toContain('may not come up again')
    expect(warnings({ readinessProbe: { httpGet: {} } })).toBe('')
  })
})
