import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'

import { describe, expect, it } from '@jest/globals'

import { applyLayers } from '../../../../src/lab/shop/files/tree.js'
import { webLayers } from '../../../../src/lab/shop/images/web.js'
import { buildShopImages } from '../../../../src/lab/shop/shop.js'
import type { LabImage } from '../../../../src/lab/types.js'
import { asArray, asNumber, asString, at } from '../../../../src/model/json.js'

const INDEX = 'application/vnd.oci.image.index.v1+json'
const { web, db, logShipper } = buildShopImages()
const images: readonly LabImage[] = [web, db, logShipper]

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Manifests of single platforms, parsed. */
function manifestsOf(image: LabImage): readonly unknown[] {
  return [...image.manifests.values()]
    .filter(({ mediaType }) => mediaType !== INDEX)
    .map(({ bytes }) => JSON.parse(bytes.toString('utf8')) as unknown)
}

function layerTars(image: LabImage, manifest: unknown): readonly Buffer[] {
  return asArray(at(manifest, 'layers')).map((layer) =>
    gunzipSync(image.blobs.get(asString(at(layer, 'digest')) ?? '')!),
  )
}

function listed(tar: Buffer): readonly string[] {
  const options = ['--quoting-style=literal', '-tf', '-']
  return execFileSync('tar', options, { input: tar, encoding: 'latin1' }).split('\n').slice(0, -1)
}

describe.each<{ readonly repository: string; readonly image: LabImage }>(
  images.map((image) => ({ repository: image.repository, image })),
)('image $repository', ({ image }) => {
  it('keeps every document and blob under its own digest', () => {
    for (const [digest, { bytes }] of image.manifests) expect(digestOf(bytes)).toBe(digest)
    for (const [digest, bytes] of image.blobs) expect(digestOf(bytes)).toBe(digest)
  })

  it('names in its documents only what it has, with the size that it has', () => {
    for (const { bytes } of image.manifests.values()) {
      const document = JSON.parse(bytes.toString('utf8')) as unknown
      for (const descriptor of asArray(at(document, 'manifests'))) {
        const named = image.manifests.get(asString(at(descriptor, 'digest')) ?? '')
        expect([named?.bytes.length, named?.mediaType]).toEqual([
          asNumber(at(descriptor, 'size')),
          at(descriptor, 'mediaType'),
        ])
      }
      const blobs = [at(document, 'config'), ...asArray(at(document, 'layers'))].filter(
        (descriptor) => descriptor !== undefined,
      )
      for (const descriptor of blobs) {
        const blob = image.blobs.get(asString(at(descriptor, 'digest')) ?? '')
        expect(blob?.length).toBe(at(descriptor, 'size'))
      }
    }
  })

  it('has the digests of the uncompressed layers in its configuration, and a history that fits', () => {
    for (const manifest of manifestsOf(image)) {
      const config = image.blobs.get(asString(at(manifest, 'config', 'digest')) ?? '')!
      const parsed = JSON.parse(config.toString('utf8')) as unknown
      const layers = layerTars(image, manifest)
      expect(at(parsed, 'rootfs', 'diff_ids')).toEqual(layers.map(digestOf))
      const withLayer = asArray(at(parsed, 'history')).filter((entry) => at(entry, 'empty_layer') !== true)
      expect(withLayer).toHaveLength(layers.length)
    }
  })

  it('has layers that tar can read', () => {
    for (const manifest of manifestsOf(image)) {
      for (const tar of layerTars(image, manifest)) expect(listed(tar).length).toBeGreaterThan(1)
    }
  })
})

describe('image shop/web', () => {
  it('is an index of two platforms under its tag, each with its own bytes', () => {
    const index = web.manifests.get(web.tags['1.4.2']!)!
    const parsed = JSON.parse(index.bytes.toString('utf8')) as unknown
    const platforms = asArray(at(parsed, 'manifests')).map((entry) => at(entry, 'platform', 'architecture'))
    expect([index.mediaType, platforms]).toEqual([INDEX, ['amd64', 'arm64']])
    expect(web.manifests.size).toBe(3)
  })

  it('has layers whose members are those of its trees', () => {
    const tars = layerTars(web, manifestsOf(web)[0])
    webLayers('amd64').forEach((layer, index) => {
      const names = layer.map(([path, node]) => (node.kind === 'directory' ? `${path}/` : path))
      expect(listed(tars[index]!)).toEqual(names)
    })
  })

  it('holds one of everything that a reader of layers may get wrong', () => {
    const [base, packages, app] = webLayers('amd64').map((layer) => new Map(layer))
    expect(packages?.has('var/cache/apk/.wh.APKINDEX.tar.gz')).toBe(true)
    expect(packages?.has('usr/share/doc/.wh..wh..opq')).toBe(true)
    expect(base?.get('bin/busybox.nosuid')).toMatchObject({ kind: 'hardlink', target: 'bin/busybox' })
    expect(base?.get('bin/bbsuid')?.mode).toBe(0o4755)
    expect(base?.get('var/run')).toMatchObject({ kind: 'symlink', target: '/run' })
    const longest = Math.max(...[...(app?.keys() ?? [])].map((path) => path.length))
    expect(longest).toBeGreaterThan(256)
  })

  it('applies to a tree in which hidden files are gone and newer ones stand', () => {
    const tree = applyLayers(webLayers('amd64'))
    expect([...tree.keys()].filter((path) => path.includes('.wh.'))).toEqual([])
    expect(tree.has('var/cache/apk/APKINDEX.tar.gz')).toBe(false)
    expect(tree.has('etc/apk/world')).toBe(false)
    expect([...tree.keys()].filter((path) => path.startsWith('usr/share/doc/'))).toEqual([
      'usr/share/doc/curl',
      'usr/share/doc/curl/README',
    ])
    expect(tree.size).toBeGreaterThan(500)
  })
})
