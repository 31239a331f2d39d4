import { createHash } from 'node:crypto'

import { afterEach, describe, expect, it } from '@jest/globals'

import { imageCollector } from '../../src/collectors/image.js'
import { type LabRegistry, startLabRegistry } from '../../src/lab/registry/registry.js'
import { signed, withAttachment } from '../../src/lab/shop/images/attach.js'
import { buildImage } from '../../src/lab/shop/images/build.js'
import { LayerDraft } from '../../src/lab/shop/images/draft.js'
import type { ImageDocument } from '../../src/model/image-document.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { collectContext, LINUX_NODE, targetOf } from './collect-context.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

const plain = buildImage({
  ...{ repository: 'team/app', tag: '1' },
  platforms: [
    {
      architecture: 'amd64',
      layers: [{ createdBy: 'x', layer: new LayerDraft().file('etc/x', 'x').layer() }],
      config: {},
    },
  ],
})
const spdx = 'application/spdx+json'
const SBOM = Buffer.from('{"spdxVersion":"SPDX-2.3"}')

let lab: LabRegistry
afterEach(() => lab.close())

async function collected(sbom: Buffer): Promise<{ sink: MemorySink; documents: readonly ImageDocument[] }> {
  const dressed = withAttachment(signed(plain), plain.digest, {
    artifactType: spdx,
    layers: [{ mediaType: spdx, bytes: sbom }],
  })
  lab = await startLabRegistry([dressed])
  const sink = new MemorySink()
  const registry = createRegistry({
    policy: parseRegistryPolicy([`registry.test=${lab.url}`]),
    ...{ timeoutMs: 5000, notice: () => undefined },
  })
  const container = { image: 'registry.test/team/app:1', imageID: `registry.test/team/app@${plain.digest}` }
  const target = targetOf({ name: 'app', ...container }, { name: 'twin', ...container })
  await imageCollector.collect(collectContext({ sink, registry, node: LINUX_NODE }), target, sink)
  const documents = ['app', 'twin'].map((name) => sink.json(`image/${name}/image.json`) as ImageDocument)
  for (const document of documents) expect(objections('image.v1', document)).toEqual([])
  return { sink, documents }
}

describe('what a registry keeps beside an image', () => {
  it('is kept once, manifest and parts, byte for byte', async () => {
    const { sink, documents } = await collected(SBOM)
    const [app, twin] = documents
    const found = app?.attachments?.find(({ kind }) => kind === 'sbom')
    expect(found?.notKept).toBeUndefined()
    const contents = (found?.kept ?? []).map((path) => sink.files.get(path.replace('data/targets/t/', ''))!)
    expect(contents.map((bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`)).toEqual([
      found?.digest,
      `sha256:${createHash('sha256').update(SBOM).digest('hex')}`,
    ])
    expect(twin?.attachments).toEqual(app?.attachments)
    expect(sink.records.get(found!.kept[1]!.replace('data/targets/t/', ''))?.source).toMatchObject({
      kind: 'registry',
      mediaType: spdx,
    })
  })

  it('is named, not kept, where a part is too big', async () => {
    const { documents } = await collected(Buffer.alloc((16 << 20) + 1, 's'))
    const found = documents[0]?.attachments?.find(({ kind }) => kind === 'sbom')
    expect(found?.kept).toHaveLength(1)
    expect(found?.notKept).toContain('of 16777217 bytes')
  })
})
