import type { Writable } from 'node:stream'

/** Writes chunk after chunk, waiting for the sink where it says so. Rejects with the signal's reason, or when the sink closes. */
export async function writeAll(
  sink: Writable,
  chunks: Iterable<Uint8Array | string>,
  signal: AbortSignal,
): Promise<void> {
  for (const chunk of chunks) {
    signal.throwIfAborted()
    if (sink.destroyed) throw new Error('the reader of this output is gone')
    if (!sink.write(chunk)) await drained(sink, signal)
  }
}

function drained(sink: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => (): void => {
      sink.off('drain', onDrain).off('close', onClose)
      signal.removeEventListener('abort', onAbort)
      act()
    }
    const onDrain = settle(resolve)
    const onClose = settle(() => reject(new Error('the reader of this output is gone')))
    const onAbort = settle(() => reject(signal.reason as Error))
    sink.once('drain', onDrain).once('close', onClose)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
