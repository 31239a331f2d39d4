import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { describe, expect, it } from '@jest/globals'

const ROOT = resolve(import.meta.dirname, '../..')

describe('the lean import of client-node', () => {
  it('stands in for all that the configuration module takes from the generated half', () => {
    const config = readFileSync(join(ROOT, 'node_modules/@kubernetes/client-node/dist/config.js'), 'utf8')
    const taken = [...config.matchAll(/import \{([^}]*)\} from '\.\/gen\/index\.js'/g)].map((match) =>
      match[1]?.trim(),
    )
    expect(taken.map((names) => names?.replace(/,$/, '').split(/,\s*/).sort())).toEqual([
      ['ServerConfiguration', 'createConfiguration'],
    ])
  })

  it('loads none of the generated models, and reads a kubeconfig all the same', () => {
    const script = `
      import { leanImport } from '${join(ROOT, 'dist/src/kube/lean-import.js')}'
      const { KubeConfig } = await leanImport(() => import('@kubernetes/client-node/dist/config.js'))
      const config = new KubeConfig()
      config.loadFromString(JSON.stringify({ clusters: [{ name: 'c', cluster: { server: 'https://x' } }], users: [], contexts: [{ name: 'k', context: { cluster: 'c', user: 'u' } }], 'current-context': 'k' }))
      console.log(config.getCurrentCluster().server, Math.round(process.memoryUsage().heapUsed / 1e6) < 25)`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    expect(output.trim()).toBe('https://x true')
  })
})
