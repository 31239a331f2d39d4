import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { packageRoot } from '../model/package-root.js'

/** Where templates, schemas and package.json lie. */
export const ROOT = packageRoot(import.meta.dirname)

/** The version in package.json. */
export async function toolVersion(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string
  }
  return manifest.version
}
