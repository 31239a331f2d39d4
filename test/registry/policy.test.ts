import { describe, expect, it } from '@jest/globals'

import { addressClass } from '../../src/registry/address.js'
import { parseChallenge } from '../../src/registry/challenge.js'
import { addressOf, parseRegistryPolicy } from '../../src/registry/policy.js'

describe('which registries may be asked', () => {
  it.each([
    [[], 'docker.io', 'https://registry-1.docker.io/'],
    [['auto'], 'ghcr.io', 'https://ghcr.io/'],
    [
      [],
      '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
      'https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/',
    ],
    [[], 'europe-docker.pkg.dev', 'https://europe-docker.pkg.dev/'],
    [[], 'registry.example', undefined],
    [[], 'ghcr.io.evil.example', undefined],
    [[], 'evilghcr.io', undefined],
    [[], 'ghcr.io:444', undefined],
    [['never'], 'docker.io', undefined],
    [['never', 'docker.io'], 'docker.io', 'https://registry-1.docker.io/'],
    [['never', 'docker.io'], 'ghcr.io', undefined],
    [['registry.example:5000'], 'registry.example:5000', 'https://registry.example:5000/'],
    [['registry.example:5000'], 'ghcr.io', 'https://ghcr.io/'],
    [['docker.io=http://127.0.0.1:5000/hub'], 'docker.io', 'http://127.0.0.1:5000/hub'],
  ])('%j asks %s at %s', (values, host, address) => {
    expect(addressOf(parseRegistryPolicy(values), host)?.href).toBe(address)
  })

  it.each([
    [['auto', 'never']],
    [['a b']],
    [['host=ftp://x']],
    [['host=https://u:p@x']],
    [['host=']],
    [['https://x']],
    [['']],
  ])('%j is a usage error', (values) => {
    expect(() => parseRegistryPolicy(values)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})

describe('addresses', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['127.0.0.53', 'loopback'],
    ['0.0.0.0', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.31.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.0.1', 'private'],
    ['100.64.0.1', 'private'],
    ['169.254.169.254', 'link-local'],
    ['::1', 'loopback'],
    ['fe80::1', 'link-local'],
    ['fd00::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['::ffff:169.254.169.254', 'link-local'],
    ['2606:4700::1', 'public'],
  ])('%s is %s', (address, kind) => {
    expect(addressClass(address)).toBe(kind)
  })
})

describe('challenges', () => {
  it.each([
    [
      'Bearer realm="https://auth.example/token",service="r.example",scope="repository:a:pull,push"',
      { scheme: 'bearer', realm: 'https://auth.example/token', service: 'r.example' },
    ],
    ['bearer  realm=https://a/t', { scheme: 'bearer', realm: 'https://a/t' }],
    ['Basic realm="x", Bearer realm="https://a/t"', { scheme: 'bearer', realm: 'https://a/t' }],
    ['Bearer realm="a\\"b"', { scheme: 'bearer', realm: 'a"b' }],
    ['Basic realm="x"', { scheme: 'basic' }],
    ['Negotiate', { scheme: 'other', name: 'Negotiate' }],
    ['Bearer service="x"', { scheme: 'other', name: 'bearer without realm' }],
    ['', { scheme: 'other', name: 'none' }],
  ])('reads %s', (header, expected) => {
    expect(parseChallenge(header)).toEqual(expected)
  })
})
