/** Receives the files of a folder into a spool, and says how long sealing it takes: argv is the folder and where to put the archive. */
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import { createSpool, sealSpool } from '../../../src/evidence/index.js'
import { clock, scene, SPOOL_NAME, TARGET_DIRECTORY } from './scene.js'

const [folder = '', outputDirectory = ''] = process.argv.slice(2)
const spool = await createSpool({ outputDirectory, name: SPOOL_NAME, clock, scene })
const sink = spool.targetSink({ directory: TARGET_DIRECTORY }, 'filesystem')
for (const name of (await readdir(folder, { recursive: true })).sort()) {
  const path = join(folder, name)
  if (!(await stat(path)).isFile()) continue
  const source = {
    kind: 'stream',
    mediaType: 'application/octet-stream',
    trust: 'target-controlled',
  } as const
  const writer = await sink.open(name, source, name)
  await pipeline(createReadStream(path), writer.stream, { end: false })
  await writer.end()
}
const started = performance.now()
const { bytes } = await sealSpool(spool, { readme: '', besides: [], signal: new AbortController().signal })
process.stdout.write(`${JSON.stringify({ seconds: (performance.now() - started) / 1000, bytes })}\n`)
