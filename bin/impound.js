#!/usr/bin/env node
import os from 'node:os'

// Plain script in old syntax up to the version check, so that any Node.js can say what is wrong.
var parts = process.versions.node.split('.').map(Number)
if (parts[0] < 22 || (parts[0] === 22 && parts[1] < 22)) {
  console.error(
    'impound needs Node.js 22.22 or later, this is ' +
      process.versions.node +
      '. Install Node.js 24 LTS and run it again.',
  )
  process.exit(2)
}
// packing uses libuv's threads, and some wait for the disk; they are counted once, at their first use
process.env.UV_THREADPOOL_SIZE = process.env.UV_THREADPOOL_SIZE || String(Math.max(4, os.cpus().length) + 4)
import('../dist/src/cli/main.js').then(function (main) {
  return main.main(process.argv.slice(2))
})
