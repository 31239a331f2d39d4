/**
 * Takes what changed in a pod's container by a pod on its node, against its image: argv is kubeconfig, namespace, the node pod's image, the pod, a
 * folder for the spool, HOST=URL of the image's registry, and a folder in which indexes of layers are kept. Says how long it took from
 * when the pod on the node was ready, how many changes there are, and how many layers were known.
 */
import v8 from 'node:v8'

import { createFilesystemCollector } from '../../../src/collectors/filesystem.js'
import { readScripts } from '../../../src/engine/system.js'
import { LayerCache } from '../../../src/filesystem/layer-cache.js'
import type { FilesystemSummary } from '../../../src/model/filesystem-documents.js'
import { createRegistry, parseRegistryPolicy } from '../../../src/registry/index.js'
import { openNodeScene } from './node-scene.js'

// as bin/impound.js has it
v8.setFlagsFromString('--semi-space-growth-factor=1')
const [
  kubeconfig = '',
  namespace = '',
  image = '',
  name = '',
  outputDirectory = '',
  mirror = '',
  cache = '',
] = process.argv.slice(2)
const registry = createRegistry({
  policy: parseRegistryPolicy([mirror]),
  timeoutMs: 30_000,
  notice: () => undefined,
  credentials: [],
  archives: [],
})
const scene = await openNodeScene(kubeconfig, namespace, image, name, outputDirectory, registry)
const layers = new LayerCache({ directory: cache, owner: process.getuid?.() })
const seconds = await scene.collect(createFilesystemCollector(await readScripts(), outputDirectory, layers))
const summary = (await scene.document(`filesystem/${name}/summary.json`)) as FilesystemSummary
await scene.close()
if (!summary.capture.complete) throw new Error(`not complete: ${summary.capture.why ?? ''}`)
const { counts, baseline, contentKeptBytes } = summary
process.stdout.write(
  `${JSON.stringify({ seconds, counts, kept: contentKeptBytes, cachedLayers: baseline.cachedLayers, source: baseline.source })}\n`,
)
