import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { RunResult } from '../../src/engine/result.js'
import type {
  MemoryDocument,
  ProcessesDocument,
  ProcessFact,
  ProcessLine,
  SocketsDocument,
} from '../../src/model/process-documents.js'
import { apply, eventually, impound, kubectl, kubeJson } from './world.js'

/** What make-images.sh makes where there is gcc: the same tricks with a shell beside them, and without. */
const images = {
  tricks: process.env['E2E_TRICKS_IMAGE'],
  alone: process.env['E2E_STATIC_TRICKS_IMAGE'],
  node: process.env['E2E_NODE_IMAGE'],
}
const here = Object.values(images).includes(undefined) ? describe.skip : describe
const namespace = `t-e2e-proc-${process.pid}`
const home = mkdtempSync(join(tmpdir(), 'impound-e2e-proc-'))

/** What a run on the pod left in its archive. */
class Bag {
  readonly #directory: string

  constructor(archive: string) {
    execFileSync('tar', ['xzf', archive, '-C', dirname(archive)])
    const targets = join(dirname(archive), basename(archive).replace(/\.tar\.gz$/, ''), 'data/targets')
    this.#directory = join(targets, readdirSync(targets)[0]!)
  }

  bytes(name: string): Buffer {
    return readFileSync(join(this.#directory, name))
  }

  json(name: string): unknown {
    return JSON.parse(this.bytes(name).toString('utf8'))
  }

  lines(): readonly ProcessLine[] {
    const text = this.bytes('processes.jsonl').toString('utf8')
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ProcessLine)
  }
}

async function snapshot(name: string, ...how: readonly string[]): Promise<Bag> {
  const rest = ['--skip', 'image,filesystem,logs', '--output', join(home, name), '--json']
  const ran = await impound(['snapshot', 'suspect', '-n', namespace, '--case', name, ...how, ...rest], {
    home,
  })
  const result = JSON.parse(ran.stdout) as RunResult
  return new Bag(result.archive!.path)
}

/** Facts of the process that has this command or name, in a container. */
function factsOf(lines: readonly ProcessLine[], container: string, word: string): readonly ProcessFact[] {
  const found = lines.find(
    (line) => line.container === container && (line.args[0] === word || line.comm === word),
  )
  if (found === undefined) throw new Error(`no ${word} in ${container}`)
  return found.facts
}

here('processes of a real pod', () => {
  beforeAll(async () => {
    apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'suspect', namespace },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            { name: 'app', image: images.tricks },
            { name: 'alone', image: images.alone },
          ],
        },
      },
    )
    await eventually('the tricks to be done', () => {
      const { status } = kubeJson('get', 'pod', 'suspect', '-n', namespace) as {
        status?: { containerStatuses?: readonly { ready: boolean }[] }
      }
      const ready = status?.containerStatuses?.every((container) => container.ready) ?? false
      if (!ready) return undefined
      try {
        return kubectl('exec', '-n', namespace, 'suspect', '-c', 'app', '--', 'cat', '/tricks/work/list')
      } catch {
        return undefined
      }
    })
  }, 180_000)

  afterAll(() => {
    kubectl('delete', 'namespace', namespace, '--wait=false')
    rmSync(home, { recursive: true, force: true })
  })

  it('are told by the node, of a container without a shell too, with bytes and memory', async () => {
    const list = kubectl('exec', '-n', namespace, 'suspect', '-c', 'app', '--', 'cat', '/tricks/work/list')
    const executable = /^executable ([0-9]+)$/m.exec(list)?.[1] ?? ''
    const how = ['--allow', 'node', '--node-image', images.node!, '--memory', `app/${executable}`]
    const bag = await snapshot('P-1', ...how)
    const lines = bag.lines()
    const document = bag.json('processes.json') as ProcessesDocument
    expect(document.captures).toMatchObject([{ method: 'node', trust: 'node-kernel', complete: true }])
    for (const container of ['app', 'alone']) {
      expect(factsOf(lines, container, '[kworker/u8:2]')).toEqual([
        'exe-memfd',
        'fake-kernel-thread',
        'loader-variables',
      ])
      expect(factsOf(lines, container, 'kworker/0:1H')).toEqual(['fake-kernel-thread'])
      expect(factsOf(lines, container, 'gone')).toEqual(['exe-deleted'])
      const kept = document.executables.filter((one) => one.container === container && one.kept !== undefined)
      expect(kept.map((one) => one.kept?.whole)).toEqual([true, true, true])
      expect(new Set(kept.map((one) => one.kept?.sha256)).size).toBe(1)
      const loot = document.deletedFiles.find(
        (one) => one.container === container && one.path.endsWith('/loot'),
      )
      expect(loot?.kept?.bytes).toBe(6)
    }
    const { sockets } = bag.json('sockets.json') as SocketsDocument
    expect(sockets.filter(({ protocol }) => protocol === 'packet').length).toBeGreaterThan(0)
    expect((bag.json('sockets-contained.json') as SocketsDocument).phase).toBe('contained')
    const [memory] = (bag.json('memory.json') as MemoryDocument).processes
    expect(bag.bytes(`memory/app/${executable}.mem`).subarray(0, 16).toString()).toBe('impound-was-here')
    expect(memory?.areas[0]).toMatchObject({ permissions: 'rwxp', offset: 0 })
  }, 180_000)

  it('are told through the container where nothing else is allowed, and not of one without a shell', async () => {
    const bag = await snapshot('P-2', '--allow', 'exec')
    const { captures } = bag.json('processes.json') as ProcessesDocument
    expect(captures).toMatchObject([{ containers: ['app'], method: 'exec', trust: 'target-controlled' }])
    const lines = bag.lines()
    expect(lines.every(({ container }) => container === 'app')).toBe(true)
    expect(factsOf(lines, 'app', '[kworker/u8:2]')).toContain('exe-memfd')
    expect(factsOf(lines, 'app', 'gone')).toEqual(['exe-deleted'])
    expect(lines.some(({ facts }) => facts.includes('ours'))).toBe(true)
  }, 180_000)
})
