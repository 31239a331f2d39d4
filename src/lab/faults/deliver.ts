import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'

import { writeHead, type Answer } from '../api/answer.js'
import type { FaultEffect } from './faults.js'
import { asStream, firstBytes, truncated } from './strike-answer.js'

/**
 * Sends an answer, or as much of it as the fault lets through. Resolves when the lab has done its part; what a stalled
 * answer still holds open ends with the client or with the lab.
 */
export async function deliver(
  response: ServerResponse,
  answer: Answer,
  auditId: string,
  effect: FaultEffect | undefined,
): Promise<void> {
  switch (effect?.kind) {
    case 'answer-lost':
    case 'reset':
      response.destroy()
      return
    case 'drop-after':
    case 'stall': {
      writeHead(response, answer, auditId)
      response.flushHeaders()
      await pipeline(asStream(answer.body), firstBytes(effect.bytes), response, { end: false })
      if (effect.kind === 'stall') return
      await flushed(response)
      response.destroy()
      return
    }
    case 'truncate':
    case 'status':
    case 'html':
    case 'close-without-status':
    case undefined: {
      const whole = truncated(answer, effect)
      writeHead(response, whole, auditId)
      if (Buffer.isBuffer(whole.body)) response.end(whole.body)
      else await pipeline(whole.body, response)
    }
  }
}

/** Resolves when all that was written so far is with the operating system. */
function flushed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.socket === null) resolve()
    else response.socket.write(Buffer.alloc(0), () => resolve())
  })
}
