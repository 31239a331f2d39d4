import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { parseReference } from '../../src/registry/reference.js'

const D = `sha256:${'a'.repeat(64)}`

describe('image references', () => {
  it.each([
    ['nginx', { host: 'docker.io', repository: 'library/nginx', tag: 'latest' }],
    ['nginx:1.27', { host: 'docker.io', repository: 'library/nginx', tag: '1.27' }],
    ['docker.io/nginx', { host: 'docker.io', repository: 'library/nginx', tag: 'latest' }],
    ['index.docker.io/shop/web', { host: 'docker.io', repository: 'shop/web', tag: 'latest' }],
    ['shop/web', { host: 'docker.io', repository: 'shop/web', tag: 'latest' }],
    ['localhost/web', { host: 'localhost', repository: 'web', tag: 'latest' }],
    ['localhost:5000/web', { host: 'localhost:5000', repository: 'web', tag: 'latest' }],
    ['GHCR.io/org/app:v1', { host: 'ghcr.io', repository: 'org/app', tag: 'v1' }],
    [`r.example:5000/a/b/c:t@${D}`, { host: 'r.example:5000', repository: 'a/b/c', tag: 't', digest: D }],
    [`r.example/a@${D}`, { host: 'r.example', repository: 'a', digest: D }],
    ['[::1]:5000/a', { host: '[::1]:5000', repository: 'a', tag: 'latest' }],
  ])('reads %s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected)
  })

  it.each([
    '',
    'UPPER/case',
    'a:',
    'a/../b',
    'a//b',
    'a@sha256:short',
    `a@${D}@${D}`,
    'r.example/',
    'a b',
    'r.example/x?y=z',
    'r.example:port/x',
    'user@r.example/x',
    'a%2f..',
  ])('does not take %j for one', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it('never makes a URL path that leaves its repository, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const { repository, tag, digest } = parseReference(text)
          expect(`${repository}/${tag ?? ''}${digest ?? ''}`).toMatch(/^[\w./:-]+$/)
          expect(repository.split('/')).not.toContain('..')
        } catch (error) {
          expect(error).toMatchObject({ code: 'unsupported' })
        }
      }),
    )
  })
})
