// Writes oclif.manifest.json into the package: with it a command starts without loading the others.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { Plugin } from '@oclif/core'

const root = join(import.meta.dirname, '..')
const plugin = new Plugin({
  root,
  type: 'core',
  ignoreManifest: true,
  errorOnManifestCreate: true,
  respectNoCacheDefault: true,
})
await plugin.load()
await writeFile(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest, null, 2)}\n`)
