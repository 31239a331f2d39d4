/** Reads a tar with impound's reader: argv is the file. Says how many files, and a digest over their digests. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

import { fileBytes } from '../../../src/evidence/read-hashed.js'
import { HashQueue } from '../../../src/filesystem/hash-queue.js'
import { readTar } from '../../../src/formats/tar.js'

const [file = ''] = process.argv.slice(2)
const all = createHash('sha256')
let files = 0
const handle = await open(file)
const queue = new HashQueue((_file: number, sha256) => void all.update(sha256 ?? '', 'binary'))
for await (const entry of readTar(fileBytes(handle, new AbortController().signal))) {
  await queue.hash(files, entry)
  files += 1
}
await queue.finish()
await handle.close()
process.stdout.write(`${files} files, ${all.digest('hex')}\n`)
