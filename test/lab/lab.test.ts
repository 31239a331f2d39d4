import { existsSync } from 'node:fs'
import { dirname } from 'node:path'

import { describe, expect, it } from '@jest/globals'

import { startLab } from '../../src/lab/lab.js'
import { asArray, asString, at } from '../../src/model/json.js'
import { accessOf, call, until } from './client.js'
import { smallSeed } from './small-seed.js'

const TABLES = [
  'pods',
  'services',
  'endpoints',
  'endpointslices.discovery.k8s.io',
  'replicasets.apps',
  'deployments.apps',
  'nodes',
  'events',
]

describe('a lab', () => {
  it.each(['1.36', '1.20'] as const)(
    'begins as %s with a shop at rest: its controllers change nothing',
    async (version) => {
      const lab = await startLab({ version })
      try {
        const state = () => TABLES.map((table) => lab.objects.list(table))
        const before = state()
        await lab.settled()
        expect(state()).toEqual(before)
        expect(before.map((rows) => rows.length > 0)).toEqual(TABLES.map(() => true))
      } finally {
        await lab.close()
      }
    },
  )

  it('serves every object of the shop under its kind', async () => {
    const lab = await startLab()
    try {
      const admin = await accessOf(lab.kubeconfig)
      const { namespace, name, uid } = lab.suspect
      const suspect = await call(admin, `/api/v1/namespaces/${namespace}/pods/${name}`)
      expect(at(suspect.json, 'metadata', 'uid')).toBe(uid)
      const image = asString(at(suspect.json, 'spec', 'containers', 0, 'image')) ?? ''
      expect(image.startsWith(`${lab.registry.host}/`)).toBe(true)
      const named = asArray((await call(admin, '/apis/networking.k8s.io/v1/networkpolicies')).json.items)
      expect(named.length).toBeGreaterThan(1)
    } finally {
      await lab.close()
    }
  })

  it('shows a watch what comes into its selection, changes in it, and leaves it', async () => {
    const opened: string[] = []
    const log = ({ path }: { readonly path: string }) => void opened.push(path)
    const lab = await startLab({ seed: smallSeed, pace: { react: 5, start: 20 }, log })
    await lab.settled()
    const admin = await accessOf(lab.kubeconfig)
    const path = '/api/v1/namespaces/shop/configmaps?watch=true&labelSelector=a%3Db&timeoutSeconds=5'
    const watch = call(admin, path)
    await until(() => opened.includes(path))
    const map = (labels: Record<string, string>, data: Record<string, string>) =>
      lab.objects.put({
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: { name: 'm', namespace: 'shop', labels },
        data,
      })
    map({}, {})
    map({ a: 'b' }, {})
    map({ a: 'b' }, { x: 'y' })
    map({}, { x: 'y' })
    const lines = (await watch).text.trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
      'ADDED',
      'MODIFIED',
      'DELETED',
    ])
    await lab.close()
  })

  it('closes while streams are open, and takes its folder with it', async () => {
    const opened: string[] = []
    const lab = await startLab({ seed: smallSeed, log: ({ path }) => void opened.push(path) })
    const admin = await accessOf(lab.kubeconfig)
    const watch = call(admin, '/api/v1/pods?watch=true')
    await until(() => opened.includes('/api/v1/pods?watch=true'))
    await lab.close()
    expect((await watch).complete).toBe(false)
    expect(existsSync(dirname(lab.kubeconfig))).toBe(false)
    await expect(call(admin, '/livez')).rejects.toThrow('ECONNREFUSED')
  })
})
