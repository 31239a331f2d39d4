import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { EXIT } from '../../../src/model/exit.js'
import type { Bench, World } from '../bench.js'
import { homeIn, layOutPackage } from '../package.js'

export const seizeBench: Bench = {
  name: 'seize',
  title: 'impound seize, the lab’s suspect pod',
  about:
    'impound seize --allow exec of the lab’s suspect pod, with quarantine, logs, image and filesystem, sealed and verified: the process from its start to its end. The lab is another process, new for each round.',
  goal: { kind: 'within', seconds: 3, rssMiB: 200 },
  rounds: 5,
  programs: {},
  async open(world) {
    const bin = await layOutPackage(world)
    const output = join(world.scratch, 'sealed')
    let lab: RunningLab | undefined
    return {
      data: 'the shop',
      ours: {
        label: 'impound seize',
        next: async () => {
          lab = await startLab(world, bin)
          const { suspect, registry, kubeconfig } = lab.facts
          return {
            command: world.node,
            args: [
              ...[bin, 'seize', suspect.name, '--namespace', suspect.namespace, '--kubeconfig', kubeconfig],
              ...['--case', 'BENCH', '--allow', 'exec', '--yes', '--json', '--output', output],
              ...['--registry', `${registry.host}=${registry.url}`],
            ],
            env: homeIn(world.scratch),
            // contained but not verified: the shop has policies that leave something open
            accepts: [EXIT.done, EXIT.containment],
            after: async (stdout) => {
              await lab?.stop()
              await rm(output, { recursive: true })
              const { archive } = JSON.parse(stdout) as { readonly archive: { readonly bytes: number } }
              return { note: `archive of ${(archive.bytes / 1e6).toFixed(1)} MB` }
            },
          }
        },
      },
      close: async () => lab?.stop(),
    }
  },
}

interface LabFacts {
  readonly kubeconfig: string
  readonly suspect: { readonly namespace: string; readonly name: string }
  readonly registry: { readonly host: string; readonly url: string }
}

interface RunningLab {
  readonly facts: LabFacts
  stop(): Promise<void>
}

/** The lab says where it is on stdout, and runs until it is interrupted. */
async function startLab(world: World, bin: string): Promise<RunningLab> {
  const lab = spawn(world.node, [bin, 'lab', '--json'], {
    env: { ...process.env, ...homeIn(world.scratch) },
    stdio: ['ignore', 'pipe', 'ignore'],
    signal: world.signal,
  })
  lab.on('error', () => undefined) // the exit tells
  let text = ''
  for await (const chunk of lab.stdout.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    if (!text.endsWith('\n}\n')) continue
    return {
      facts: JSON.parse(text) as LabFacts,
      stop: async () => {
        if (lab.exitCode !== null || lab.signalCode !== null) return
        const ended = once(lab, 'exit')
        lab.kill('SIGINT')
        await ended
      },
    }
  }
  throw new Error('the lab ended before it said where it is')
}
