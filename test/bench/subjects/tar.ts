/** Reads a tar with impound's reader: argv is the file. Says how many files, and a digest over their digests. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

import { passingBytes } from '../../../src/evidence/read-hashed.js'
import { hashContent } from '../../../src/filesystem/content-hash.js'
import { readTar } from '../../../src/formats/tar.js'

const [file = ''] = process.argv.slice(2)
const all = createHash('sha256')
let files = 0
const handle = await open(file)
for await (const entry of readTar(passingBytes(handle, new AbortController().signal))) {
  all.update(await hashContent(entry), 'binary')
  files += 1
}
await handle.close()
process.stdout.write(`${files} files, ${all.digest('hex')}\n`)
