import { describe, expect, it } from '@jest/globals'

import { referencesCollector } from '../../src/collectors/references.js'
import type { ReferencesDocument } from '../../src/model/access-documents.js'
import type { ErrorCode } from '../../src/model/errors.js'
import { complaints } from '../containment/schemas.js'
import { targetOf } from './collect-context.js'
import { clusterContext, type Cluster } from './fake-cluster.js'
import { MemorySink } from './memory-sink.js'

const TARGET = targetOf({ name: 'app', image: 'x', imageID: 'y' })
const POD = '/api/v1/namespaces/shop/pods/web'
const CLAIM = '/api/v1/namespaces/shop/persistentvolumeclaims/web-data'
const VOLUME = '/api/v1/persistentvolumes/pv-1'
const CONFIG = '/api/v1/namespaces/shop/configmaps/web-config'

const CLUSTER: Cluster = {
  [POD]: {
    metadata: { name: 'web', namespace: 'shop', uid: TARGET.uid },
    spec: {
      imagePullSecrets: [{ name: 'hub' }],
      initContainers: [{ name: 'init', envFrom: [{ secretRef: { name: 'db', optional: true } }] }],
      containers: [
        {
          name: 'app',
          envFrom: [{ configMapRef: { name: 'web-config' } }],
          env: [
            { name: 'KEY', valueFrom: { secretKeyRef: { name: 'session', key: 'k' } } },
            { name: 'LEVEL', valueFrom: { configMapKeyRef: { name: 'web-config', key: 'level' } } },
          ],
          volumeMounts: [
            { name: 'data', mountPath: '/data' },
            { name: 'host', mountPath: '/host', readOnly: true, subPath: 'etc' },
          ],
        },
      ],
      ephemeralContainers: [
        { name: 'debug', env: [{ name: 'T', valueFrom: { secretKeyRef: { name: 'session' } } }] },
      ],
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: 'web-data' } },
        { name: 'host', hostPath: { path: '/' } },
        { name: 'tls', secret: { secretName: 'tls', items: [{ key: 'tls.key', path: 'k' }] } },
        {
          name: 'mix',
          projected: { sources: [{ secret: { name: 'db' } }, { configMap: { name: 'web-config' } }] },
        },
        { name: 'csi', csi: { driver: 'secrets-store.csi.k8s.io', nodePublishSecretRef: { name: 'vault' } } },
        { name: 'tmp', emptyDir: {} },
      ],
    },
  },
  [CONFIG]: { metadata: { uid: 'c' }, data: { level: 'info' }, binaryData: { blob: 'AA==' } },
  [CLAIM]: {
    spec: { volumeName: 'pv-1', accessModes: ['ReadWriteOnce'], storageClassName: 'fast' },
    status: { phase: 'Bound', capacity: { storage: '8Gi' } },
  },
  [VOLUME]: {
    spec: {
      capacity: { storage: '8Gi' },
      csi: { driver: 'ebs.csi.aws.com', volumeHandle: 'vol-0123' },
      claimRef: { name: 'web-data' },
    },
  },
}

async function collect(fails: Readonly<Record<string, ErrorCode>> = {}): Promise<{
  readonly sink: MemorySink
  readonly document: ReferencesDocument
  readonly asked: readonly string[]
}> {
  const sink = new MemorySink()
  const context = clusterContext(sink, CLUSTER, fails)
  await referencesCollector.collect(context, TARGET, sink)
  const document = sink.json('references.json') as ReferencesDocument
  expect(complaints('references', document)).toEqual([])
  return { sink, document, asked: context.asked }
}

describe('the references collector', () => {
  it('names every Secret of the spec and how it is used, and asks for none', async () => {
    const { document, asked } = await collect()
    expect(document.secrets.map(({ name, uses }) => [name, ...uses.map(({ as }) => as)])).toEqual([
      ['db', 'volume mix', 'envFrom of init'],
      ['hub', 'image pull'],
      ['session', 'env KEY of app', 'env T of debug'],
      ['tls', 'volume tls'],
      ['vault', 'volume csi'],
    ])
    expect(asked.filter((path) => path.includes('secret'))).toEqual([])
  })

  it('reads ConfigMaps, claims and what they are on', async () => {
    const { document } = await collect()
    expect(document.configMaps).toEqual([
      {
        name: 'web-config',
        uses: [
          { as: 'volume mix', keys: [], optional: false },
          { as: 'env LEVEL of app', keys: ['level'], optional: false },
          { as: 'envFrom of app', keys: [], optional: false },
        ],
        read: true,
        uid: 'c',
        keys: ['blob', 'level'],
      },
    ])
    expect(document.volumes.map(({ name, type, source }) => [name, type, source])).toEqual([
      ['data', 'persistentVolumeClaim', 'web-data'],
      ['host', 'hostPath', '/'],
      ['tls', 'secret', undefined],
      ['mix', 'projected', undefined],
      ['csi', 'csi', 'secrets-store.csi.k8s.io'],
      ['tmp', 'emptyDir', undefined],
    ])
    expect(document.volumes[0]!.claim).toEqual({
      phase: 'Bound',
      volume: 'pv-1',
      storageClass: 'fast',
      capacity: '8Gi',
      backing: 'csi ebs.csi.aws.com vol-0123',
      accessModes: ['ReadWriteOnce'],
    })
    expect(document.volumes[1]!.mounts).toEqual([
      { container: 'app', path: '/host', readOnly: true, subPath: 'etc' },
    ])
  })

  it.each([
    ['ConfigMap web-config', CONFIG],
    ['claim web-data', CLAIM],
    ['volume pv-1', VOLUME],
  ])('goes on without %s, with a row that says so', async (what, path) => {
    const { document, sink } = await collect({ [path]: 'forbidden' })
    expect(document.missing).toEqual([{ what, reason: 'forbidden', detail: `${path}: forbidden` }])
    expect(sink.row(`references ${what}`)).toMatchObject({ status: 'failed', reason: 'forbidden' })
    expect(sink.row('references')).toMatchObject({ status: 'collected' })
  })
})
