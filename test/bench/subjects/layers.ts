/** Indexes the layers of an OCI layout: argv is its folder and how many threads may. Says the diff_ids that it verified, and how many files there are. */
import v8 from 'node:v8'

import { indexImage } from '../../../src/filesystem/image-index.js'
import { LayerCache } from '../../../src/filesystem/layer-cache.js'
import { layerProgram } from '../../../src/filesystem/layer-thread.js'
import type { Registry } from '../../../src/model/ports/registry.js'
import { openImageArchive } from '../../../src/registry/image-archive.js'

// as commands have it
v8.setFlagsFromString('--semi-space-growth-factor=1')
const [folder = '', threads = ''] = process.argv.slice(2)
const { signal } = new AbortController()
const archive = await openImageArchive(folder, signal)
const image = archive.only({ os: 'linux', architecture: 'amd64' })
if (image === undefined) throw new Error(`there is no one image in ${folder}`)
const program = layerProgram()
if (program === undefined) throw new Error('there is no program for threads')
/** All that indexing asks of it. */
const registry = {
  blob: (_: unknown, layer: (typeof image.layers)[number]) => {
    const bytes = archive.layer(layer, signal)
    if (bytes === undefined) throw new Error(`there is no layer ${layer.digest}`)
    return Promise.resolve(bytes)
  },
} as unknown as Registry
const { tree } = await indexImage(registry, image, new LayerCache(), {
  signal,
  threads: { most: Number(threads), program },
})
await archive.close()
process.stdout.write(`${image.diffIds.join('\n')}\n`)
if (tree.size === 0) throw new Error('the image is empty')
