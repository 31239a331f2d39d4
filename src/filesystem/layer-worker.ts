import { parentPort } from 'node:worker_threads'

import { ImpoundError } from '../model/errors.js'
import type { FromWorker, ToWorker } from './layer-messages.js'
import { writeLayerIndex } from './write-layer-index.js'

/**
 * The other end of {@link LayerThread}: takes one layer after the other, its blob in chunks, and writes the index. Says of
 * each chunk when it was used up, so that no more are sent than are worked on.
 */
const port = parentPort
if (port === null) throw new ImpoundError('bug', 'layer-worker is no program of its own')

const waiting: ToWorker[] = []
let wake: (() => void) | undefined
port.on('message', (message: ToWorker) => {
  waiting.push(message)
  wake?.()
})

const say = (message: FromWorker): void => port.postMessage(message)

async function next(): Promise<ToWorker> {
  for (;;) {
    const message = waiting.shift()
    if (message !== undefined) return message
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
}

async function* blob(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const message = await next()
    if (message.type !== 'chunk') return
    yield message.bytes
    say({ type: 'taken' })
  }
}

for (;;) {
  const job = await next()
  // chunks of a layer that failed were on their way
  if (job.type !== 'begin') continue
  try {
    await writeLayerIndex(blob(), job.diffId, job.path)
    say({ type: 'done' })
  } catch (error) {
    const isOurs = error instanceof ImpoundError
    say({
      type: 'failed',
      code: isOurs ? error.code : 'bug',
      message: error instanceof Error ? error.message : String(error),
    })
  }
}
