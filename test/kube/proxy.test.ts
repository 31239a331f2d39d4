import { describe, expect, it } from '@jest/globals'

import { proxyFor } from '../../src/kube/proxy.js'
import { parseServerUrl } from '../../src/kube/server-url.js'

const FAR = 'https://api.prod.example:6443'
const proxyOf = (server: string, env: Readonly<Record<string, string>>, configured?: string) =>
  proxyFor(parseServerUrl(server), configured, env)

describe('the proxy on the way to a server', () => {
  it.each<[string, string, Readonly<Record<string, string>>, string | undefined, string | undefined]>([
    ['is none where nothing is said', FAR, {}, undefined, undefined],
    ['is that of HTTPS_PROXY', FAR, { HTTPS_PROXY: 'http://p:1' }, undefined, 'HTTPS_PROXY'],
    ['is that of https_proxy', FAR, { https_proxy: 'http://p:1' }, undefined, 'https_proxy'],
    [
      'is that in capitals, of both',
      FAR,
      { HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:1' },
      undefined,
      'HTTPS_PROXY',
    ],
    [
      'is the other one where that in capitals is empty',
      FAR,
      { HTTPS_PROXY: '', https_proxy: 'http://b:1' },
      undefined,
      'https_proxy',
    ],
    [
      'is not that of HTTP_PROXY for https',
      FAR,
      { HTTP_PROXY: 'http://p:1', ALL_PROXY: 'http://p:1' },
      undefined,
      undefined,
    ],
    [
      'is that of HTTP_PROXY for http',
      'http://api.prod.example',
      { HTTP_PROXY: 'http://p:1', HTTPS_PROXY: 'http://q:1' },
      undefined,
      'HTTP_PROXY',
    ],
    [
      'is that of the kubeconfig before all others',
      FAR,
      { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*' },
      'socks5://q:1',
      'proxy-url in the kubeconfig',
    ],
    [
      'is that of the kubeconfig even for this machine',
      'https://127.0.0.1:6443',
      {},
      'http://q:1',
      'proxy-url in the kubeconfig',
    ],
  ])('%s', (_name, server, env, configured, from) => {
    expect(proxyOf(server, env, configured)?.from).toBe(from)
  })

  it.each([
    ['proxy.example:3128', 'http://proxy.example:3128'],
    ['user:secret@proxy.example:3128', 'http://proxy.example:3128'],
    ['https://user:secret@proxy.example', 'https://proxy.example'],
    ['socks5h://127.0.0.1:1080', 'socks5h://127.0.0.1:1080'],
  ])('may be written as %s and is shown as %s', (value, display) => {
    expect(proxyOf(FAR, { HTTPS_PROXY: value })?.display).toBe(display)
  })

  it.each(['ftp://p:1', 'http://', 'socks4://p:1', 'http://user:secret@'])('can not be %s', (value) => {
    let wrong: unknown
    try {
      proxyOf(FAR, {}, value)
    } catch (error) {
      wrong = error
    }
    expect(wrong).toMatchObject({
      code: 'configuration',
      message: expect.not.stringContaining('secret'),
    })
  })
})

describe('NO_PROXY', () => {
  it.each<[string, string, boolean]>([
    // entry, server, whether it goes past the proxy
    ['*', 'https://api.prod.example', true],
    ['a, * ,b', 'https://api.prod.example', true],
    ['prod.example', 'https://prod.example', true],
    ['prod.example', 'https://api.prod.example', true],
    ['prod.example', 'https://notprod.example', false],
    ['PROD.Example', 'https://api.prod.EXAMPLE', true],
    ['.prod.example', 'https://api.prod.example', true],
    ['.prod.example', 'https://prod.example', false],
    ['*.prod.example', 'https://api.prod.example', true],
    ['*.prod.example', 'https://prod.example', false],
    ['api.*', 'https://api.prod.example', false],
    ['prod.example:6443', 'https://api.prod.example:6443', true],
    ['prod.example:6443', 'https://api.prod.example', false],
    ['prod.example:443', 'https://api.prod.example', true],
    ['bücher.example', 'https://api.xn--bcher-kva.example', true],
    [' other.example , prod.example ', 'https://prod.example', true],
    [',,', 'https://prod.example', false],
    [':6443', 'https://prod.example:6443', false],
    ['.', 'https://prod.example', false],
    ['10.0.0.1', 'https://10.0.0.1:6443', true],
    ['10.0.0.1', 'https://10.0.0.11:6443', false],
    ['10.0.0.1:6443', 'https://10.0.0.1:6443', true],
    ['10.0.0.1:6443', 'https://10.0.0.1:443', false],
    ['10.0.0.0/8', 'https://10.200.3.4', true],
    ['10.0.0.0/8', 'https://11.0.0.1', false],
    ['10.0.0.0/99', 'https://10.0.0.1', false],
    ['10.0.0.0/8', 'https://api.prod.example', false],
    ['fd00::/8', 'https://[fd12::1]:6443', true],
    ['fd12::1', 'https://[fd12::1]:6443', true],
    ['[fd12::1]:6443', 'https://[fd12::1]:6443', true],
    ['[fd12::1]:443', 'https://[fd12::1]:6443', false],
    ['fd00::/8', 'https://10.0.0.1', false],
    ['', 'https://localhost:6443', true],
    ['', 'https://127.9.9.9:6443', true],
    ['', 'https://[::1]:6443', true],
    ['', 'https://[::ffff:127.0.0.1]:6443', true],
    ['', 'https://my.localhost:6443', false],
  ])('%j says of %s: past the proxy is %s', (entry, server, past) => {
    const env = { HTTPS_PROXY: 'http://p:1' }
    expect(proxyOf(server, { ...env, NO_PROXY: entry }) === undefined).toBe(past)
    expect(proxyOf(server, { ...env, no_proxy: entry }) === undefined).toBe(past)
  })
})
