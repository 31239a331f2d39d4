/** Reads a tar with impound's reader: argv is the file. Says how many files, and a digest over their digests. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

import { readTar } from '../../../src/formats/tar.js'

const [file = ''] = process.argv.slice(2)
const all = createHash('sha256')
let files = 0
for await (const { content } of readTar(createReadStream(file) as AsyncIterable<Buffer>)) {
  const hash = createHash('sha256')
  for await (const slice of content) hash.update(slice)
  all.update(hash.digest())
  files += 1
}
process.stdout.write(`${files} files, ${all.digest('hex')}\n`)
