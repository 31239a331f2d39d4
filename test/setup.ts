import { Console } from 'node:console'

import { afterEach } from '@jest/globals'

// jest's own console decorates every line with a stack; captured output must be what a user sees
globalThis.console = new Console(process.stdout, process.stderr)

afterEach(() => {
  process.exitCode = undefined
})
