import type { JsonObject } from '../../../model/json.js'

import { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, DB_PASSWORD } from '../canaries.js'
import { LOG_SHIPPER_REPOSITORY, LOG_SHIPPER_TAG } from '../images/log-shipper.js'
import { WEB_REPOSITORY, WEB_TAG } from '../images/web.js'

const WEB_LABELS = { app: 'web', tier: 'frontend' } as const

/** The pod template of Deployment `web`, as its author wrote it: the fields without the API server's defaults. */
export function webTemplate(registryHost: string): JsonObject {
  return {
    metadata: { labels: WEB_LABELS },
    spec: {
      serviceAccountName: 'web',
      initContainers: [migrate(registryHost)],
      containers: [app(registryHost), logShipper(registryHost)],
      volumes: [{ name: 'cache', emptyDir: { sizeLimit: '256Mi' } }],
    },
  }
}

const SETTINGS = [
  { name: 'DB_USER', value: 'web' },
  { name: 'DB_PASSWORD', value: DB_PASSWORD },
  {
    name: 'DATABASE_URL',
    value: `postgres://web:${encodeURIComponent(DB_PASSWORD)}@db.shop.svc:5432/shop?sslmode=require`,
  },
]

function migrate(registryHost: string): JsonObject {
  return {
    name: 'migrate',
    image: `${registryHost}/${WEB_REPOSITORY}:${WEB_TAG}`,
    command: ['/app/migrate', '--wait'],
    env: SETTINGS,
  }
}

function app(registryHost: string): JsonObject {
  return {
    name: 'app',
    image: `${registryHost}/${WEB_REPOSITORY}:${WEB_TAG}`,
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    envFrom: [{ configMapRef: { name: 'web-config' } }],
    env: [
      ...SETTINGS,
      { name: 'AWS_ACCESS_KEY_ID', value: AWS_ACCESS_KEY_ID },
      { name: 'AWS_SECRET_ACCESS_KEY', value: AWS_SECRET_ACCESS_KEY },
      { name: 'AWS_REGION', value: 'eu-central-1' },
      {
        name: 'SESSION_SIGNING_KEY',
        valueFrom: { secretKeyRef: { name: 'web-session', key: 'signing-key' } },
      },
      { name: 'POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
    ],
    resources: { limits: { memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
    volumeMounts: [{ name: 'cache', mountPath: '/cache' }],
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 10 },
    livenessProbe: { httpGet: { path: '/livez', port: 'http' }, initialDelaySeconds: 5, periodSeconds: 20 },
    securityContext: { allowPrivilegeEscalation: true },
  }
}

function logShipper(registryHost: string): JsonObject {
  return {
    name: 'log-shipper',
    image: `${registryHost}/${LOG_SHIPPER_REPOSITORY}:${LOG_SHIPPER_TAG}`,
    args: ['--from', '/cache/log', '--to', 'logs.shop.svc:514'],
    resources: { limits: { memory: '32Mi' }, requests: { cpu: '10m', memory: '16Mi' } },
    volumeMounts: [{ name: 'cache', mountPath: '/cache', readOnly: true }],
    securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 65532 },
  }
}
