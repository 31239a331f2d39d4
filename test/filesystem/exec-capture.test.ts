import { describe, expect, it } from '@jest/globals'

import { captureByExec, type ExecCapture } from '../../src/filesystem/exec-capture.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { Exec } from '../../src/model/ports/streams.js'

/** A container whose shell only complains, until the exec has enough of it. */
const complaining: Exec = {
  exec: async (_where, _argv, { stderr }, { maxBytes, maxStderrBytes = maxBytes }) => {
    const line = Buffer.alloc(64 << 10, 'y\n')
    for (let sent = 0; sent < maxStderrBytes; sent += line.length) stderr.write(line)
    throw new ImpoundError('too-big', `The stderr of the exec is larger than ${maxStderrBytes} bytes.`)
  },
}

describe('the capture of a container', () => {
  it('hears 4 MiB of complaints at most, however large its filesystem may be', async () => {
    const capture = (): Promise<ExecCapture> =>
      captureByExec(
        complaining,
        { namespace: 'n', pod: 'p', container: 'c' },
        {
          script: '',
          signal: new AbortController().signal,
          stallTimeoutMs: 1000,
          maxBytes: 64 << 20,
          progress: () => undefined,
        },
      )
    await expect(capture()).rejects.toMatchObject({
      code: 'too-big',
      message: expect.stringContaining(`larger than ${4 << 20} bytes`),
    })
  })
})
