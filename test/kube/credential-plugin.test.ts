import { describe, expect, it } from '@jest/globals'

import { type PluginRun, runCredentialPlugin } from '../../src/kube/credential-plugin.js'

function plugin(script: string, more: Partial<PluginRun> = {}): PluginRun {
  return {
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/sh', args: ['-c', script] },
    cluster: { name: 'c', server: 'https://x', skipTLSVerify: false },
    env: { PATH: process.env['PATH'] },
    interactive: false,
    timeoutMs: 20_000,
    notice: () => undefined,
    signal: new AbortController().signal,
    ...more,
  }
}

describe('a credential plugin', () => {
  it('that does not answer is ended at its deadline, and what it had said was seen', async () => {
    const said: string[] = []
    const run = plugin('echo "Waiting for the browser" >&2; exec sleep 60', {
      timeoutMs: 300,
      notice: (line) => said.push(line),
    })
    await expect(runCredentialPlugin(run)).rejects.toMatchObject({
      code: 'configuration',
      message: 'The credential plugin /bin/sh did not answer within 0.3 s.',
    })
    expect(said).toEqual(['/bin/sh: Waiting for the browser'])
  })

  it('that fails is quoted with its last words', async () => {
    const run = plugin('for n in 1 2 3 4 5 6 7; do echo "line $n" >&2; done; exit 4')
    await expect(runCredentialPlugin(run)).rejects.toMatchObject({
      message: 'The credential plugin /bin/sh failed (4).',
      hints: ['line 3', 'line 4', 'line 5', 'line 6', 'line 7', expect.stringContaining('by hand')],
    })
  })

  it('that talks without end is passed on in bounds', async () => {
    const said: string[] = []
    const run = plugin('yes "$(printf %01000d 0)" | head -n 1000 >&2; exit 1', {
      notice: (line) => said.push(line),
    })
    await expect(runCredentialPlugin(run)).rejects.toMatchObject({ code: 'configuration' })
    expect(said).toHaveLength(100)
    expect(Math.max(...said.map((line) => line.length))).toBeLessThan(600)
  })
})
