import type { RunPlan } from '../../src/engine/plan.js'
import type { Scene } from '../../src/model/scene.js'

export const SAMPLE_SCENE: Scene = {
  schema: 'impound/scene/v1',
  case: 'INC-42',
  run: '20261122T030033Z-00000000',
  command: 'seize',
  who: { user: 'ana@corp', osUser: 'ana', hostname: 'laptop' },
  where: { context: 'prod-eu', server: 'https://api.example:6443', clusterUid: 'c1', version: 'v1.36.0' },
  tool: { name: 'impound', version: '0.1.0', argv: [], node: 'v24.0.0', os: 'Linux 6' },
  clock: { local: '2026-11-22T03:00:33.000Z', utcOffsetMinutes: 60, ntp: 'unknown' },
  missing: [],
}

/** A plan of one pod, as prepare() makes it; `name` can be as hostile as a test wants. */
export function samplePlan(name = 'web-1'): RunPlan {
  const target = { namespace: 'shop', name, uid: '1f3a9c02-0000-4000-8000-000000000000' }
  return {
    schema: 'impound/plan/v1',
    command: 'seize',
    case: 'INC-42',
    at: '2026-11-22T03:00:33.000Z',
    scene: SAMPLE_SCENE,
    allow: [],
    containFirst: false,
    volatileBudgetMs: 10_000,
    targets: [
      {
        ...target,
        created: '2026-11-16T03:00:33Z',
        restarts: 1,
        node: 'node-1',
        serviceAccount: 'web',
        owner: 'ReplicaSet web-6dd6',
        images: [
          { container: 'app', reference: 'r/shop/web:1', imageID: `r/shop/web@sha256:${'9'.repeat(64)}` },
        ],
        collectors: [
          { name: 'pod', phases: ['read'], impact: 'read', needs: [], will: 'collect', missingAccess: [] },
          {
            name: 'logs',
            phases: ['read'],
            impact: 'read',
            needs: [],
            will: 'collect',
            missingAccess: [
              { verb: 'get', group: '', resource: 'pods', subresource: 'log', namespace: 'shop' },
            ],
          },
          {
            name: 'filesystem',
            phases: ['slow'],
            impact: 'exec',
            needs: ['exec'],
            will: 'skip',
            why: '--allow exec is not given',
            missingAccess: [],
          },
        ],
        undo: `impound release ${name} -n shop`,
        quarantine: {
          schema: 'impound/quarantine-plan/v1',
          case: 'INC-42',
          target,
          resumes: false,
          policy: { name: 'impound-1f3a9c02', manifest: {}, state: 'to-create' },
          labels: {
            before: { app: 'web' },
            add: { 'impound.dev/quarantine': '1f3a9c02' },
            remove: ['app'],
            keep: [],
          },
          owner: {
            kind: 'ReplicaSet',
            name: 'web-6dd6',
            chain: ['ReplicaSet web-6dd6', 'Deployment web'],
            onQuarantine: 'a replacement starts',
            onRelease: 'one pod too many',
          },
          services: [{ name: 'web', readyNow: 2, readyAfter: 1, serves: true }],
          policies: [
            {
              name: 'allow-all',
              selectsNow: true,
              selectsAfter: true,
              residual: true,
              allows: ['ingress from anywhere'],
            },
          ],
          network: {
            plugins: [],
            enforces: 'not-known',
            why: 'no sign of a plugin that is known here',
            established: 'not-known',
            establishedWhy: 'what enforces policies here is not known',
            warnings: [],
            unseen: [],
          },
          probes: [],
          credentials: [],
          warnings: [],
          wontStop: ['open connections'],
          actions: [],
          attackerSees: ['the new label'],
          refusals: [],
          missingAccess: [],
          dryRuns: [],
        },
      },
    ],
    store: { directory: '/cases/INC-42', freeBytes: 11e9 },
  }
}
