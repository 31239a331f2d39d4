/** Reads a tar with tar-stream: argv is the file. Says how many files, and a digest over their digests. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

import { extract } from 'tar-stream'

const [file = ''] = process.argv.slice(2)
const all = createHash('sha256')
let files = 0
const extraction = extract()
createReadStream(file).pipe(extraction)
for await (const entry of extraction) {
  const hash = createHash('sha256')
  for await (const slice of entry as AsyncIterable<Buffer>) hash.update(slice)
  all.update(hash.digest())
  files += 1
}
process.stdout.write(`${files} files, ${all.digest('hex')}\n`)
