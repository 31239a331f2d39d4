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
// oclif would load a command for its help because a default is worded by a function; ours say the same each time
for (const command of Object.values(plugin.manifest.commands)) {
  command.hasDynamicHelp = false
  for (const flag of Object.values(command.flags)) delete flag.hasDynamicHelp
}
await writeFile(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest, null, 2)}\n`)
