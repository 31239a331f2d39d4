import { execFile } from 'node:child_process'
import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { World } from './bench.js'

/** Lays impound out as its package has it, with the manifest that lets a command start alone. Returns its bin file. */
export async function layOutPackage(world: World): Promise<string> {
  const place = join(world.scratch, 'package')
  await mkdir(place)
  for (const name of ['bin', 'templates', 'schemas', 'package.json', 'scripts'])
    await cp(join(world.root, name), join(place, name), { recursive: true })
  for (const name of ['src', 'commands'])
    await cp(join(world.built, name), join(place, 'dist', name), { recursive: true })
  await symlink(join(world.root, 'node_modules'), join(place, 'node_modules'))
  await promisify(execFile)(world.node, ['scripts/write-manifest.js'], { cwd: place })
  return join(place, 'bin', 'impound.js')
}

/** A home of the bench's own: what impound keeps between runs is kept there. */
export function homeIn(scratch: string): Readonly<Record<string, string>> {
  return {
    HOME: scratch,
    XDG_CACHE_HOME: join(scratch, 'cache'),
    XDG_STATE_HOME: join(scratch, 'state'),
  }
}
