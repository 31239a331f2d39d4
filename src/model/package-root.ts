import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder that holds impound's package.json: where templates and schemas lie, built or not. Throws where there is none. */
export function packageRoot(from: string): string {
  let folder = from
  for (;;) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly name?: string }
      if (name === 'impound') return folder
    }
    if (dirname(folder) === folder) throw new Error(`no package.json of impound above ${from}`)
    folder = dirname(folder)
  }
}
