import { afterEach, expect, it } from '@jest/globals'

import { type LabRegistry, startLabRegistry } from '../../src/lab/registry/registry.js'
import { signed, withAttachment } from '../../src/lab/shop/images/attach.js'
import { buildImage } from '../../src/lab/shop/images/build.js'
import { LayerDraft } from '../../src/lab/shop/images/draft.js'
import type { Registry } from '../../src/model/ports/registry.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'

const { signal } = new AbortController()
const LINUX = { os: 'linux', architecture: 'amd64' }
const layer = new LayerDraft().file('etc/x', 'x').layer()
const plain = buildImage({
  ...{ repository: 'team/app', tag: '1' },
  platforms: [{ architecture: 'amd64', layers: [{ createdBy: 'x', layer }], config: {} }],
})
const spdx = 'application/spdx+json'
const dressed = withAttachment(signed(plain), plain.digest, {
  artifactType: spdx,
  layers: [{ mediaType: spdx, bytes: Buffer.from('{}') }],
})

let lab: LabRegistry
afterEach(() => lab.close())

async function listed(...args: Parameters<typeof startLabRegistry>): Promise<unknown> {
  lab = await startLabRegistry(...args)
  const registry: Registry = createRegistry({
    policy: parseRegistryPolicy([`registry.test=${lab.url}`]),
    ...{ timeoutMs: 5000, notice: () => undefined },
  })
  const image = await registry.resolve('registry.test/team/app:1', LINUX, signal)
  const found = await registry.attachments(image, signal)
  return found.map(({ kind, foundBy, subject }) => [kind, foundBy, subject === plain.digest])
}

it('lists what the referrers API and the tags of cosign name', async () => {
  expect(await listed([dressed])).toEqual([
    ['signature', 'referrers-api', true],
    ['sbom', 'referrers-api', true],
    ['signature', 'cosign-tag', true],
  ])
})

it('lists what tags name where there is no such API, and nothing where there is nothing', async () => {
  expect(await listed([dressed], { referrers: false })).toEqual([['signature', 'cosign-tag', true]])
  await lab.close()
  expect(await listed([plain])).toEqual([])
})
