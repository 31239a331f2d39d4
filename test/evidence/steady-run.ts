/**
 * A run that is killed -9: argv is the output directory, the spool's name, the line on stdout after which it happens, and how
 * many ms after. It does so itself: on a busy machine another process may be late for a run that is already over.
 */
import { randomBytes } from 'node:crypto'

import { createSpool, sealSpool } from '../../src/evidence/index.js'
import type { Scene } from '../../src/model/scene.js'

const [outputDirectory = '', name = '', last = '', ms = ''] = process.argv.slice(2)
const scene: Scene = {
  schema: 'impound/scene/v1',
  case: 'KILL',
  run: name,
  command: 'seize',
  who: { osUser: 'ana', hostname: 'laptop' },
  where: { context: 'c', server: 'https://c.example' },
  tool: { name: 'impound', version: '0.1.0', argv: [], node: process.version, os: 'linux' },
  clock: { local: '2026-11-22T03:00:33.000Z', utcOffsetMinutes: 0, ntp: 'unknown' },
  missing: [],
}
const clock = { now: () => new Date(), monotonic: () => performance.now(), sleep: () => Promise.resolve() }
const spool = await createSpool({ outputDirectory, name, clock, scene })
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
  if (line === last) setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(ms))
}
const source = { kind: 'stream', mediaType: 'text/plain', trust: 'target-controlled' } as const
const sink = spool.targetSink({ directory: 'shop_web_1' }, 'logs')
for (let number = 0; number < 80; number += 1) {
  const writers = await Promise.all(
    ['a', 'b'].map((side) => sink.open(`logs/${side}${number}.log`, source, `logs ${side}${number}`)),
  )
  for (const writer of writers)
    for (let line = 0; line < 20; line += 1) await writer.write(`line ${line}\n`.repeat(99))
  for (const writer of writers) await writer.end()
  say(String(number))
}
const big = await sink.open('big.bin', source, 'big: so that sealing takes a while')
for (let mebibyte = 0; mebibyte < 32; mebibyte += 1) await big.write(randomBytes(1024 * 1024))
await big.end()
say('sealing')
await sealSpool(spool, { readme: 'none', besides: [], signal: new AbortController().signal })
say('sealed')
