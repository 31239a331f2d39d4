import { execFileSync } from 'node:child_process'

import { describe, expect, it } from '@jest/globals'

import { credentialPlans } from '../../src/containment/credentials.js'
import type { JsonObject } from '../../src/model/json.js'
import type { CredentialPlan } from '../../src/model/quarantine-plan.js'
import { pod, shop, SUSPECT, target, UID } from './shop.js'

async function held(spec: JsonObject, annotations: JsonObject = {}, readable = true) {
  const api = shop()
  api.put('pods', pod(SUSPECT, UID, { spec: { serviceAccountName: 'shop', ...spec } }))
  api.put('serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'shop', namespace: 'shop', uid: 'sa-1', annotations },
  })
  if (!readable) api.unreadable.set('serviceaccounts', 'forbidden')
  return credentialPlans(api.context, target(api))
}

async function one(spec: JsonObject, annotations: JsonObject = {}): Promise<CredentialPlan> {
  const { credentials } = await held(spec, annotations)
  expect(credentials).toHaveLength(1)
  return credentials[0]!
}

const MOUNTED = {
  containers: [
    {
      name: 'app',
      volumeMounts: [{ name: 't', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
    },
  ],
}

describe('what the pod holds that somebody may have taken along', () => {
  it('ends with the pod where it is a token bound to it', async () => {
    const volumes = [{ name: 't', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }]
    expect(await one({ ...MOUNTED, volumes })).toMatchObject({
      outlives: 'no',
      command: `kubectl delete pod ${SUSPECT} -n shop`,
    })
  })

  it('may not, where the token is for somebody else', async () => {
    const token = { serviceAccountToken: { path: 'token', audience: 'vault' } }
    expect(
      await one({ ...MOUNTED, volumes: [{ name: 't', projected: { sources: [token] } }] }),
    ).toMatchObject({
      outlives: 'not-known',
      credential: 'token of account shop/shop for vault',
    })
  })

  it('outlives it where it is a Secret, and is named once', async () => {
    const volumes = [{ name: 't', secret: { secretName: 'shop-token-x' } }]
    expect(await one({ ...MOUNTED, volumes })).toMatchObject({
      outlives: 'yes',
      command: 'kubectl delete secret shop-token-x -n shop',
    })
  })

  it('names Secrets by their use, and not those that the kubelet pulls with', async () => {
    const env = [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'session', key: 'k' } } }]
    const spec = { containers: [{ name: 'app', env }], imagePullSecrets: [{ name: 'pull' }] }
    expect(await one(spec)).toMatchObject({
      credential: 'Secret session (env KEY of app)',
      outlives: 'yes',
      command: 'kubectl describe secret session -n shop',
    })
  })

  it.each([
    [
      'eks.amazonaws.com/role-arn',
      'arn:aws:iam::1:role/path/shop-web',
      'aws iam put-role-policy --role-name shop-web ',
    ],
    [
      'iam.gke.io/gcp-service-account',
      'web@p.iam.gserviceaccount.com',
      'gcloud iam service-accounts disable web@p.iam.gserviceaccount.com',
    ],
    ['azure.workload.identity/client-id', '6f1c', 'az ad sp update --id 6f1c --set accountEnabled=false'],
  ])('outlives it where it is the identity that %s names', async (key, identity, command) => {
    const plan = await one({}, { [key]: identity })
    expect(plan).toMatchObject({ outlives: 'yes' })
    expect(plan.command).toContain(command)
  })

  it('gives commands that a shell takes apart as they are meant, whatever a name holds', async () => {
    const role = `arn:aws:iam::1:role/$(touch x)'"; echo`
    const { command } = await one({}, { 'eks.amazonaws.com/role-arn': role })
    const words = execFileSync('sh', ['-c', `aws() { printf '%s\\n' "$@"; }; ${command}`], {
      encoding: 'utf8',
    })
    const [, , , name, , , , document = ''] = words.split('\n')
    expect(name).toBe(`$(touch x)'"; echo`)
    expect(JSON.parse(document)).toMatchObject({ Statement: [{ Effect: 'Deny' }] })
  })

  it('is not all known where the account may not be read', async () => {
    const { unseen } = await held({}, {}, false)
    expect(unseen.join()).toContain('whether it stands for a cloud identity is not known')
  })
})
